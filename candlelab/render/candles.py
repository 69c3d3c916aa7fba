"""Candlesticks in colour: bodies, wicks, a volume panel and moving averages."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace

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

UP, DOWN, WICK, FIRST_AVERAGE = 1, 2, 3, 4  # rows of the palette


class CandleChart(Chart):
    """Candles in slots of equal width; the newest stands at the right edge.

    height, width    pixels; at least one column per bar.
    body             share of a slot that the body takes, in (0, 1].
    volume           share of the height for the volume panel, in [0, 0.9]; 0 is no panel.
    moving_averages  lengths in bars of the lines of mean closes; the earlier bars they need are the warmup.
    paper, up, down, wick, averages  colours of C levels 0..255; C is 1 (grey) or 3 (RGB). A bar is up if close >= open.
    Prices are scaled to the highs, lows and averages of the window; a body is at least one row, so a doji is a line.
    """

    height: int
    width: int
    body: float
    volume: float
    moving_averages: list[int]
    averages: list[list[int]]
    paper: list[int]
    up: list[int]
    down: list[int]
    wick: list[int]
    lines: list[Polyline]

    def __init__(
        self,
        *,
        window: int,
        height: int,
        width: int,
        body: float,
        volume: float,
        moving_averages: list[int],
        paper: list[int],
        up: list[int],
        down: list[int],
        wick: list[int],
        averages: list[list[int]],
        missing: Missing,
        fill: FillName,
        storage: StorageLike,
    ):
        super().__init__(window, missing, fill, storage)
        self.height, self.width, self.body, self.volume = height, width, body, volume
        self.moving_averages, self.averages = moving_averages, averages
        self.paper, self.up, self.down, self.wick = paper, up, down, wick
        self._check_settings()
        self.warmup = max(moving_averages, default=1) - 1
        self.volume_rows: int = round(volume * height)
        self.price_rows: int = height - self.volume_rows - (1 if self.volume_rows else 0)
        self._place()

    def _check_settings(self) -> None:
        check_sides(height=self.height, width=self.width)
        if self.width < self.window or self.height < 8:
            raise UserError(
                f"width={self.width} and height={self.height} cannot hold {self.window} "
                f"candles: give at least {self.window} columns and 8 rows"
            )
        if not 0 < self.body <= 1 or not 0 <= self.volume <= 0.9:
            raise UserError(f"body is {self.body} and volume is {self.volume}: give shares in (0, 1] and [0, 0.9]")
        if min(self.moving_averages, default=1) < 1 or len(self.moving_averages) > 5:
            raise UserError(f"moving_averages is {self.moving_averages}: give up to 5 lengths of at least 1 bar")
        if len(self.averages) < len(self.moving_averages):
            raise UserError(
                f"averages has {len(self.averages)} colours for {len(self.moving_averages)} "
                "moving averages: give one each"
            )
        colours = [self.paper, self.up, self.down, self.wick, *self.averages]
        if {len(colour) for colour in colours} not in ({1}, {3}) or not all(0 <= v <= 255 for c in colours for v in c):
            raise UserError(f"the colours {colours} do not agree: give each as [grey] or [red, green, blue], 0 to 255")

    def _place(self) -> None:
        """Fix which columns each bar owns."""
        slots = np.arange(self.window) * self.width // self.window
        slot = self.width // self.window
        wide = max(1, min(slot - 1, round(self.body * slot)))
        bodies = slots + (slot - wide + 1) // 2
        wicks = bodies + (wide - 1) // 2
        self.lines = [Polyline(wicks) for _ in self.moving_averages]
        places = [(bodies, wide)] * bool(self.volume_rows)
        places += [(line.columns, 1) for line in self.lines]
        places += [(wicks, 1), (bodies, wide)]
        colours = [self.paper, self.up, self.down, self.wick, *self.averages]
        self.lay_out(self.height, self.width, places, colours)
        self._wide, self._bodies, self._wicks = wide, bodies, Polyline(wicks)
        self._shown = self._colours_shown(len(self.moving_averages))

    def _colours_shown(self, averages: int) -> np.ndarray:
        """Return what is seen where some layers cover a pixel, one bit each from the lowest up; (2^(5 + averages),) uint32."""
        layers = [self.paper, self.up, self.down, *self.averages[:averages], self.wick, self.up, self.down]
        packed = [sum(level << (8 * c) for c, level in enumerate(colour)) for colour in layers]
        return np.array([packed[bits.bit_length()] for bits in range(1 << (5 + averages))], np.uint32)

    def one_pass(self, tape: Tape) -> OnePass:
        """Return the machine code for these pictures."""
        line, lengths = self._wicks.for_machine(self.price_rows), np.array(self.moving_averages, np.int64)
        return partial(
            kernels.draw_candles, *tape[:5], self.price_rows, lengths, line, self._bodies, self._wide, self._shown
        )

    def geometry(self, bars: Bars) -> Spans:
        """Return the spans of the volume panel and the averages, then of wicks and bodies: nothing hides a candle."""
        now = bars.last(self.window)
        averages = [moving_average(bars.close, n, self.window, bars.shown) for n in self.moving_averages]
        scale = price_scale(*extent([now.low, *averages], [now.high, *averages], now.shown), self.price_rows)
        layers = [self._volume_panel(now)] if self.volume_rows else []
        for k, (line, average) in enumerate(zip(self.lines, averages, strict=True)):
            layers.append(self._average(line, average, scale, now.shown, FIRST_AVERAGE + k))
        layers += self._candles(now, scale)
        return spans_of(layers)

    def _volume_panel(self, now: Bars) -> tuple[Any, ...]:
        heights = bar_heights(now.volume, self.volume_rows, now.shown)
        xp = array_namespace(heights)
        return self.height - heights, xp.full_like(heights, self.height - 1), self._direction(now)

    def _candles(self, now: Bars, scale) -> list[tuple[Any, ...]]:
        xp = array_namespace(now.close)
        low, high, opened, closed = (self._rows(p, scale, now.shown) for p in (now.low, now.high, now.open, now.close))
        wick = blank(high, low, now.shown)
        body = blank(xp.minimum(opened, closed), xp.maximum(opened, closed), now.shown)
        return [(*wick, solid(high, WICK)), (*body, self._direction(now))]

    def _average(self, line: Polyline, average, scale, shown, ink: int) -> tuple[Any, ...]:
        if shown is not None:
            shown = shown & ~array_namespace(average).isnan(average)
        top, bottom = line.runs(self._rows(average, scale, shown), shown)
        return top, bottom, solid(top, ink)

    def _rows(self, prices, scale, shown):
        return self.price_rows - 1 - rows_above(prices, scale, shown)

    def _direction(self, now: Bars):
        xp = array_namespace(now.close)
        return xp.astype(xp.where(now.close >= now.open, UP, DOWN), xp.uint8)
