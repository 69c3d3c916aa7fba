"""What `scale` and `polyline` do in many array operations, in one pass over NumPy arrays."""

from __future__ import annotations

import numpy as np

from candlelab.core.compiled import compiled

SNAP = 2.0**20  # as in scale


@compiled
def rows(values, origin, factor, nearest):
    """Return rows (B, n) int32, halves to even if nearest, else truncated; values (B, n), origin and factor (B, 1)."""
    found = np.empty(values.shape, np.int32)
    for b in range(values.shape[0]):
        start, steep = origin[b, 0], factor[b, 0]
        for x in range(values.shape[1]):
            row = np.rint((values[b, x] - start) * steep) * (1 / SNAP)
            found[b, x] = np.int32(np.rint(row) if nearest else row)
    return found


@compiled
def walk(rows, rise, points, lengths, length_of, shares):
    """Return (top, bottom) of each column of a polyline, int32 (B, W').

    rows     (B, n) int32 rows of the points; rise (B, n) int32 rows to go from each; points (n,) its column from 0.
    lengths  columns a stretch may have; length_of (n,) says which each has; shares is `Polyline._table`.
    """
    top = np.empty((rows.shape[0], points[-1] + 1), np.int32)
    bottom = np.empty_like(top)
    for b in range(rows.shape[0]):
        back = 0
        for k in range(points.size):
            base, down, start = rows[b, k], rise[b, k] >= 0, points[k]
            share = shares[abs(rise[b, k]), length_of[k]]
            for x in range(lengths[length_of[k]]):
                first, final = share[x, 0], share[x, 1]
                top[b, start + x], bottom[b, start + x] = (
                    (base + first, base + final) if down else (base - final, base - first)
                )
            top[b, start] = min(top[b, start], base - back)
            bottom[b, start] = max(bottom[b, start], base - back)
            back = abs(rise[b, k]) // (2 * lengths[length_of[k]]) * (1 if down else -1)
    return top, bottom
