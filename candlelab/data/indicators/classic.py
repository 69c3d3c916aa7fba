"""The eleven numbers of CNN-LSTM-Attention without a price scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import talib

from candlelab.data.indicators.formulas import log_volume, ratio, volatility
from candlelab.data.indicators.segments import SegmentBars, kalman_warmup, per_segment

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class Classic:
    """Prices against the close before, distances to the average and the bands and the MACD in units of volatility; RSI centred.

    Volatility is that of the last 20 log returns. MACD and RSI remember all of a segment; after the warm-up what came before
    counts for less than 0.001 of a volatility or of the RSI's range.
    kalman   null, or the variance of the price's steps over that of its noise: prices are filtered first (causally).
    """

    names: tuple[str, ...] = (
        "open",
        "high",
        "low",
        "close",
        "volume",
        "rsi",
        "macd",
        "macd_signal",
        "bb_lower",
        "bb_upper",
        "ma_20",
    )

    def __init__(self, *, kalman: float | None):
        self.kalman = kalman
        self.warmup: int = 120 + kalman_warmup(kalman)

    def __call__(self, candles: Candles) -> np.ndarray:
        return per_segment(candles, _compute, len(self.names), warmup=self.warmup, kalman=self.kalman)


def _compute(bars: SegmentBars) -> Iterator[np.ndarray]:
    sigma = volatility(bars.close, 20)
    unit = bars.close * sigma
    before = np.concatenate(([np.nan], bars.close[:-1]))
    yield from (ratio(np.log(price / before), sigma) for price in (bars.open, bars.high, bars.low, bars.close))
    yield log_volume(bars.volume, 20)
    yield talib.RSI(bars.close, 14) / 50.0 - 1.0
    yield from (ratio(line, unit) for line in talib.MACD(bars.close, 12, 26, 9)[:2])
    upper, middle, lower = talib.BBANDS(bars.close, 20, 2.0, 2.0)
    yield from (ratio(distance, unit) for distance in (bars.close - lower, upper - bars.close, bars.close - middle))
