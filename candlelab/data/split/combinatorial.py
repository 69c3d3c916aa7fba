"""Combinatorial purged cross-validation."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.core.errors import UserError
from candlelab.data.split.parts import (
    DROPPED,
    TEST,
    TRAIN,
    VALIDATION,
    checked_gap,
    checked_share,
    filled,
    longest_bar,
    quantiles,
    sample_spans,
)

if TYPE_CHECKING:
    from candlelab.core.candles import Candles

MOST_GROUPS = 20


class Combinatorial:
    """Combination `combination` of `tests` test groups out of `groups` stretches of time; all others are learnt from.

    The samples are cut in time order into groups of equal size. Combinations are numbered in lexicographic order; all of them
    test each group C(groups - 1, tests - 1) times, which makes that many complete out-of-sample paths. Validation is the
    last share of what is not tested. A sample of an earlier part that shares a bar with a later one is dropped, on either side.
    Source: López de Prado (2018), Advances in Financial Machine Learning, chapter 12.
    """

    groups: int
    tests: int
    combination: int
    purge: str
    embargo: int

    dated = False

    def __init__(
        self,
        *,
        groups: int,
        tests: int,
        combination: int,
        validation: float,
        purge: Literal["label", "full"],
        embargo: int,
    ):
        if not 2 <= groups <= MOST_GROUPS:
            raise UserError(f"groups is {groups}; choose from 2 to {MOST_GROUPS} stretches of time.")
        if not 1 <= tests < groups:
            raise UserError(f"tests is {tests} of {groups} groups; leave at least one group to learn from.")
        if not 0 <= combination < comb(groups, tests):
            raise UserError(f"combination is {combination}; choose from 0 to {comb(groups, tests) - 1}.")
        self.groups, self.tests, self.combination = groups, tests, combination
        self.validation: float = checked_share("validation", validation)
        self.purge, self.embargo = checked_gap(purge, embargo)

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Part of each sample, (n,) int8: 0 train, 1 validation, 2 test, -1 dropped; arguments as for Chronological."""
        time = candles.time[end]
        group = np.searchsorted(quantiles(time, [k / self.groups for k in range(1, self.groups)]), time, side="right")
        chosen = list(combinations(range(self.groups), self.tests))[self.combination]
        tested = np.isin(group, chosen)
        part = np.full(len(time), TEST, dtype=np.int8)
        if not tested.all():
            (cut,) = quantiles(time[~tested], (1.0 - self.validation,))
            part[~tested] = np.where(time[~tested] < cut, TRAIN, VALIDATION)
        spans = sample_spans(candles, end, label_end, first_row, self.purge)
        gap = self.embargo * longest_bar(candles)
        for k in chosen:
            part = _cleared(part, (part == TEST) & (group == k), *spans, gap=gap)
        for k in range(self.groups):
            part = _cleared(part, (part == VALIDATION) & (group == k), *spans, gap=gap)
        return filled(part)


def _cleared(part: np.ndarray, kept: np.ndarray, start: np.ndarray, stop: np.ndarray, *, gap: int) -> np.ndarray:
    """Drop samples of earlier parts within `gap` ms of a stretch of kept ones; spans are [start, stop) in ms."""
    if not kept.any():
        return part
    earlier = (part >= TRAIN) & (part < part[kept][0])
    near = (start < stop[kept].max() + gap) & (stop > start[kept].min() - gap)
    return np.where(earlier & near, DROPPED, part).astype(np.int8)
