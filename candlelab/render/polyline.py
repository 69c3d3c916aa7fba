"""A line through the bars, pixel for pixel the one-pixel line of PIL's ImageDraw."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from candlelab.core.compiled import at_hand
from candlelab.render import numba_geometry

FAR = 1 << 20  # a row below every picture


class Polyline:
    """Bresenham's line through one point per bar, as one vertical run per column.

    points  (n,) int, the column of each bar's point, strictly rising.
    columns (W',) int, the columns the line covers, first to last point.
    """

    points: np.ndarray
    steps: np.ndarray
    columns: np.ndarray
    stretch: np.ndarray
    walked: np.ndarray

    def __init__(self, points: np.ndarray):
        self.points = np.asarray(points)
        self.columns = np.arange(self.points[0], self.points[-1] + 1)
        steps = np.append(np.diff(self.points), 1)  # a last stretch of no height carries the last point
        self.stretch = np.searchsorted(self.points, self.columns, side="right") - 1
        self.steps = steps.astype(np.float32)
        self._lengths, self._length_of = np.unique(steps, return_inverse=True)
        self._shares = np.empty((0, len(self._lengths), int(steps.max()), 2), np.int16)
        self.walked = (self.columns - self.points[self.stretch]).astype(np.float32)

    def runs(self, rows: Any, shown: Any = None) -> tuple[Any, ...]:
        """Return (top, bottom) of each column, int32 (B, W').

        rows   (B, n) int32 rows of the points, counted downwards.
        shown  (B, n) bool or None; a line goes only from a shown point to the next.

        Bresenham's steps in closed form. With h rows to go in d columns, column k of a steep stretch (h >= d) holds the
        rows ceil((2k-1)h / 2d) … ceil((2k+1)h / 2d) - 1, of a gentle one the row floor((2kh + d) / 2d), counted from the
        stretch's first point; at its last point it still owns floor(h / 2d) rows back. Exact in float32: numerators stay
        below 2^24 and quotients are at least 1/2d away from the next integer.
        """
        xp = array_namespace(rows)
        rise = xp.concat([rows[:, 1:] - rows[:, :-1], xp.zeros_like(rows[:, :1])], axis=1)
        if shown is not None:
            onward = xp.concat([shown[:, 1:] & shown[:, :-1], shown[:, :1] & False], axis=1)
            rise = xp.where(onward, rise, xp.zeros_like(rise))
        if is_numpy_array(rows) and at_hand(rows.size):
            top, bottom = numba_geometry.walk(
                rows, rise, self.points - self.points[0], self._lengths, self._length_of, self._table(rise)
            )
        else:
            top, bottom = self._stretches(xp, xp.astype(rows, xp.float32), xp.astype(rise, xp.float32))
        if shown is None:
            return top, bottom
        where = self._on(rows, self.stretch)
        drawn = onward[:, where] | (shown[:, where] & (self._on(rows, self.walked) == 0))
        return blank(top, bottom, drawn)

    def for_machine(self, rows: int) -> tuple[np.ndarray, ...]:
        """Return what `kernels` need to walk the line on `rows` rows: points from 0, lengths, length of each stretch, shares."""
        shares = self._table(np.full((1, 1), rows))
        return self.points - self.points[0], self._lengths, self._length_of, shares

    def _table(self, rise: np.ndarray) -> np.ndarray:
        """Return what a stretch takes of each of its columns, by its height and length: (H, lengths, columns, 2) int16, H > any rise."""
        tallest = max(int(rise.max(initial=0)), -int(rise.min(initial=0)))
        if tallest >= len(self._shares):
            heights = np.arange(tallest + tallest // 4 + 1, dtype=np.float32)[:, None, None]
            columns = np.arange(self._shares.shape[2], dtype=np.float32)
            shares = _shares(np, heights, columns, 2 * self._lengths.astype(np.float32)[:, None])
            self._shares = np.stack(shares, axis=-1).astype(np.int16)
        return self._shares

    def _stretches(self, xp, points, rise):
        where = self._on(points, self.stretch)
        base, down = points[:, where], (rise >= 0)[:, where]
        first, final = _shares(
            xp, xp.abs(rise)[:, where], self._on(points, self.walked), self._on(points, 2 * self.steps[self.stretch])
        )
        top = xp.astype(base + xp.where(down, first, -final), xp.int32)
        bottom = xp.astype(base + xp.where(down, final, -first), xp.int32)
        arriving, columns = self._arriving(xp, points, rise), self._on(points, self.points - self.points[0])
        top[:, columns] = xp.minimum(top[:, columns], arriving)
        bottom[:, columns] = xp.maximum(bottom[:, columns], arriving)
        return top, bottom

    def _arriving(self, xp, points, rise):
        """Return for each point the farthest row in its column that the stretch before it owns; int32."""
        back = xp.floor(xp.abs(rise) / self._on(points, 2 * self.steps))
        back = xp.where(rise < 0, -back, back)
        return xp.astype(xp.concat([points[:, :1], points[:, 1:] - back[:, :-1]], axis=1), xp.int32)

    def _on(self, like, values):
        return array_namespace(like).asarray(values, device=device(like))


def _shares(xp, height, walked, double) -> tuple[Any, ...]:
    """Return the (first, last) row that a stretch going down `height` rows in double / 2 columns takes of the column it walked to."""
    middle = 2 * height * walked
    nearest = xp.floor((middle + double / 2) / double)
    first = xp.minimum(xp.ceil((middle - height) / double), nearest)
    first = xp.maximum(first, xp.zeros_like(first))
    return first, xp.maximum(xp.ceil((middle + height) / double) - 1, nearest)


def blank(top: Any, bottom: Any, shown: Any) -> tuple[Any, Any]:
    """Return runs of which only the shown ones have ink; the others end above where they begin."""
    if shown is None:
        return top, bottom
    xp = array_namespace(top)
    return xp.where(shown, top, xp.full_like(top, FAR)), xp.where(shown, bottom, xp.full_like(bottom, -1))
