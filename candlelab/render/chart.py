"""What all drawn styles share: bars -> geometry -> spans -> fill -> pixels."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array

from candlelab.core.contracts import StorageLike
from candlelab.render.bars import Bars, Tape
from candlelab.render.raster import FillName, choose_fill
from candlelab.render.spans import Canvas, Places, Spans, canvas
from candlelab.render.style import Missing, OnePass, Style, from_numpy

log = logging.getLogger(__name__)


class Chart(Style):
    """A style made of vertical runs of ink. Subclasses call `lay_out` and turn bars into spans.

    fill  who paints: auto (by device), numba, numpy, cupy or torch; the bytes are the same.
    """

    canvas: Canvas

    def __init__(self, window: int, missing: Missing, fill: FillName, storage: StorageLike):
        super().__init__(window, missing, storage)
        self.fill = fill

    def lay_out(self, height: int, width: int, places: Places, palette: list[list[int]]) -> None:
        """Fix the size of the pictures, which columns each run owns, and the colours; the first is the paper."""
        self.canvas = canvas(height, width, places, palette)
        self.shape, self.two_colours = self.canvas.shape, np.shape(palette) == (2, 1)

    @abstractmethod
    def geometry(self, bars: Bars) -> Spans:
        """Return the runs of ink of windows of warmup + window bars."""

    def pixels(self, bars: Bars) -> Any:
        """Return the pictures of windows, painted by the fill that suits their device."""
        spans = self.geometry(bars)
        if is_torch_array(spans.top) and spans.top.device.type == "cpu":
            painter = "torch"  # a graph that is being exported is made of tensor operations only
        else:
            painter = choose_fill(self.fill, spans.top)
        _say_once(type(self).__name__, painter)
        return PAINTERS[painter](spans, self.canvas)

    def _direct(self, tape: Tape, count: int) -> OnePass | None:
        direct = super()._direct(tape, count) if self.fill in ("auto", "numba") else None
        if direct is not None:
            _say_once(type(self).__name__, "numba")
        return direct

    def plan(self, bars: Bars) -> Spans:
        """Return the spans of NumPy bars."""
        return self.geometry(bars)

    def paint(self, plan: Spans, images: np.ndarray) -> None:
        """Paint the spans into images (B, C, H, W); called by several threads at once."""
        painter = choose_fill(self.fill, plan.top)
        _say_once(type(self).__name__, painter)
        if painter in ("numba", "numpy"):
            _paint(painter, plan, self.canvas, images)
        else:
            images[...] = PAINTERS[painter](plan, self.canvas)


def _paint(painter: str, spans: Spans, canvas: Canvas, images: np.ndarray) -> None:
    if painter == "numba":
        from candlelab.render.raster import numba_fill

        numba_fill.paint(spans, canvas, images)
    else:
        from candlelab.render.raster import numpy_fill

        numpy_fill.paint(spans, canvas, images)


def _on_cpu(painter: str, spans: Spans, canvas: Canvas):
    as_torch = is_torch_array(spans.top)
    runs = Spans(*(part.cpu().numpy() for part in spans)) if as_torch else spans
    images = np.empty((len(runs.top), *canvas.shape), np.uint8)
    _paint(painter, runs, canvas, images)
    return from_numpy(images).to(spans.top.device) if as_torch else images


def _with_torch(spans: Spans, canvas: Canvas):
    from candlelab.render.raster import torch_fill

    if is_torch_array(spans.top):
        return torch_fill.paint(spans, canvas)
    return torch_fill.paint(Spans(*(from_numpy(np.ascontiguousarray(part)) for part in spans)), canvas).numpy()


def _with_cupy(spans: Spans, canvas: Canvas):
    from candlelab.render.raster import cupy_fill

    return cupy_fill.paint(spans, canvas)


PAINTERS: dict[str, Callable[[Spans, Canvas], Any]] = {
    "numba": partial(_on_cpu, "numba"),
    "numpy": partial(_on_cpu, "numpy"),
    "torch": _with_torch,
    "cupy": _with_cupy,
}


@lru_cache
def _say_once(style: str, painter: str) -> None:
    log.info("%s draws with the %s fill (render.fill)", style, painter)


def stack(columns: list[Any]) -> Any:
    """Return runs of several layers side by side, each (B, S_i) or (1, S_i); (B, S)."""
    xp = array_namespace(*columns)
    batch = max(column.shape[0] for column in columns)
    return xp.concat([xp.broadcast_to(c, (batch, c.shape[1])) for c in columns], axis=1)


def solid(runs: Any, ink: int) -> Any:
    """Return one ink for all runs of a layer; (1, S) uint8 beside runs (B, S)."""
    xp = array_namespace(runs)
    return xp.full((1, runs.shape[1]), ink, dtype=xp.uint8, device=device(runs))


def spans_of(layers: list[tuple[Any, ...]]) -> Spans:
    """Return the spans of layers (top, bottom, ink) in painting order."""
    tops, bottoms, inks = zip(*layers, strict=True)
    ink = stack(list(inks)) if any(i.shape[0] > 1 for i in inks) else array_namespace(*inks).concat(list(inks), axis=1)
    return Spans(stack(list(tops)), stack(list(bottoms)), ink)
