"""Blocks of whole segments: what is computed along a tape is computed block by block, with the same numbers and a bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from candlelab.core.candles import Candles

BLOCK = 4_000_000  # bars; a segment that is longer is a block of its own


def blocks(candles: Candles, most: int = BLOCK) -> Iterator[slice]:
    """Yield the rows of one block after another: as many whole segments as fit into `most` bars, at least one.

    Nothing that labels, indicators or windows read lies in another segment, so each block can be treated as if it were all.
    """
    begin, count = 0, len(candles)
    while begin < count:
        stop = min(begin + most, count)
        if stop < count:
            stop = _place(candles.segment, stop, "left")
            if stop <= begin:
                stop = _place(candles.segment, begin, "right")
        yield slice(begin, stop)
        begin = stop


def at_rows(per_bar: Callable[[Candles], np.ndarray], candles: Candles, rows: np.ndarray) -> np.ndarray:
    """Return what a function of segments (N,) -> (N,) float64 says at some rows (n,), in any order; blocks without any are not computed."""
    out = np.empty(len(rows))
    for block in blocks(candles):
        mine = (rows >= block.start) & (rows < block.stop)
        if mine.any():
            out[mine] = per_bar(candles.rows(block))[rows[mine] - block.start]
    return out


def _place(segment: np.ndarray, row: int, side: Literal["left", "right"]) -> int:
    """Return the first row of a row's segment, or the row after its last."""
    return int(np.searchsorted(segment, segment[row : row + 1], side)[0])
