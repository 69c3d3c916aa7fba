"""The formulas of `scale` and `polyline` in one pass over NumPy arrays, where array operations would take five or thirty."""

from __future__ import annotations

import numpy as np
from numba import njit

SNAP = 2.0**20  # as in scale


@njit(nogil=True, cache=True)
def rows(values, origin, factor, nearest):
    """Return rows (B, n) int32, halves to even if nearest, else truncated; values (B, n), origin and factor (B, 1)."""
    found = np.empty(values.shape, np.int32)
    for b in range(values.shape[0]):
        start, steep = origin[b, 0], factor[b, 0]
        for x in range(values.shape[1]):
            row = np.rint((values[b, x] - start) * steep) * (1 / SNAP)
            found[b, x] = np.int32(np.rint(row) if nearest else row)
    return found


@njit(nogil=True, cache=True)
def walk(rows, rise, points, steps):
    """Return (top, bottom) of each column of a polyline, int32 (B, W').

    rows    (B, n) int32 rows of the points; rise (B, n) int32 rows to go from each; points (n,) its column from 0, steps (n,)
    columns to the next. Quotients are counted up from column to column: what `Polyline.runs` says, without its divisions.
    """
    top = np.empty((rows.shape[0], points[-1] + 1), np.int32)
    bottom = np.empty_like(top)
    for b in range(rows.shape[0]):
        back = 0
        for k in range(points.size):
            base, height, wide = rows[b, k], abs(rise[b, k]), 2 * steps[k]
            more, rest = 2 * height // wide, 2 * height % wide
            near, near_rest = 0, steps[k]  # floor((2kh + d) / 2d) at k = 0
            low, low_rest = (wide - 1 - height) // wide, (wide - 1 - height) % wide  # ceil((2k-1)h / 2d)
            for x in range(points[k], points[k] + steps[k]):
                first = max(min(low, near), 0)
                low, low_rest = _further(low, low_rest, more, rest, wide)
                final = max(low - 1, near)
                near, near_rest = _further(near, near_rest, more, rest, wide)
                top[b, x], bottom[b, x] = (base + first, base + final) if rise[b, k] >= 0 else (base - final, base - first)
            top[b, points[k]] = min(top[b, points[k]], base - back)
            bottom[b, points[k]] = max(bottom[b, points[k]], base - back)
            back = height // wide if rise[b, k] >= 0 else -(height // wide)
    return top, bottom


@njit(nogil=True, inline="always")
def _further(quotient, rest, more, more_rest, divisor):
    quotient, rest = quotient + more, rest + more_rest
    carry = rest >= divisor
    return quotient + carry, rest - carry * divisor
