"""Split by named periods."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.core.errors import UserError
from candlelab.data.split.parts import (
    DROPPED,
    NAMES,
    TEST,
    TRAIN,
    VALIDATION,
    checked_gap,
    filled,
    longest_bar,
    period_of,
    sample_spans,
)

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class Periods:
    """Train, validation and test in periods named one by one; whatever lies outside of them is dropped.

    train, validation   first day of each; train_days, validation_days: how many days follow.
    tests, test_days    first day of each test period, and how many days each has; test periods may come before the training.
    Earlier parts give way: a training sample that shares a bar with validation or test, or a validation sample that shares
    one with test, is dropped, on whichever side in time it lies.
    """

    purge: str
    embargo: int

    dated = True

    def __init__(
        self,
        *,
        train: str,
        train_days: int,
        validation: str,
        validation_days: int,
        tests: list[str],
        test_days: int,
        purge: Literal["label", "full"],
        embargo: int,
    ):
        self.periods: list[tuple[int, int, int]] = [
            (TRAIN, *period_of("train", train, train_days)),
            (VALIDATION, *period_of("validation", validation, validation_days)),
        ]
        self.periods += [(TEST, *period_of("test", day, test_days)) for day in tests]
        self.periods.sort(key=lambda period: period[1])
        for before, after in pairwise(self.periods):
            if before[2] > after[1]:
                raise UserError(
                    f"a {NAMES[before[0]]} period and a {NAMES[after[0]]} period overlap; choose other dates or fewer days."
                )
        self.purge, self.embargo = checked_gap(purge, embargo)

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Part of each sample, (n,) int8: 0 train, 1 validation, 2 test, -1 dropped; arguments as for Chronological."""
        time = candles.time[end]
        part = np.full(len(time), DROPPED, dtype=np.int8)
        for code, start, stop in self.periods:
            part[(time >= start) & (time < stop)] = code
        first, last = sample_spans(candles, end, label_end, first_row, self.purge)
        gap = self.embargo * longest_bar(candles)
        for code, start, stop in self.periods:
            inside = (time >= start) & (time < stop) & (part == code)
            if inside.any():
                part[
                    (part >= TRAIN)
                    & (part < code)
                    & (first < last[inside].max() + gap)
                    & (last > first[inside].min() - gap)
                ] = DROPPED
        return filled(part)
