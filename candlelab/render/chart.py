"""What all drawn styles share: windows -> geometry -> spans -> fill -> pixels."""

from __future__ import annotations

import inspect
import logging
import os
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Literal

import numpy as np
from array_api_compat import array_namespace, device, is_cupy_array, is_torch_array

from candlelab.render.bars import Bars, Tape, adjacent, gather, mark, unpack
from candlelab.render.raster import FillName, choose
from candlelab.render.spans import Canvas, Spans

Missing = Literal["adjacent", "blank"]
NOT_DRAWN = ("fill", "storage")  # settings that change no pixel
log = logging.getLogger(__name__)


class Chart(ABC):
    """A chart style. Subclasses set `canvas` and `warmup` and turn bars into spans.

    window   bars in a picture; `warmup` bars more are read before them, for the averages.
    missing  removed bars: the others stand side by side at the newest end (adjacent) or leave gaps (blank).
    fill     who paints: auto (by device), numba, cupy or torch; the bytes are the same.
    storage  where pictures are kept, see candlelab.render.storage.
    """

    canvas: Canvas
    warmup: int = 0

    def __init__(self, window: int, missing: Missing, fill: FillName, storage):
        if window < 1:
            raise ValueError(f"render.window is {window}: a picture needs at least one bar")
        self.window, self.missing, self.fill, self.storage = window, missing, fill, storage

    @abstractmethod
    def geometry(self, bars: Bars) -> Spans:
        """Return the runs of ink of windows of window + warmup bars."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a picture."""
        return self.canvas.shape

    @property
    def two_colours(self) -> bool:
        """Whether a picture holds only paper and one ink, so that a store may keep one bit per pixel."""
        return self.shape[0] == 1 and len(self.canvas.palette) == 2

    def recipe(self) -> dict:
        """Return the style and every setting that can change a pixel; plain values."""
        names = [n for n, p in inspect.signature(type(self)).parameters.items() if p.kind is p.KEYWORD_ONLY]
        style = f"{type(self).__module__}.{type(self).__name__}"
        return {"style": style} | {name: getattr(self, name) for name in names if name not in NOT_DRAWN}

    def draw(self, candles, ends):
        """Return the pictures of the windows that end at rows `ends`; uint8 (B, C, H, W).

        candles  has open high low close volume (and maybe missing): NumPy, torch or CuPy arrays of equal length.
        ends     integers, the same kind of array; the picture comes back as this kind, on the same device.
        No row after an end, nor before end - window - warmup + 1, is looked at.
        Raises ValueError if a window would reach over an end of the tape.
        """
        tape = Tape.of(candles)
        self._check(tape, ends)
        painter = self._painter(tape.close)
        if painter == "numba":
            return self._draw_on_cpu(tape, ends)
        return paint_with(painter, self.geometry(self._bars(tape, ends)), self.canvas)

    def draw_windows(self, ohlcv, present=None):
        """Return the pictures of windows given as numbers; uint8 (B, C, H, W), the same kind of array.

        ohlcv    (B, warmup + window, 5) float64: open, high, low, close, volume, oldest bar first.
        present  (B, warmup + window) bool or None, False where a bar is missing.
        With torch tensors only tensor operations are used, so this can be part of an exported graph.
        """
        bars = unpack(ohlcv) if present is None else mark(unpack(ohlcv), present)
        spans = self.geometry(self._arranged(bars))
        return paint_with(choose(self.fill if not is_torch_array(ohlcv) else "torch", ohlcv), spans, self.canvas)

    def _bars(self, tape: Tape, ends) -> Bars:
        return self._arranged(gather(tape, ends, self.window + self.warmup))

    def _arranged(self, bars: Bars) -> Bars:
        return adjacent(bars, self.window) if self.missing == "adjacent" else bars

    def _painter(self, array) -> str:
        painter = choose(self.fill, array)
        _say_once(type(self).__name__, self.fill, painter)
        return painter

    def _check(self, tape: Tape, ends) -> None:
        on_cpu = not is_cupy_array(ends) and (not is_torch_array(ends) or ends.device.type == "cpu")
        if not on_cpu or not len(ends):
            return
        first, final = int(ends.min()) - self.window - self.warmup + 1, int(ends.max())
        if first < 0 or final >= len(tape.close):
            raise ValueError(f"a window would cover the rows {first} to {final} of a tape of {len(tape.close)} rows: "
                             f"ends must leave {self.window + self.warmup} rows up to and including each end")

    def _draw_on_cpu(self, tape: Tape, ends):
        """Draw in pieces small enough for the cache, on all cores."""
        from candlelab.render.raster import numba_fill
        as_torch = is_torch_array(ends)
        if as_torch:
            tape, ends = Tape(*(None if c is None else c.numpy() for c in tape)), ends.numpy()
        images = np.empty((len(ends), *self.shape), np.uint8)

        def piece(start: int) -> None:
            stop = start + PIECE
            numba_fill.paint(self.geometry(self._bars(tape, ends[start:stop])), self.canvas, images[start:stop])

        for_each(piece, range(0, len(ends), PIECE))
        return _from_numpy(images) if as_torch else images


PIECE = 64  # pictures a thread draws at a time


def paint_with(painter: str, spans: Spans, canvas: Canvas):
    """Return the images of spans, painted by the named fill, as the kind of array the spans are."""
    if painter == "numba":
        from candlelab.render.raster import numba_fill
        as_torch = is_torch_array(spans.top)
        spans = Spans(*(s.cpu().numpy() for s in spans)) if as_torch else spans
        images = np.empty((len(spans.top), *canvas.shape), np.uint8)
        numba_fill.paint(spans, canvas, images)
        return _from_numpy(images) if as_torch else images
    if painter == "torch":
        from candlelab.render.raster import torch_fill
        if is_torch_array(spans.top):
            return torch_fill.paint(spans, canvas)
        return torch_fill.paint(Spans(*(_from_numpy(np.ascontiguousarray(s)) for s in spans)), canvas).numpy()
    from candlelab.render.raster import cupy_fill
    return cupy_fill.paint(spans, canvas)


def for_each(work, pieces) -> None:
    """Call work on every piece, on all cores when there is more than one; raises what the first failing call raised."""
    if len(pieces) < 2 or workers() < 2:
        for piece in pieces:
            work(piece)
        return
    for _ in _pool(os.getpid()).map(work, pieces):
        pass


def workers() -> int:
    """Return how many threads draw: the cores this process may use, or NUMBA_NUM_THREADS."""
    from numba import config
    return config.NUMBA_NUM_THREADS


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Return this process's drawing threads (a forked child gets its own)."""
    return ThreadPoolExecutor(workers(), thread_name_prefix="candlelab-draw")


@lru_cache
def _say_once(style: str, fill: str, painter: str) -> None:
    log.info("%s draws with the %s fill (render.fill=%s)", style, painter, fill)


def _from_numpy(array: np.ndarray):
    import torch
    return torch.from_numpy(array)


def stack(columns: list):
    """Return runs of several layers side by side, each (B, S_i) or (1, S_i); (B, S)."""
    xp = array_namespace(*columns)
    batch = max(column.shape[0] for column in columns)
    return xp.concat([xp.broadcast_to(c, (batch, c.shape[1])) for c in columns], axis=1)


def solid(runs, ink: int):
    """Return one ink for all runs of a layer; (1, S) uint8 beside runs (B, S)."""
    xp = array_namespace(runs)
    return xp.full((1, runs.shape[1]), ink, dtype=xp.uint8, device=device(runs))
