"""All or nothing: the whole position wherever the score reaches the threshold."""

from __future__ import annotations

import numpy as np

from candlelab.core.signal import signal_at
from candlelab.evaluate.rule.choice import Held
from candlelab.evaluate.threshold.curve import Choice, Trades


class Threshold:
    """Long, short or flat by the threshold alone; nothing more is chosen."""

    def settled(self, choice: Choice, validation: Trades, *, floor: float) -> Choice:
        """Return the choice as it is."""
        return choice

    def positions(self, could: Trades, threshold: float | None, held: Held) -> np.ndarray:
        """Return the side of rows at least as sure as the threshold; (n,) int8."""
        return signal_at(could.score, could.direction, threshold)
