"""A threshold given by hand: nothing is searched."""

from __future__ import annotations

from typing import Literal

import numpy as np

from candlelab.core.errors import UserError
from candlelab.evaluate.threshold.curve import Choice, Sweep, Trades, spread_over


class Fixed:
    """Trade at a given threshold, whatever it earned on validation.

    score  what is compared with it: confidence, margin or forecast, as in exact
    value  the threshold: a probability for confidence, a difference of probabilities for margin, a log return for forecast
    """

    value: float

    chosen_on = "given"

    def __init__(self, *, score: Literal["confidence", "margin", "forecast"], value: float):
        if not 0 <= value <= 1:
            raise UserError(f"value was {value}; give a threshold from 0 (trade always) to 1")
        self.score, self.value = score, value

    def search(self, trades: Trades, *, floor: float) -> Choice:
        """The given threshold with what it earns on these rows; the curve shows what others would."""
        curve = Sweep.over(trades).curve()
        here = spread_over(curve, np.array([self.value]))
        ratio = None if np.isnan(here.sharpe[0]) else float(here.sharpe[0])
        idle = (
            (f"the threshold {self.value:g} leaves nothing out: no confidence lies below 1/K = {floor:.3f}",)
            if 0 < self.value <= floor
            else ()
        )
        return Choice(float(self.value), ratio, int(here.entries[0]), 1, curve, idle, ratio)

    def optimism(self, trades: Trades, *, seed: int) -> float | None:
        """None: nothing was chosen, so luck adds nothing."""
        return None
