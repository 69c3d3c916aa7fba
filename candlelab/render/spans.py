"""What geometry hands to a fill: vertical runs of ink, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np


class Spans(NamedTuple):
    """The runs of a batch, painted in order of their number.

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
    layers       (start, stop) of groups of runs; within a layer no column is covered twice.
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
                runs[layer, self.left[run]:self.right[run]] = run
        return runs


def canvas(height: int, width: int, places: list[tuple[np.ndarray, int]], palette: list) -> Canvas:
    """Return a canvas from the layers in painting order, each as (left columns, width of its runs)."""
    left = np.concatenate([columns for columns, _ in places]).astype(np.int32)
    right = np.concatenate([columns + wide for columns, wide in places]).astype(np.int32)
    stops = np.cumsum([len(columns) for columns, _ in places]).tolist()
    layers = tuple(zip([0, *stops[:-1]], stops, strict=True))
    return Canvas(height, width, left, right, layers, np.asarray(palette, np.uint8))
