"""What geometry hands to a fill: vertical runs of ink, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

Places = list[tuple[np.ndarray, int]]  # per layer: the left columns of its runs, and how many columns each covers


class Spans(NamedTuple):
    """The runs of a batch; a later layer covers an earlier one.

    top, bottom  (B, S) int32 rows from the top of the picture, both inside the run; top > bottom is no ink.
    ink          (B, S) or (1, S) uint8, row of the canvas's palette.
    """

    top: Any
    bottom: Any
    ink: Any


@dataclass(frozen=True, eq=False)
class Canvas:
    """Where the runs of a style stand; the same for every picture.

    left, right  (S,) int32: run s covers the columns left[s] … right[s] - 1.
    layers       (start, stop) of groups of runs, at most 8; within a layer no column is covered twice.
    palette      (K, C) uint8 colours; colour 0 is the paper.
    """

    height: int
    width: int
    left: np.ndarray
    right: np.ndarray
    layers: tuple[tuple[int, int], ...]
    palette: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a picture."""
        return self.palette.shape[1], self.height, self.width

    @cached_property
    def run_of_column(self) -> np.ndarray:
        """For each layer and column the number of the run that stands there, -1 for none; (L, W) int32."""
        runs = np.full((len(self.layers), self.width), -1, np.int32)
        for layer, (start, stop) in enumerate(self.layers):
            for run in range(start, stop):
                runs[layer, self.left[run] : self.right[run]] = run
        return runs

    @cached_property
    def run_below(self) -> np.ndarray:
        """run_of_column below a row for the bare paper, with 0 for none: an index that is always valid; (L + 1, W)."""
        return np.concatenate([np.zeros((1, self.width), np.int32), np.maximum(self.run_of_column, 0)])

    @cached_property
    def bit_of_run(self) -> np.ndarray:
        """One bit for the layer of each run; (S,) uint8."""
        return np.concatenate([np.full(stop - start, 1 << k, np.uint8) for k, (start, stop) in enumerate(self.layers)])

    @cached_property
    def highest(self) -> np.ndarray:
        """For each set of layers the highest one plus 1, 0 for the empty set; (2^L,) uint8."""
        return np.array([bits.bit_length() for bits in range(1 << len(self.layers))], np.uint8)


def canvas(height: int, width: int, places: Places, palette: list[Any]) -> Canvas:
    """Return a canvas from the layers in painting order."""
    assert len(places) <= 8, "the fills keep the layers of a column in one byte"
    left = np.concatenate([columns for columns, _ in places]).astype(np.int32)
    right = np.concatenate([columns + wide for columns, wide in places]).astype(np.int32)
    stops = np.cumsum([len(columns) for columns, _ in places]).tolist()
    layers = tuple(zip([0, *stops[:-1]], stops, strict=True))
    return Canvas(height, width, left, right, layers, np.asarray(palette, np.uint8))
