"""Train, validation and test in time order, with every sample dropped whose label reaches into a later part.

A sample occupies the bars from its own last bar to the last bar its label looked at (policy `label`), or from the first bar
of its window and warm-up (policy `full`). Intervals of bars are closed: sharing one bar is an overlap. All symbols are cut at
the same instants. Source: Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 7.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.data.interval import interval_ms, next_open

if TYPE_CHECKING:
    from candlelab.data.candles import Candles

TRAIN, VALIDATION, TEST, DROPPED = 0, 1, 2, -1
DAY = 86_400_000  # ms
NAMES = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}


class Chronological:
    """One cut into train, validation and test, by shares of the samples or at fixed dates.

    Both dates given: they decide. Neither: the shares decide, test is what train and validation leave.
    `embargo` widens the gap at each cut by that many bars; the gap is taken from the end of the earlier part, so the test
    rows do not depend on it.
    """

    def __init__(
        self,
        *,
        train: float,
        validation: float,
        validation_start: str | None,
        test_start: str | None,
        purge: Literal["label", "full"],
        embargo: int,
    ):
        self.shares = _shares(train, validation)
        self.dates = _dates(validation_start, test_start)
        self.purge, self.embargo = _gap(purge, embargo)

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Part of each sample, (n,) int8: 0 train, 1 validation, 2 test, -1 dropped.

        end, label_end, first_row   (n,) rows of the last bar, the last bar of the label, the first bar read (with warm-up).
        Raises ValueError if a part is left without samples.
        """
        time = candles.time[end]
        cuts = self.dates or _quantiles(time, self.shares)
        part = np.searchsorted(np.asarray(cuts), time, side="right").astype(np.int8)
        spans = _spans(candles, end, label_end, first_row, self.purge)
        return _purged(part, *spans, gap=self.embargo * _longest_bar(candles))


class WalkForward:
    """Fold `fold` of `folds`: train on what came before block fold + 1 of time, test on that block.

    The samples are cut in time order into folds + 1 blocks of equal size; the first is only trained on. Validation is the
    last share of the training stretch. `train_bars` null trains on everything before (expanding), a number on the last
    that many bars (sliding). Samples after the test block are dropped.
    """

    def __init__(
        self,
        *,
        folds: int,
        fold: int,
        validation: float,
        train_bars: int | None,
        purge: Literal["label", "full"],
        embargo: int,
    ):
        if folds < 1 or not 0 <= fold < folds:
            raise ValueError(f"data.split.fold is {fold} of {folds} folds; choose a fold from 0 to {max(folds, 1) - 1}.")
        if train_bars is not None and train_bars < 1:
            raise ValueError(f"data.split.train_bars is {train_bars}; set it to 1 or more, or to null for an expanding window.")
        self.folds, self.fold, self.train_bars = folds, fold, train_bars
        self.validation = _share("validation", validation)
        self.purge, self.embargo = _gap(purge, embargo)

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Part of each sample, (n,) int8: 0 train, 1 validation, 2 test, -1 dropped; arguments as for Chronological."""
        time = candles.time[end]
        test_start, test_stop = self._test_block(time)
        train_start = time.min() if self.train_bars is None else test_start - self.train_bars * _longest_bar(candles)
        learning = (time >= train_start) & (time < test_start)
        part = np.full(len(time), DROPPED, dtype=np.int8)
        if learning.any():
            (cut,) = _quantiles(time[learning], (1.0 - self.validation,))
            part[learning] = np.where(time[learning] < cut, TRAIN, VALIDATION)
        part[(time >= test_start) & (time < test_stop)] = TEST
        spans = _spans(candles, end, label_end, first_row, self.purge)
        return _purged(part, *spans, gap=self.embargo * _longest_bar(candles))

    def _test_block(self, time) -> tuple[int, int]:
        blocks = self.folds + 1
        edges = _quantiles(time, [k / blocks for k in range(1, blocks)])
        stop = edges[self.fold + 1] if self.fold + 1 < self.folds else time.max() + 1
        return edges[self.fold], stop


class Periods:
    """Train, validation and test in periods named one by one; whatever lies outside of them is dropped.

    train, validation   first day of each; train_days, validation_days: how many days follow.
    tests, test_days    first day of each test period, and how many days each has; test periods may come before the training.
    Earlier parts give way: a training sample that shares a bar with validation or test, or a validation sample that shares
    one with test, is dropped, on whichever side in time it lies.
    """

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
        self.periods = [(TRAIN, *_period("train", train, train_days)), (VALIDATION, *_period("validation", validation, validation_days))]
        self.periods += [(TEST, *_period("test", day, test_days)) for day in tests]
        self.periods.sort(key=lambda period: period[1])
        for before, after in pairwise(self.periods):
            if before[2] > after[1]:
                raise ValueError(
                    f"data.split: a {NAMES[before[0]]} period and a {NAMES[after[0]]} period overlap; choose other dates or fewer days."
                )
        self.purge, self.embargo = _gap(purge, embargo)

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Part of each sample, (n,) int8: 0 train, 1 validation, 2 test, -1 dropped; arguments as for Chronological."""
        time = candles.time[end]
        part = np.full(len(time), DROPPED, dtype=np.int8)
        for code, start, stop in self.periods:
            part[(time >= start) & (time < stop)] = code
        first, last = _spans(candles, end, label_end, first_row, self.purge)
        gap = self.embargo * _longest_bar(candles)
        for code, start, stop in self.periods:
            inside = (time >= start) & (time < stop) & (part == code)
            if inside.any():
                part[(part >= TRAIN) & (part < code) & (first < last[inside].max() + gap) & (last > first[inside].min() - gap)] = DROPPED
        return _filled(part)


def purge(start: np.ndarray, stop: np.ndarray, test: np.ndarray, *, embargo: int = 0, closed: bool = True) -> np.ndarray:
    """Training samples that may stay beside the test samples, (n,) bool; for any test set, contiguous or not.

    start, stop   (n,) int, first and last bar of each sample's interval, `start` ascending.
    test          (n,) bool. Each maximal run of test samples purges for itself: the span from the first to the last run would
                  delete everything between them.
    embargo       bars after a run's last bar in which no training sample may begin.
    closed        intervals that share an end point overlap; False for half-open intervals.
    """
    keep = ~test
    edges = np.flatnonzero(np.diff(np.concatenate(([0], test.astype(np.int8), [0]))))
    for first, last in edges.reshape(-1, 2):
        a, b = start[first:last].min(), stop[first:last].max()
        overlap = (start <= b) & (stop >= a) if closed else (start < b) & (stop > a)
        keep &= ~(overlap | ((start > b) & (start <= b + embargo)))
    return keep


def _purged(part, start, stop, *, gap) -> np.ndarray:
    """Drop samples whose span ends after a later part begins, less `gap` ms; spans are [start, stop) in ms."""
    for earlier, later in ((VALIDATION, TEST), (TRAIN, VALIDATION), (TRAIN, TEST)):
        inside = part == later
        if inside.any():
            part[(part == earlier) & (stop > start[inside].min() - gap)] = DROPPED
    return _filled(part)


def _filled(part) -> np.ndarray:
    """The parts again; raises ValueError if one is without samples."""
    for code, name in NAMES.items():
        if not (part == code).any():
            raise ValueError(
                f"the split leaves no {name} samples of {len(part)}; use more data, other shares or dates, or a smaller embargo."
            )
    return part


def _spans(candles, end, label_end, first_row, policy) -> tuple[np.ndarray, np.ndarray]:
    """First instant and the instant after the last of each sample's bars, ms; a label without end counts as its own bar."""
    start = candles.time[end if policy == "label" else first_row]
    last = np.maximum(label_end, end)
    stop = candles.time[last]
    for code, interval in enumerate(candles.intervals):
        mine = candles.symbol[last] == code
        stop[mine] = next_open(stop[mine], interval)
    return start, stop


def _quantiles(time, shares) -> list[int]:
    """Instants that put about the given cumulative shares of the samples before them."""
    order = np.sort(time)
    return [int(order[min(round(share * len(order)), len(order) - 1)]) for share in shares]


def _longest_bar(candles) -> int:
    return max(interval_ms(name) for name in candles.intervals)


def _shares(train, validation) -> tuple[float, float]:
    _share("train", train)
    _share("validation", validation)
    if not train + validation < 1:
        raise ValueError(f"data.split.train + data.split.validation is {train + validation:g}; leave something above 0 to test on.")
    return train, train + validation


def _share(name, value) -> float:
    if not 0 < value < 1:
        raise ValueError(f"data.split.{name} is {value}; set it to a share between 0 and 1.")
    return value


def _gap(policy, embargo) -> tuple[str, int]:
    if policy not in ("label", "full"):
        raise ValueError(f"data.split.purge is {policy!r}; choose label or full.")
    if embargo < 0:
        raise ValueError(f"data.split.embargo is {embargo} bars; set it to 0 or more.")
    return policy, embargo


def _dates(validation_start, test_start) -> tuple[int, int] | None:
    if validation_start is None and test_start is None:
        return None
    if validation_start is None or test_start is None:
        raise ValueError("data.split has only one of validation_start and test_start; give both, or neither to split by shares.")
    cuts = _instant("validation_start", validation_start), _instant("test_start", test_start)
    if cuts[0] >= cuts[1]:
        raise ValueError(f"data.split.test_start is {test_start}, not after {validation_start}; set it later.")
    return cuts


def _period(name, day, days) -> tuple[int, int]:
    if days < 1:
        raise ValueError(f"data.split.{name}_days is {days}; set it to 1 day or more.")
    start = _instant(name, day)
    return start, start + days * DAY


def _instant(name, text) -> int:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"data.split.{name} is {text!r}; write a date such as 2024-03-01.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
