"""Memory for pictures, used again once its last reader has let go: fresh pages cost more than the drawing."""

from __future__ import annotations

import math
import sys
from threading import Lock

import numpy as np

KEPT = 2  # batches: one being read, one being drawn
SMALL = 1 << 20  # bytes; below, the allocator does this itself
_kept: list[np.ndarray] = []
_lock = Lock()


def pictures(shape: tuple[int, ...]) -> np.ndarray:
    """Return uninitialised uint8 memory of this shape that nobody else holds."""
    size = math.prod(shape)
    if size < SMALL:
        return np.empty(shape, np.uint8)
    with _lock:
        for k in range(len(_kept)):
            if size <= _kept[k].size <= 2 * size and sys.getrefcount(_kept[k]) == 2:  # the list and the argument
                _kept.append(_kept.pop(k))
                return _kept[-1][:size].reshape(shape)
        del _kept[: max(0, len(_kept) - KEPT + 1)]
        _kept.append(np.empty(size, np.uint8))
        return _kept[-1].reshape(shape)


def release() -> None:
    """Give the memory of earlier pictures back."""
    with _lock:
        _kept.clear()
