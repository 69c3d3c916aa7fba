"""Sorting of many numbers: shared out among stretches that fit into the cache, each sorted there by NumPy."""

from __future__ import annotations

import numpy as np

from candlelab.core.compiled import compiled

STRETCH = 16_384  # numbers, that lie in the cache with their rows
CELLS = 16_384


def ascending(values: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finite values in ascending order and their rows; of equal values the first given come first."""
    if len(values) > 2 * STRETCH:
        low, high = float(values.min()), float(values.max())
        with np.errstate(all="ignore"):
            scale = CELLS / np.subtract(high, low)
        if 0 < scale < np.inf:
            return _in_stretches(values, rows, low, float(scale))
    order = _order(values)
    return values[order], rows[order]


def _in_stretches(values: np.ndarray, rows: np.ndarray, low: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """`ascending` with numbers of neighbouring cells, about as many as STRETCH, put side by side first."""
    counts = _counts(values, low, scale, CELLS)
    stretch = (np.cumsum(counts) - counts) // STRETCH
    ends = np.cumsum(np.bincount(stretch, counts)).astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    given, values, rows = (values, rows), np.empty_like(values), np.empty_like(rows)
    _share_out(*given, low, scale, stretch, starts.copy(), values, rows)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        order = _order(values[start:end])
        values[start:end], rows[start:end] = values[start:end][order], rows[start:end][order]
    return values, rows


def _order(values: np.ndarray) -> np.ndarray:
    """The stable order; the quickest one is stable where no value comes twice."""
    order = np.argsort(values)
    found = values[order]
    return np.argsort(values, kind="stable") if (found[1:] == found[:-1]).any() else order


@compiled
def _counts(values, low, scale, cells):
    """(cells,) how many values lie in each cell of equal width."""
    counts = np.zeros(cells, np.int64)
    for k in range(values.size):
        counts[min(np.int64((values[k] - low) * scale), cells - 1)] += 1
    return counts


@compiled
def _share_out(values, rows, low, scale, stretch, place, out, out_rows):
    """Put values and rows where their stretch begins, one after the other; stretch (cells,), place (stretches,) used up."""
    for k in range(values.size):
        s = stretch[min(np.int64((values[k] - low) * scale), stretch.size - 1)]
        out[place[s]], out_rows[place[s]] = values[k], rows[k]
        place[s] += 1
