"""Memory-mapped arrays: columns that lie in files, of which the system keeps in memory what is being read."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from candlelab.core.files import refused_in_words

ADVISED = hasattr(mmap, "MADV_RANDOM")  # whether the system takes advice on maps
STEP = 1 << 19  # bytes asked for at a time: of more some systems read the beginning alone
STRETCH = 1 << 23  # bytes of a stretch


def read_ahead(values: np.ndarray) -> None:
    """Have a stretch of a mapped array read before it is needed, in order; of an array in memory there is nothing to read."""
    held: Any = values
    while isinstance(held, (np.ndarray, memoryview)):
        held = held.base if isinstance(held, np.ndarray) else held.obj
    if not ADVISED or not isinstance(held, mmap.mmap) or not values.nbytes:
        return
    origin = np.frombuffer(held, np.uint8).__array_interface__["data"][0]
    first = values.__array_interface__["data"][0] - origin
    stop = first + values.nbytes
    for start in range(first - first % mmap.PAGESIZE, stop, STEP):
        held.madvise(mmap.MADV_WILLNEED, start, min(STEP, stop - start))


def stretches(values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array (N, …) in stretches that follow each other, read ahead where it is mapped."""
    rows = max(1, STRETCH // max(1, values.itemsize))
    for start in range(0, len(values), rows):
        read_ahead(values[start : start + rows])
        yield values[start : start + rows]


class Column(Protocol):
    """An array that grows at its end."""

    def append(self, values: np.ndarray) -> None:
        """Put (n,) values behind those that are there."""
        ...

    def whole(self) -> np.ndarray:
        """Return all of them; the column takes no more."""
        ...


class Arrays(Protocol):
    """Where arrays as long as a tape are kept."""

    in_files: bool

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        """Return an array whose values are not set."""
        ...

    def copy(self, values: np.ndarray) -> np.ndarray:
        """Return an array of the same values."""
        ...

    def column(self, dtype: DTypeLike) -> Column:
        """Return a column without values."""
        ...


class Ram:
    """Arrays in memory."""

    in_files = False

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        """Return an array whose values are not set."""
        return np.empty(shape, dtype)

    def copy(self, values: np.ndarray) -> np.ndarray:
        """Return an array of the same values."""
        return np.array(values)

    def column(self, dtype: DTypeLike) -> Column:
        """Return a column without values."""
        return _Pieces(dtype)


class Mapped:
    """Arrays in files of a folder, without a name: the disk has its space back when nobody holds the array, even after kill -9.

    Raises CannotWrite where the disk has no room, when the array is made and not when it is filled.
    """

    in_files = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        """Return an array whose values are not set."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        with _nameless(self.folder) as file:
            _reserve(file.fileno(), size, self.folder)
            return _view(file.fileno(), size, dtype).reshape(shape)

    def copy(self, values: np.ndarray) -> np.ndarray:
        """Return an array of the same values."""
        out = self.empty(values.shape, values.dtype)
        out[...] = values
        return out

    def column(self, dtype: DTypeLike) -> Column:
        """Return a column without values."""
        return _File(self.folder, dtype)


class _Pieces:
    """A column in memory."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._pieces: list[np.ndarray] = []
        self._dtype = dtype

    def append(self, values: np.ndarray) -> None:
        self._pieces.append(np.asarray(values, self._dtype))

    def whole(self) -> np.ndarray:
        return self._pieces[0] if len(self._pieces) == 1 else np.concatenate([np.zeros(0, self._dtype), *self._pieces])


class _File:
    """A column in a file."""

    def __init__(self, folder: Path, dtype: DTypeLike) -> None:
        self._file, self._folder, self._dtype, self._size = _nameless(folder), folder, dtype, 0

    def append(self, values: np.ndarray) -> None:
        with refused_in_words(self._folder):
            data = np.ascontiguousarray(values, self._dtype)
            self._file.write(data.data)
            self._file.flush()
        self._size += data.nbytes

    def whole(self) -> np.ndarray:
        with self._file as file:
            return _view(file.fileno(), self._size, self._dtype)


def _nameless(folder: Path) -> Any:
    with refused_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)


def _reserve(descriptor: int, size: int, folder: Path) -> None:
    """Give a file its size and its space: a page that the disk has no room for ends the process, an error here is a sentence."""
    with refused_in_words(folder):
        os.ftruncate(descriptor, size)
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)


def _view(descriptor: int, size: int, dtype: DTypeLike) -> np.ndarray:
    if not size:
        return np.zeros(0, dtype)
    held = mmap.mmap(descriptor, size)  # the map holds the file from here on
    if ADVISED:
        held.madvise(mmap.MADV_RANDOM)  # else each bar of a random window reads megabytes around it
    return np.frombuffer(held, dtype)
