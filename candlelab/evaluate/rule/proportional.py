"""Position sizing by confidence: larger the further the score lies above the threshold."""

from __future__ import annotations

import numpy as np

from candlelab.core.errors import UserError
from candlelab.core.signal import signal_at
from candlelab.evaluate.rule.choice import Held, best_held
from candlelab.evaluate.threshold.curve import Choice, Trades


class Proportional:
    """A position of 1 / steps at the threshold, growing in equal steps up to the whole one at a higher score.

    steps      sizes between nothing and all: coarse ones change less often, and a change costs
    quantiles  of the validation scores above the threshold: where the whole position is reached; the best is chosen there
    """

    steps: int
    quantiles: list[float]

    def __init__(self, *, steps: int, quantiles: list[float]):
        if steps < 2:
            raise UserError(f"steps was {steps}; give at least 2, or choose evaluate/rule=threshold")
        if not quantiles or not all(0 < each <= 1 for each in quantiles):
            raise UserError(f"quantiles was {list(quantiles)}; give shares above 0 and up to 1")
        self.steps, self.quantiles = steps, list(quantiles)

    def settled(self, choice: Choice, validation: Trades, *, floor: float) -> Choice:
        """Choose the score of the whole position among the quantiles, on validation."""
        least = choice.threshold
        above = validation.score[
            (validation.direction != 0) & (validation.score >= (np.inf if least is None else least))
        ]
        full = np.quantile(above, self.quantiles) if len(above) else np.full(len(self.quantiles), np.inf)
        return best_held(self, choice, validation, [{"full": float(value)} for value in full])

    def positions(self, could: Trades, threshold: float | None, held: Held) -> np.ndarray:
        """Return sides times sizes; (n,) float64, multiples of 1 / steps."""
        side = signal_at(could.score, could.direction, threshold)
        if threshold is None:
            return side.astype(float)
        span = held["full"] - threshold
        grown = (could.score - threshold) / span if span > 0 else np.ones(len(side))
        size = 1 + np.floor((self.steps - 1) * np.clip(grown, 0, 1) + 1e-12)
        return side * size / self.steps
