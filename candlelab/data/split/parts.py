"""Train, validation and test in time order, with every sample dropped whose label reaches into a later part.

A sample occupies the bars from its own last bar to the last bar its label looked at (policy `label`), or from the first bar
of its window and warm-up (policy `full`). Intervals of bars are closed: sharing one bar is an overlap. All symbols are cut at
the same instants. Source: Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.interval import interval_ms, next_open

TRAIN, VALIDATION, TEST, DROPPED = 0, 1, 2, -1
DAY = 86_400_000  # ms
NAMES = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}  # in sentences
SHARES = {TRAIN: 0.7, VALIDATION: 0.15, TEST: 0.15}  # of the samples kept, where dates decide the parts
PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}  # in tables


def purge(
    start: np.ndarray, stop: np.ndarray, test: np.ndarray, *, embargo: int = 0, closed: bool = True
) -> np.ndarray:
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


def purged(part: np.ndarray, start: np.ndarray, stop: np.ndarray, *, gap: int) -> np.ndarray:
    """Drop samples whose span ends after a later part begins, less `gap` ms; spans are [start, stop) in ms."""
    for earlier, later in ((VALIDATION, TEST), (TRAIN, VALIDATION), (TRAIN, TEST)):
        inside = part == later
        if inside.any():
            part[(part == earlier) & (stop > start[inside].min() - gap)] = DROPPED
    return filled(part)


def sampled(part: np.ndarray, time: np.ndarray, count: int) -> np.ndarray:
    """Positions of at most `count` samples, (k,) ascending: of each part its share of SHARES, evenly over the part's own time."""
    chosen = []
    for code, share in SHARES.items():
        mine = np.flatnonzero(part == code)
        mine = mine[np.argsort(time[mine], kind="stable")]
        taken = min(len(mine), max(1, round(share * count)))
        chosen.append(mine[np.linspace(0, len(mine) - 1, taken).round().astype(int)] if taken else mine)
    return np.sort(np.concatenate(chosen))


def filled(part: np.ndarray) -> np.ndarray:
    """The parts again; raises UserError if one is without samples."""
    for code, name in NAMES.items():
        if not (part == code).any():
            raise UserError(
                f"the split leaves no {name} samples of {len(part)}; use more data, other shares or dates, or a smaller embargo."
            )
    return part


def sample_spans(
    candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray, policy: str
) -> tuple[np.ndarray, np.ndarray]:
    """First instant and the instant after the last of each sample's bars, ms; a label without end counts as its own bar."""
    start = candles.time[end if policy == "label" else first_row]
    last = np.maximum(label_end, end)
    stop = candles.time[last]
    for code, interval in enumerate(candles.intervals):
        mine = candles.symbol[last] == code
        stop[mine] = next_open(stop[mine], interval)
    return start, stop


def quantiles(time: np.ndarray, shares: Sequence[float]) -> list[int]:
    """Instants that put about the given cumulative shares of the samples before them."""
    order = np.sort(time)
    return [int(order[min(round(share * len(order)), len(order) - 1)]) for share in shares]


def longest_bar(candles: Candles) -> int:
    return max(interval_ms(name) for name in candles.intervals)


def checked_shares(train: float, validation: float) -> tuple[float, float]:
    checked_share("train", train)
    checked_share("validation", validation)
    if not train + validation < 1:
        raise UserError(f"train + validation is {train + validation:g}; leave something above 0 to test on.")
    return train, train + validation


def checked_share(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise UserError(f"{name} is {value}; set it to a share between 0 and 1.")
    return value


LONGEST_EMBARGO = 10_000_000  # bars


def checked_gap(policy: str, embargo: int) -> tuple[str, int]:
    if policy not in ("label", "full"):
        raise UserError(f"purge is {policy!r}; choose label or full.")
    if not 0 <= embargo <= LONGEST_EMBARGO:
        raise UserError(f"embargo is {embargo} bars; set it to 0 or more, at most {LONGEST_EMBARGO:,}.")
    return policy, embargo


def checked_dates(validation_start: Any, test_start: Any) -> tuple[int, int] | None:
    if validation_start is None and test_start is None:
        return None
    if validation_start is None or test_start is None:
        raise UserError(
            "only one of validation_start and test_start is given; give both, or neither to split by shares."
        )
    cuts = instant_of("validation_start", validation_start), instant_of("test_start", test_start)
    if cuts[0] >= cuts[1]:
        raise UserError(f"test_start is {test_start}, not after {validation_start}; set it later.")
    return cuts


def period_of(name: str, day: Any, days: Any) -> tuple[int, int]:
    if days < 1:
        raise UserError(f"{name}_days is {days}; set it to 1 day or more.")
    start = instant_of(name, day)
    return start, start + days * DAY


def instant_of(name: str, text: Any) -> int:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise UserError(f"{name} is {text!r}; write a date such as 2024-03-01.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
