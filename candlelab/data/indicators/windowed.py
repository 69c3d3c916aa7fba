"""A window as plain numbers: what a chart shows, without the chart. For baselines, controls and captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from candlelab.data.candles import Candles


def present_rows(candles: Candles, ends: np.ndarray, window: int) -> np.ndarray:
    """Tape rows of each window, (n, window) int64; a removed bar is replaced by the last one before it that is left.

    Bars removed at the start of a window are replaced by the first one left. A window must have at least one bar left.
    """
    rows = ends[:, None] + np.arange(1 - window, 1)
    if candles.missing is None:
        return rows
    left = np.maximum.accumulate(np.where(candles.missing[rows], -1, rows), axis=1)
    first = np.where(left < 0, len(candles), left).min(axis=1)
    return np.where(left < 0, first[:, None], left)
