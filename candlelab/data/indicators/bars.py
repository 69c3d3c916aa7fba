"""The six numbers that a bar chart draws, unscaled: nets with `model.net.scale` scale each window by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from candlelab.core.errors import UserError
from candlelab.data.indicators.segments import SegmentBars, per_segment

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class RawBars:
    """Open, high, low, close, mean of the last `average` closes, volume; warm-up of average - 1 bars.

    Source: the controls of Jiang, Kelly & Xiu (2023), Journal of Finance 78(6), Table IX.
    """

    names: tuple[str, ...] = ("open", "high", "low", "close", "average", "volume")

    def __init__(self, *, average: int):
        if average < 1:
            raise UserError(f"average is {average}; set it to 1 bar or more.")
        self.average = average
        self.warmup: int = average - 1

    def __call__(self, candles: Candles) -> np.ndarray:
        return per_segment(candles, self._columns, len(self.names), warmup=self.warmup, kalman=None)

    def _columns(self, bars: SegmentBars) -> list[np.ndarray]:
        mean = np.full(len(bars.close), np.nan)
        mean[self.warmup :] = np.lib.stride_tricks.sliding_window_view(bars.close, self.average).mean(axis=1)
        return [bars.open, bars.high, bars.low, bars.close, mean, bars.volume]
