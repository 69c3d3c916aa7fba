"""The bar images of Jiang, Kelly and Xiu (2023): white ink on black, three columns per bar."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from candlelab.core.contracts import StorageLike
from candlelab.core.errors import UserError
from candlelab.render import kernels
from candlelab.render.bars import Bars, Tape
from candlelab.render.chart import Chart, solid, spans_of
from candlelab.render.polyline import Polyline, blank
from candlelab.render.raster import FillName
from candlelab.render.scale import bar_heights, extent, moving_average, price_scale, rows_above
from candlelab.render.spans import Spans
from candlelab.render.style import Missing, OnePass, check_sides


class Jkx(Chart):
    """The pictures of docs/methods.md, section 2.1: one channel, paper 0, ink 255, width 3 · window.

    height          pixels; the price panel takes what volume and one gap row leave.
    volume          share of the height for the volume panel, rounded down, in [0, 0.9]; 0 is no panel.
    moving_average  bars of the mean close drawn as a line; 0 is no line. The published images take the window's length.
    A bar without a high or low stays black, without an open or close it lacks that tick. A flat window lies on the middle
    row.
    """

    height: int
    volume: float
    moving_average: int

    def __init__(
        self,
        *,
        window: int,
        height: int,
        volume: float,
        moving_average: int,
        missing: Missing,
        fill: FillName,
        storage: StorageLike,
    ):
        super().__init__(window, missing, fill, storage)
        check_sides(height=height)
        if height < 4 or not 0 <= volume <= 0.9 or moving_average < 0:
            raise UserError(
                f"height={height}, volume={volume}, moving_average={moving_average}: "
                "give at least 4 rows, a share in [0, 0.9] and 0 or more bars"
            )
        self.height, self.volume, self.moving_average = height, volume, moving_average
        self.warmup = max(moving_average - 1, 0)
        self.volume_rows: int = int(height * volume)
        self.price_rows: int = height - self.volume_rows - (1 if self.volume_rows else 0)
        centres = 3 * np.arange(window) + 1
        self.line: Polyline = Polyline(centres)
        places = [(np.concatenate([centres - 1, centres, centres + 1]), 1)]
        places += [(self.line.columns, 1)] * bool(moving_average) + [(centres, 1)] * bool(self.volume_rows)
        self.lay_out(height, 3 * window, places, [[0], [255]])

    def geometry(self, bars: Bars) -> Spans:
        """Return the spans of the bars, then of the average, then of the volume."""
        now = bars.last(self.window)
        averages = (
            [moving_average(bars.close, self.moving_average, self.window, bars.shown)] if self.moving_average else []
        )
        scale = price_scale(*extent([now.low, *averages], [now.high, *averages], now.shown), self.price_rows)
        runs = self._bars_of(now, scale)
        runs += [self._line(average, scale, now.shown) for average in averages]
        if self.volume_rows:
            heights = bar_heights(now.volume, self.volume_rows, now.shown)
            runs.append((self.height - heights, self.height - 1 + 0 * heights))
        return spans_of([(top, bottom, solid(top, 1)) for top, bottom in runs])

    def one_pass(self, tape: Tape) -> OnePass:
        """Return the machine code for these pictures."""
        line = self.line.for_machine(self.price_rows)
        return partial(kernels.draw_jkx, *tape[:5], self.window, self.price_rows, self.moving_average, line)

    def _bars_of(self, now: Bars, scale) -> list[tuple[Any, ...]]:
        opened, top, bottom, closed = (self._rows(price, scale, now.shown) for price in now[:4])
        return [
            blank(opened, opened, now.and_number(now.open)),
            blank(top, bottom, now.shown),
            blank(closed, closed, now.and_number(now.close)),
        ]

    def _line(self, average, scale, shown) -> tuple[Any, ...]:
        if shown is not None:
            shown = shown & (average == average)  # NaN where no close was left to average
        return self.line.runs(self._rows(average, scale, shown), shown)

    def _rows(self, prices, scale, shown):
        return self.price_rows - 1 - rows_above(prices, scale, shown)
