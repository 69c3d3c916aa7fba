"""Columns of numbers as compact text for a page: decimals as differences of whole numbers, bytes in planes, deflate, base64."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

LARGEST = 1 << 53  # whole numbers that a script's doubles hold
MOST_DECIMALS = 10
WIDEST = 7  # bytes of a difference
ROUNDED = 30  # binary digits that a rounded column keeps


class Pack:
    """Collects columns; `text` holds their bytes, `index` says where each lies and how it is read back.

    A column of the index is {n, at, width} and, of whole numbers, {scale, delta}: value = whole / scale, whole numbers
    zigzag-coded and summed up if delta is 1; {scales, stops} in place of scale: of each part, and where it ends.
    Floats have width 4 or 8 and no scale. Bytes lie in planes, lowest first.
    """

    index: dict[str, dict[str, Any]]

    def __init__(self) -> None:
        self.index = {}
        self._parts: list[bytes] = []
        self._size = 0

    def whole(self, name: str, values: np.ndarray, *, scale: int = 1) -> None:
        """Add whole numbers (n,) below 2^53, to be divided by a scale when they are read."""
        values = np.asarray(values, np.int64)
        steps = np.diff(values, prepend=0)
        delta = int(np.abs(steps[1:]).max(initial=0) < np.abs(values).max(initial=0))
        coded = _zigzag(steps if delta else values)
        width = max(1, -(-int(coded.max(initial=0)).bit_length() // 8))
        assert width <= WIDEST, f"{name} has whole numbers beyond 2^53"
        planes = coded.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].T
        self._add(name, planes.tobytes(), {"n": len(values), "width": width, "scale": scale, "delta": delta})

    def exact(self, name: str, values: np.ndarray) -> None:
        """Add numbers (n,) so that they are read back as they are: decimals, single or double precision, NaN included."""
        values = np.asarray(values, np.float64)
        digits = decimal_places(values)
        if digits is not None:
            self.whole(name, np.rint(values * 10.0**digits), scale=10**digits)
            return
        with np.errstate(over="ignore"):
            single = values.astype(np.float32)
        kind = "<f4" if np.array_equal(single.astype(np.float64), values, equal_nan=True) else "<f8"
        width = int(kind[-1])
        planes = values.astype(kind).view(np.uint8).reshape(-1, width).T
        self._add(name, planes.tobytes(), {"n": len(values), "width": width})

    def rounded(self, name: str, values: np.ndarray, stops: Sequence[int]) -> bool:
        """Add numbers (n,) >= 0, decimals as they are, others to 30 binary digits of the largest of their part; return whether any changed.

        stops  where the parts of a scale of their own end, such as symbols; the last is n.
        """
        values = np.asarray(values, np.float64)
        if decimal_places(values) is not None or not len(values):
            self.exact(name, values)
            return False
        firsts = [0, *stops[:-1]]
        largest = np.maximum.reduceat(values, firsts)
        steps = 2.0 ** (ROUNDED - np.ceil(np.log2(np.where(largest > 0, largest, 1.0))))
        self.whole(name, np.rint(values * np.repeat(steps, np.diff([0, *stops]))))
        del self.index[name]["scale"]
        self.index[name] |= {"scales": steps.tolist(), "stops": list(stops)}
        return True

    def _add(self, name: str, data: bytes, entry: dict[str, Any]) -> None:
        self.index[name] = entry | {"at": self._size}
        self._parts.append(data)
        self._size += len(data)

    @property
    def text(self) -> str:
        """All columns, deflated (zlib) and in base64."""
        return base64.b64encode(zlib.compress(b"".join(self._parts), 6)).decode("ascii")


def decimal_places(values: np.ndarray) -> int | None:
    """How many decimal places write the values exactly; None if more than ten are needed, or none suffice."""
    if not np.isfinite(values).all():
        return None
    largest = float(np.abs(values).max(initial=0.0))
    for digits in range(MOST_DECIMALS + 1):
        if largest * 10.0**digits >= LARGEST / 4:
            return None
        if np.array_equal(np.rint(values * 10.0**digits) / 10.0**digits, values):
            return digits
    return None


def _zigzag(values: np.ndarray) -> np.ndarray:
    """0, -1, 1, -2, … as 0, 1, 2, 3, …; int64."""
    return (values << 1) ^ (values >> 63)
