"""Black bars on white paper, four pixels each: open dot, high-low line, close dot, gap."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np

from candlelab.core.contracts import StorageLike
from candlelab.render import kernels
from candlelab.render.bars import Bars, Tape
from candlelab.render.chart import Chart, solid, spans_of
from candlelab.render.polyline import blank
from candlelab.render.raster import FillName
from candlelab.render.scale import downward_scale, extent, rows_below
from candlelab.render.spans import Spans
from candlelab.render.style import Missing, OnePass, check_sides

COLUMNS = {"open_line_close": (0, 1, 2), "line_open_close": (1, 0, 2)}  # of the open dot, the line and the close dot


class OhlcBars(Chart):
    """The four-pixel bars of docs/methods.md, section 2.2: one channel, paper 255, ink 0, width 4 · window.

    height  pixels.
    layout  the order of the columns of a bar: open_line_close (the classic bar) or line_open_close.
    The highest high is on the first row, the lowest low on the last; rows are truncated; a flat window is one line on the
    first row.
    """

    height: int

    def __init__(
        self,
        *,
        window: int,
        height: int,
        layout: Literal["open_line_close", "line_open_close"],
        missing: Missing,
        fill: FillName,
        storage: StorageLike,
    ):
        super().__init__(window, missing, fill, storage)
        check_sides(2, height=height)
        self.height, self.layout = height, layout
        self._columns = np.array(COLUMNS[layout])
        slots = 4 * np.arange(window)
        places = np.concatenate([slots + column for column in COLUMNS[layout]])
        self.lay_out(height, 4 * window, [(places, 1)], [[255], [0]])

    def geometry(self, bars: Bars) -> Spans:
        """Return the spans of the open dots, the lines and the close dots."""
        scale = downward_scale(*extent([bars.low], [bars.high], bars.shown), self.height)
        opened, top, bottom, closed = (rows_below(price, scale, bars.shown) for price in bars[:4])
        runs = ((opened, opened), (top, bottom), (closed, closed))
        return spans_of([(*blank(*run, bars.shown), solid(opened, 1)) for run in runs])

    def one_pass(self, tape: Tape) -> OnePass:
        """Return the machine code for these pictures."""
        return partial(kernels.draw_ohlc, *tape[:4], self.window, self._columns)
