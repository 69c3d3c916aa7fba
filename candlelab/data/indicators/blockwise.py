"""Indicators of a whole tape, block by block, and those of its training windows, which a scaling is fitted on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from candlelab.core.blocks import blocks
from candlelab.core.candles import Candles
from candlelab.core.contracts import Indicators

MOST_FITTED = 2_000_000  # bars a scaling is fitted on; of more, evenly many are left out


class IndicatorBlocks:
    """Pairs of a block of rows and the indicators of its bars (n, F); of a tape of one block they are computed once."""

    def __init__(self, candles: Candles, indicators: Indicators) -> None:
        self._candles, self._indicators = candles, indicators
        self._blocks = list(blocks(candles))
        self._only: np.ndarray | None = None

    def __iter__(self) -> Iterator[tuple[slice, np.ndarray]]:
        for block in self._blocks:
            yield block, self._values(block)

    def _values(self, block: slice) -> np.ndarray:
        if len(self._blocks) > 1:
            return self._indicators(self._candles.rows(block))
        if self._only is None:
            self._only = self._indicators(self._candles)
        return self._only


def training_values(numbers: IndicatorBlocks, ends: np.ndarray, window: int) -> np.ndarray:
    """Return the indicators of the bars that lie in a window ending at `ends` (n,), ascending; (m, F), m at most MOST_FITTED."""
    bars = np.minimum(np.diff(ends, prepend=ends[:1] - window), window).sum() if len(ends) else 0
    step, seen, kept = max(1, -(-int(bars) // MOST_FITTED)), 0, []
    for block, values in numbers:
        first, last = np.searchsorted(ends, [block.start, block.stop])
        inside = np.flatnonzero(_in_windows(ends[first:last] - block.start, window, len(values)))
        kept.append(values[inside[-seen % step :: step]])
        seen += len(inside)
    return kept[0] if len(kept) == 1 else np.concatenate(kept)


def _in_windows(ends: np.ndarray, window: int, count: int) -> np.ndarray:
    """Return which of `count` rows lie in a window, (count,) bool."""
    marks = np.zeros(count + 1, np.int32)
    np.add.at(marks, ends - window + 1, 1)
    np.add.at(marks, ends + 1, -1)
    return np.cumsum(marks[:-1]) > 0
