"""The eleven numbers of CNN-LSTM-Attention as it had them, prices and all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import talib

from candlelab.data.indicators.classic import Classic
from candlelab.data.indicators.segments import SegmentBars, kalman_warmup, per_segment

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class Raw:
    """Open, high, low, close, volume, RSI 14, MACD 12/26 and its signal 9, Bollinger bands 20/2, mean of 20 closes.

    Nothing is filled: the first rows of a segment are warm-up. For comparison only, absolute prices do not carry over to
    another year or coin.
    """

    names: tuple[str, ...] = Classic.names

    def __init__(self, *, kalman: float | None):
        self.kalman = kalman
        self.warmup: int = 120 + kalman_warmup(kalman)

    def __call__(self, candles: Candles) -> np.ndarray:
        return per_segment(candles, _compute, len(self.names), warmup=self.warmup, kalman=self.kalman)


def _compute(bars: SegmentBars) -> list[np.ndarray]:
    macd, signal, _ = talib.MACD(bars.close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(bars.close, 20, 2.0, 2.0)
    rsi = talib.RSI(bars.close, 14)
    return [bars.open, bars.high, bars.low, bars.close, bars.volume, rsi, macd, signal, lower, upper, middle]
