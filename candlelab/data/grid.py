"""The exchange's grid of open times."""

from __future__ import annotations

import numpy as np

from candlelab.data.interval import FIXED, MONTH, check_interval, grid_offset


def floor_open(time: np.ndarray, interval: str) -> np.ndarray:
    """Return the open time of the exchange's bar that holds each time; int64 ms UTC."""
    time = np.asarray(time, np.int64)
    if check_interval(interval) == MONTH:
        return time.astype("datetime64[ms]").astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64)
    offset, length = grid_offset(interval), FIXED[interval]
    return (time - offset) // length * length + offset
