"""Closing prices as one line."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from candlelab.core.contracts import StorageLike
from candlelab.core.errors import UserError
from candlelab.render.bars import Bars
from candlelab.render.chart import Chart, solid, spans_of
from candlelab.render.polyline import Polyline
from candlelab.render.raster import FillName
from candlelab.render.scale import extent, price_scale, rows_above
from candlelab.render.spans import Spans
from candlelab.render.style import Missing, check_sides


class LineChart(Chart):
    """The closes of a window from edge to edge; a flat window lies on the middle row.

    height, width  pixels; at least one column per bar, besides the thickness.
    thickness      pixels of the square pen, 1 to 5.
    paper, ink     colours of C levels 0..255; C is 1 (grey) or 3 (RGB).
    """

    height: int
    width: int
    thickness: int
    paper: list[int]
    ink: list[int]
    before: int
    after: int

    def __init__(
        self,
        *,
        window: int,
        height: int,
        width: int,
        thickness: int,
        paper: list[int],
        ink: list[int],
        missing: Missing,
        fill: FillName,
        storage: StorageLike,
    ):
        super().__init__(window, missing, fill, storage)
        check_sides(height=height, width=width)
        if not 1 <= thickness <= 5 or height < 8 or width < window + thickness:
            raise UserError(
                f"thickness={thickness}, height={height}, width={width}: give a pen of 1 to "
                f"5 pixels, at least 8 rows and {window + thickness} columns for {window} bars"
            )
        if len(paper) != len(ink) or len(ink) not in (1, 3) or not all(0 <= level <= 255 for level in [*paper, *ink]):
            raise UserError(f"paper {paper} and ink {ink} do not agree: give both as [grey] or [red, green, blue]")
        self.height, self.width, self.thickness, self.paper, self.ink = height, width, thickness, paper, ink
        self.before, self.after = (thickness - 1) // 2, thickness // 2
        last = width - 1 - self.before - self.after
        points = self.before + np.arange(window) * last // max(window - 1, 1)
        self.line: Polyline = Polyline(points)
        columns = np.arange(points[0] - self.before, points[-1] + self.after + 1)
        self.lay_out(height, width, [(columns, 1)], [paper, ink])

    def geometry(self, bars: Bars) -> Spans:
        """Return the span of each column: the line, widened by the pen."""
        now = bars.last(self.window)
        shown = now.and_number(now.close)
        rows = self.height - self.thickness + 1
        scale = price_scale(*extent([now.close], [now.close], shown), rows)
        line = rows - 1 - rows_above(now.close, scale, shown) + self.before
        top, bottom = self._widened(*self.line.runs(line, shown))
        return spans_of([(top, bottom, solid(top, 1))])

    def _widened(self, top, bottom) -> tuple[Any, ...]:
        """Return for each column the runs of all columns below the pen, as one."""
        if self.thickness == 1:
            return top, bottom
        xp, pen = array_namespace(top), self.thickness - 1
        empty_top, empty_bottom = xp.full_like(top[:, :1], 1 << 20), xp.full_like(top[:, :1], -(1 << 20))
        top = xp.concat([empty_top] * pen + [top] + [empty_top] * pen, axis=1)
        bottom = xp.concat([empty_bottom] * pen + [bottom] + [empty_bottom] * pen, axis=1)
        count = top.shape[1] - pen
        highest, lowest = top[:, :count], bottom[:, :count]
        for shift in range(1, pen + 1):
            highest = xp.minimum(highest, top[:, shift : shift + count])
            lowest = xp.maximum(lowest, bottom[:, shift : shift + count])
        return highest - self.before, lowest + self.after
