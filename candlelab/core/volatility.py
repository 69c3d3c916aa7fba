"""Running volatility: the exponentially weighted standard deviation of log returns, known at each close."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from candlelab.core.blocks import at_rows
from candlelab.core.compiled import compiled_if_long

if TYPE_CHECKING:
    from candlelab.core.candles import Candles

SIGMA_WEIGHT = 0.05  # weight of the newest squared return in the running volatility


def running_volatility(candles: Candles) -> np.ndarray:
    """Volatility of one bar known at each close, as log return; shape (N,), NaN in the first row of a segment.

    Exponentially weighted: s2[t] = 0.95 s2[t-1] + 0.05 r[t]^2, started at the first squared return of the segment. A missing
    bar leaves the value as it was.
    """
    return np.asarray(_running_volatility(candles.close, candles.segment, SIGMA_WEIGHT))


def volatility_at(candles: Candles, rows: np.ndarray) -> np.ndarray:
    """Running volatility at some rows alone; (n,)."""
    return at_rows(running_volatility, candles, rows)


@compiled_if_long
def _running_volatility(close: np.ndarray, segment: np.ndarray, weight: float) -> np.ndarray:
    out = np.full(close.shape[0], np.nan)
    variance = np.nan
    for t in range(1, close.shape[0]):
        if segment[t] != segment[t - 1]:
            variance = np.nan
            continue
        step = math.log(close[t] / close[t - 1])
        if math.isfinite(step):
            variance = step * step if math.isnan(variance) else (1.0 - weight) * variance + weight * step * step
        out[t] = math.sqrt(variance)
    return out
