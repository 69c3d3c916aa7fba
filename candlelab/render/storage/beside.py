"""What a store's own files hold beside the pictures: the bars of each window, label, time and numbers, and the recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from candlelab.core.columns import OHLCV

if TYPE_CHECKING:
    import pandas as pd

    from candlelab.core.candles import Candles

SEQUENCES = "sequences"
BLOCK = 4096  # windows held in memory at a time


@dataclass(frozen=True)
class Beside:
    """Arrays with one row per picture.

    sequences  (n, T, 5) float64: open, high, low, close, volume of the bars that were drawn; NaN where one was removed.
    the rest   every column of the store's index that holds numbers: row, time (ms UTC), label, forward_return, …, and
               `symbol_code`, the place in the attribute `symbols`.
    """

    candles: Candles
    ends: np.ndarray
    window: int
    table: pd.DataFrame
    recipe: dict[str, Any]

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """The arrays of one dimension, by name."""
        found = {name: column.to_numpy() for name, column in self.table.items() if column.dtype.kind in "iufb"}
        return found if self._codes is None else found | {"symbol_code": self._codes[self.ends].astype(np.int64)}

    @property
    def _codes(self) -> np.ndarray | None:
        return None if getattr(self.candles, "symbol", None) is None else np.asarray(self.candles.symbol)

    @property
    def attributes(self) -> dict[str, str]:
        """Texts that say what the arrays are."""
        symbols = list(getattr(self.candles, "symbols", ()))
        return {
            "recipe": json.dumps(self.recipe),
            "sequences_columns": " ".join(OHLCV),
            "symbols": json.dumps(symbols),
            "time_unit": "ms UTC",
        }

    def shapes(self, count: int) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Return (shape, type) of every array for so many pictures."""
        made: dict[str, tuple[tuple[int, ...], np.dtype]] = {
            SEQUENCES: ((count, self.window, len(OHLCV)), np.dtype(np.float64))
        }
        return made | {name: ((count,), column.dtype) for name, column in self.columns.items()}

    def blocks(self, name: str, first: int, count: int) -> Iterator[np.ndarray]:
        """Yield the rows first … first + count of an array, a few at a time."""
        for start in range(first, first + count, BLOCK):
            some = slice(start, min(start + BLOCK, first + count))
            yield self._bars(self.ends[some]) if name == SEQUENCES else self.columns[name][some]

    def _bars(self, ends: np.ndarray) -> np.ndarray:
        rows = ends[:, None] + np.arange(1 - self.window, 1)
        return np.stack([np.asarray(getattr(self.candles, name))[rows] for name in OHLCV], axis=-1).astype(np.float64)
