"""Four numbers that need little history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import talib

from candlelab.data.indicators.formulas import log_return, volatility
from candlelab.data.indicators.segments import SegmentBars, kalman_warmup, per_segment

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class Minimal:
    """Log return, distance of the close to its means of 5 and 20 bars, volatility of 20 log returns; memory of 20 bars."""

    names: tuple[str, ...] = ("return", "sma_5", "sma_20", "volatility")

    def __init__(self, *, kalman: float | None):
        self.kalman = kalman
        self.warmup: int = 20 + kalman_warmup(kalman)

    def __call__(self, candles: Candles) -> np.ndarray:
        return per_segment(candles, _compute, len(self.names), warmup=self.warmup, kalman=self.kalman)


def _compute(bars: SegmentBars) -> list[np.ndarray]:
    close = bars.close
    means = (np.log(close / talib.SMA(close, bars_back)) for bars_back in (5, 20))
    return [log_return(close), *means, volatility(close, 20)]
