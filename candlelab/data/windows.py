"""Which rows make sample i: index arithmetic, nothing else."""

from __future__ import annotations

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError


def valid_ends(candles: Candles, *, window: int, warmup: int, stride: int) -> np.ndarray:
    """Return the tape rows that can end a window; shape (n,), int64, ascending.

    window  bars the model sees; warmup bars must precede it in the same segment.
    stride  keep every stride-th such row of each segment, counted from the segment's first.
    A window whose bars were all removed on purpose is left out.
    """
    if window < 1 or warmup < 0 or stride < 1:
        raise UserError(
            f"window {window}, warmup {warmup}, stride {stride}: need window >= 1, warmup >= 0, stride >= 1"
        )
    first = window + warmup - 1
    keep = (candles.position >= first) & ((candles.position - first) % stride == 0)
    if candles.missing is not None:
        keep &= present_in_window(candles, window) > 0
    return np.flatnonzero(keep)


def present_in_window(candles: Candles, window: int) -> np.ndarray:
    """Return how many bars of the last `window` rows exist, ignoring segment borders; shape (N,), int64."""
    here = np.ones(len(candles), np.int64) if candles.missing is None else (~candles.missing).astype(np.int64)
    total = np.cumsum(here)
    before = np.concatenate([np.zeros(min(window, len(total)), np.int64), total[:-window]])
    return total - before


def gather(column: np.ndarray, ends: np.ndarray, window: int) -> np.ndarray:
    """Return the last `window` values of a column for each end row; shape (B, window, …)."""
    return column[ends[:, None] + np.arange(1 - window, 1)]
