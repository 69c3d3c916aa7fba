"""Holding horizon and hysteresis: a position opens at the threshold and closes lower and later."""

from __future__ import annotations

from itertools import product

import numpy as np

from candlelab.core.compiled import compiled
from candlelab.core.errors import UserError
from candlelab.evaluate.rule.choice import Held, best_held
from candlelab.evaluate.threshold.curve import Choice, Trades


@compiled
def _hold(score, side, starts, enter, leave, least):
    held = np.zeros(len(score), np.int8)
    now, age = 0, 0
    for i in range(len(score)):
        if starts[i]:
            now, age = 0, 0
        age += 1
        if now != 0 and age > least and (side[i] != now or score[i] < leave):
            now = 0
        if now == 0 and side[i] != 0 and score[i] >= enter:
            now, age = side[i], 1
        held[i] = now
    return held


class Hysteresis:
    """A position opens where the score reaches the threshold, is held for some rows at least, and then as long as its side scores.

    exits  shares of the way from the smallest score to the threshold: below that score a position is given up (1: at once)
    holds  rows that a position is held at least
    The best pair is chosen on validation. Sources: band of no trade, Constantinides (1986); Davis & Norman (1990).
    """

    exits: list[float]
    holds: list[int]

    def __init__(self, *, exits: list[float], holds: list[int]):
        if not exits or not all(0 <= each <= 1 for each in exits):
            raise UserError(f"exits was {list(exits)}; give shares of the threshold from 0 to 1")
        if not holds or not all(each >= 1 for each in holds):
            raise UserError(f"holds was {list(holds)}; give numbers of rows of at least 1")
        self.exits, self.holds = list(exits), list(holds)

    def settled(self, choice: Choice, validation: Trades, *, floor: float) -> Choice:
        """Choose exit score and holding horizon on validation."""
        reach = floor if choice.threshold is None else choice.threshold
        pairs = product(self.exits, self.holds)
        candidates = [{"exit": floor + share * (reach - floor), "hold": float(rows)} for share, rows in pairs]
        return best_held(self, choice, validation, candidates)

    def positions(self, could: Trades, threshold: float | None, held: Held) -> np.ndarray:
        """Return the sides held; (n,) int8, every chain begins flat."""
        if threshold is None:
            return np.zeros(len(could.score), np.int8)
        return _hold(could.score, could.direction, could.rows.starts, threshold, held["exit"], held["hold"])
