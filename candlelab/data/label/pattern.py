"""Recognition of a chart pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from candlelab.core.errors import UserError
from candlelab.core.volatility import running_volatility
from candlelab.data.label.outcomes import Labels, last_rows
from candlelab.data.source.chart_shapes import DIRECTIONS as PATTERN_DIRECTIONS
from candlelab.data.source.chart_shapes import NAMES as PATTERN_NAMES

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class PatternName:
    """Recognition: which chart pattern the candles of data/source=patterns hold; one label per sample, at its last bar.

    `directions` says what the textbook expects after each class: 1 a rise, -1 a fall, 0 neither.
    """

    directions: tuple[int, ...]

    kind = "recognition"
    horizon = 0

    def __init__(self, *, none: bool):
        self.classes: tuple[str, ...] = PATTERN_NAMES if none else PATTERN_NAMES[:-1]
        self.directions = PATTERN_DIRECTIONS[: len(self.classes)]

    def __call__(self, candles: Candles, window: int) -> Labels:
        unknown = sorted(set(candles.symbols) - set(self.classes))
        if unknown:
            raise UserError(
                f"data/label=pattern does not know {unknown[0]}; use it with data/source=patterns and the same `none`."
            )
        rows = np.arange(len(candles.close))
        code = np.array([self.classes.index(name) for name in candles.symbols])[candles.symbol]
        end = np.where(last_rows(candles.segment) == rows, rows, -1)
        unknown_return = np.broadcast_to(np.nan, rows.shape)
        label, theta = np.where(end >= 0, code, -1), np.broadcast_to(0.0, rows.shape)
        return Labels(label, unknown_return, unknown_return, running_volatility(candles), theta, end)
