"""What every picture of a window shares: where its bars come from, its recipe, and drawing many on all cores."""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from array_api_compat import is_cupy_array, is_torch_array

from candlelab.core.agreement import NOT_DRAWN
from candlelab.core.compiled import COMPILES, at_hand
from candlelab.core.contracts import StorageLike
from candlelab.core.errors import UserError
from candlelab.render.bars import Bars, Tape, adjacent, gather_bars, mark, unpack
from candlelab.render.memory import pictures

if TYPE_CHECKING:
    import torch

Missing = Literal["adjacent", "blank"]
OnePass = Callable[[np.ndarray, np.ndarray], None]  # draws the windows that end at rows (B,) into images (B, C, H, W)
LARGEST_WINDOW = 10_000  # bars; nobody tells more of them apart
LARGEST_SIDE = 20_000  # pixels
PIECE = 20_000  # bars a thread draws at a time: their numbers stay in the cache
MANY, LARGER = (
    1 << 15,
    4,
)  # from so many pictures on pieces are so many times larger: the threads wait for each other less often
ALONE = 4 << 20  # bytes of pictures that one thread draws sooner than others wake up
PIECES = 4  # for each thread, where none holds another up


def check_sides(least: int = 1, **sides: int) -> None:
    """Raise UserError for a side of a picture below `least` pixels or beyond what can be drawn."""
    for name, value in sides.items():
        if not least <= value <= LARGEST_SIDE:
            raise UserError(f"{name} is {value:,} pixels: give {least:,} to {LARGEST_SIDE:,}")


class Style(ABC):
    """A picture of a window. Subclasses set `shape` and `warmup` and implement `pixels`.

    window   bars in a picture; `warmup` bars more are read before them, for the averages.
    missing  removed bars: the others stand side by side at the newest end (adjacent) or leave gaps (blank).
    storage  where pictures are kept, see candlelab.render.storage.
    """

    window: int
    storage: StorageLike

    shape: tuple[int, int, int]  # (C, H, W)
    warmup: int = 0
    two_colours: bool = False  # a store may keep one bit per pixel

    def __init__(self, window: int, missing: Missing, storage: StorageLike):
        if not 1 <= window <= LARGEST_WINDOW:
            raise UserError(f"window is {window}: a picture holds 1 to {LARGEST_WINDOW} bars")
        self.window, self.missing, self.storage = window, missing, storage

    @abstractmethod
    def pixels(self, bars: Bars) -> Any:
        """Return the pictures of windows of warmup + window bars, uint8 (B, C, H, W), the kind of array the bars are."""

    def recipe(self) -> dict[str, Any]:
        """Return the style and every setting that can change a pixel; plain values."""
        names = [n for n, p in inspect.signature(type(self)).parameters.items() if p.kind is p.KEYWORD_ONLY]
        style = f"{type(self).__module__}.{type(self).__name__}"
        return {"style": style} | {name: getattr(self, name) for name in names if name not in NOT_DRAWN}

    def draw(self, candles: Any, ends: Any) -> Any:
        """Return the pictures of the windows that end at rows `ends`; uint8 (B, C, H, W).

        candles  has open high low close volume (and maybe missing): NumPy, torch or CuPy arrays of equal length.
        ends     integers, the same kind of array; the pictures come back as this kind, on the same device.
        No row after an end, nor before end - window - warmup + 1, is looked at.
        Raises UserError if a window would reach over an end of the tape.
        """
        tape = Tape.of(candles)
        if not _on_cpu(ends):
            return self.pixels(self._bars(tape, ends))
        if is_torch_array(ends):
            tape, ends = Tape(*(None if c is None else c.numpy() for c in tape)), ends.numpy()
            return from_numpy(self._draw_on_cpu(tape, ends))
        return self._draw_on_cpu(tape, np.asarray(ends))

    def draw_windows(self, ohlcv: Any, present: Any = None) -> Any:
        """Return the pictures of windows given as numbers; uint8 (B, C, H, W), the same kind of array.

        ohlcv    (B, warmup + window, 5) float64: open, high, low, close, volume, oldest bar first.
        present  (B, warmup + window) bool or None, False where a bar is missing.
        With torch tensors only tensor operations are used, so this can be part of an exported graph.
        """
        bars = unpack(ohlcv)
        return self.pixels(self._arranged(bars if present is None else mark(bars, present)))

    def one_pass(self, tape: Tape) -> OnePass | None:
        """Return machine code that draws straight from a NumPy tape without missing bars, with the same bytes; None without."""
        return None

    def plan(self, bars: Bars) -> Any:
        """Return what `paint` needs of NumPy bars; called by one thread at a time."""
        return bars

    def paint(self, plan: Any, images: np.ndarray) -> None:
        """Draw what was planned into images (B, C, H, W); called by several threads at once."""
        images[...] = self.pixels(plan)

    def _draw_on_cpu(self, tape: Tape, ends: np.ndarray) -> np.ndarray:
        """Draw in pieces small enough for the cache, on all cores."""
        self._check(tape, ends)
        images = pictures((len(ends), *self.shape))
        direct = self._direct(tape, len(ends))
        if direct is not None:
            _in_one_pass(direct, np.ascontiguousarray(ends, np.int64), images)
            return images
        size = self._piece(len(ends))

        def piece(start: int) -> None:
            with _turn(os.getpid()):
                plan = self.plan(self._bars(tape, ends[start : start + size]))
            self.paint(plan, images[start : start + size])

        for_each(piece, range(0, len(ends), size))
        return images

    def _direct(self, tape: Tape, count: int) -> OnePass | None:
        """Return `one_pass` where there is one for such a tape and machine code is worth loading."""
        if tape.missing is not None or not at_hand(count * (self.window + self.warmup)):
            return None
        return self.one_pass(tape) if all(column.flags.c_contiguous for column in tape[:5]) else None

    def _piece(self, count: int) -> int:
        """Return how many pictures a thread draws at a time: what the cache holds, and as many pieces for each thread.

        What fits into half a piece stays whole: planning twice and waking a thread cost more than half of it.
        """
        times = LARGER if count >= MANY else 1
        limit = max(1, min(times * PIECE // (self.window + self.warmup), times * 1024))
        if count <= limit // 2:
            return max(1, count)
        rounds = -(-count // (limit * workers()))
        return max(1, -(-count // max(1, rounds * workers())))

    def _bars(self, tape: Tape, ends) -> Bars:
        return self._arranged(gather_bars(tape, ends, self.window + self.warmup))

    def _arranged(self, bars: Bars) -> Bars:
        return adjacent(bars, self.window) if self.missing == "adjacent" else bars

    def _check(self, tape: Tape, ends: np.ndarray) -> None:
        if not len(ends):
            return
        first, final = int(ends.min()) - self.window - self.warmup + 1, int(ends.max())
        if first < 0 or final >= len(tape.close):
            raise UserError(
                f"a window would cover the rows {first} to {final} of a tape of {len(tape.close)} rows: "
                f"ends must leave {self.window + self.warmup} rows up to and including each end"
            )


def _in_one_pass(draw: OnePass, ends: np.ndarray, images: np.ndarray) -> None:
    """Draw on one thread what it draws before others wake up, else in pieces on all."""
    threads = workers() if images.nbytes > ALONE else 1
    size = max(1, -(-len(ends) // (PIECES * threads if threads > 1 else 1)))
    for_each(lambda start: draw(ends[start : start + size], images[start : start + size]), range(0, len(ends), size))


def for_each(work: Callable[[Any], None], pieces: Sequence[Any]) -> None:
    """Call work on every piece, on all cores when there is more than one; raises what the first failing call raised."""
    helpers = min(len(pieces), workers()) - 1 if len(pieces) > 1 else 0
    left = iter(pieces)

    def some() -> None:
        for piece in left:  # an iterator hands each piece to one thread
            work(piece)

    others = [_pool(os.getpid()).submit(some) for _ in range(helpers)]
    try:
        some()
    finally:
        for other in others:
            other.result()


def workers() -> int:
    """Return how many threads draw: the cores this process may use, or NUMBA_NUM_THREADS."""
    if not COMPILES:
        return 1  # array operations hold each other up
    from numba import config

    return int(vars(config)["NUMBA_NUM_THREADS"])


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Return this process's drawing threads (a forked child gets its own)."""
    return ThreadPoolExecutor(workers(), thread_name_prefix="candlelab-draw")


@lru_cache(maxsize=1)
def _turn(process: int) -> Lock:
    """Return the lock under which pictures are planned: threads that all make short NumPy calls only wait for the interpreter."""
    return Lock()


def _on_cpu(array) -> bool:
    return not is_cupy_array(array) and (not is_torch_array(array) or array.device.type == "cpu")


def from_numpy(array: np.ndarray) -> torch.Tensor:
    """Return the array as a torch tensor that shares its memory."""
    import torch

    return torch.from_numpy(array)
