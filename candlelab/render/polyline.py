"""A one-pixel line through the bars, pixel for pixel the line of PIL's ImageDraw."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace, device

Runs = list[tuple]  # (top, bottom) per layer


class Polyline:
    """Bresenham's line through one point per bar, as vertical runs in two layers.

    columns  (n,) int, the column of each bar's point, strictly rising.

    The first layer has one run for each column from the first point up to the last one; the second one run for each point,
    because the stretch that arrives there may end with a run of its own.
    """

    def __init__(self, columns: np.ndarray):
        self.columns = np.asarray(columns)
        steps = np.diff(self.columns)
        self.between = np.arange(self.columns[0], self.columns[-1])
        self.stretch = np.repeat(np.arange(len(steps)), steps)
        self.walked = (self.between - self.columns[:-1][self.stretch]).astype(np.float32)
        self.steps = steps.astype(np.float32)

    @property
    def places(self) -> list[tuple[np.ndarray, int]]:
        """The layers' columns, for `spans.canvas`."""
        return [(self.between, 1), (self.columns, 1)]

    def runs(self, rows, shown=None) -> Runs:
        """Return (top, bottom) of both layers, int32.

        rows   (B, n) int32 rows of the points, counted downwards.
        shown  (B, n) bool or None; a line goes only from a shown point to the next.
        """
        xp = array_namespace(rows)
        points = xp.astype(rows, xp.float32)  # exact: rows times columns stay far below 2^24
        rise = points[:, 1:] - points[:, :-1]
        height, sign = xp.abs(rise), xp.sign(rise)
        arriving = points[:, 1:] - sign * xp.floor(height / self._on(xp, rows, 2 * self.steps))
        arriving = xp.concat([points[:, :1], arriving], axis=1)
        layers = [self._stretches(xp, points, height, sign), (xp.minimum(arriving, points), xp.maximum(arriving, points))]
        layers = [(xp.astype(top, xp.int32), xp.astype(bottom, xp.int32)) for top, bottom in layers]
        return layers if shown is None else self._only_shown(xp, layers, rows, shown)

    def _stretches(self, xp, points, height, sign):
        """Return the run of each column between the points: Bresenham's steps counted in closed form."""
        stretch = xp.asarray(self.stretch, device=device(points))
        height, sign, base = height[:, stretch], sign[:, stretch], points[:, stretch]
        double = self._on(xp, points, 2 * self.steps[self.stretch])
        middle = height * self._on(xp, points, 2 * self.walked)
        nearest = xp.floor((middle + double / 2) / double)
        first = xp.minimum(xp.ceil((middle - height) / double), nearest)
        final = xp.maximum(xp.ceil((middle + height) / double) - 1, nearest)
        first, final = base + sign * xp.maximum(first, xp.zeros_like(first)), base + sign * final
        return xp.minimum(first, final), xp.maximum(first, final)

    def _only_shown(self, xp, layers, rows, shown):
        both = (shown[:, 1:] & shown[:, :-1])[:, xp.asarray(self.stretch, device=device(rows))]
        (top, bottom), (point_top, point_bottom) = layers
        from_here = xp.concat([shown[:, :1], shown[:, 1:] & shown[:, :-1]], axis=1)
        point_top = xp.where(from_here, point_top, rows)
        point_bottom = xp.where(from_here, point_bottom, rows)
        return [blank(top, bottom, both), blank(point_top, point_bottom, shown)]

    def _on(self, xp, like, values):
        return xp.asarray(values, device=device(like))


def blank(top, bottom, shown):
    """Return runs of which only the shown ones have ink."""
    if shown is None:
        return top, bottom
    xp = array_namespace(top)
    return xp.where(shown, top, xp.ones_like(top)), xp.where(shown, bottom, xp.zeros_like(bottom))
