"""What position rules share: their protocol, and the choice of a rule's parameters on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from candlelab.evaluate import backtest
from candlelab.evaluate.threshold.curve import Choice, Trades

Held = Mapping[str, float]


class PositionRule(Protocol):
    """From scores to positions in [-1, 1]."""

    def settled(self, choice: Choice, validation: Trades, *, floor: float) -> Choice:
        """Return the choice with the rule's own parameters, chosen on validation rows; floor is the smallest score."""

    def positions(self, could: Trades, threshold: float | None, held: Held) -> np.ndarray:
        """Return the positions (n,) in [-1, 1] at a threshold and the rule's parameters; all 0 without a threshold."""


def best_held(rule: PositionRule, choice: Choice, validation: Trades, candidates: Sequence[Held]) -> Choice:
    """Return the choice with the candidate that has the highest net Sharpe ratio on validation; ties go to the first.

    Every candidate counts as one more trial on validation. Where none earns after costs, nothing is traded.
    """
    tried = replace(choice, candidates=choice.candidates + len(candidates))
    if choice.threshold is None or not len(validation.rows):
        return replace(tried, held=candidates[0])
    ratios, opened = [], []
    for held in candidates:
        signal = rule.positions(validation, choice.threshold, held)
        made = backtest.run_backtest(signal, validation.bar_return, validation.rows, validation.cost)
        ratios.append(-np.inf if np.isnan(made.sharpe) else made.sharpe)
        opened.append(made.entries)
    best = int(np.argmax(ratios))
    if ratios[best] <= 0:
        found = None if np.isinf(ratios[best]) else float(ratios[best])
        return replace(tried, threshold=None, sharpe=None, entries=0, best=found, held=candidates[best])
    return replace(
        tried, sharpe=float(ratios[best]), best=float(ratios[best]), entries=opened[best], held=candidates[best]
    )
