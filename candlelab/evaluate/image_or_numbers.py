"""Image or numbers? Which part of a picture carries the gain: scaling, geometry, capacity, or nothing, by paired intervals.

A ladder of models sees the same windows: linear on raw numbers, linear on numbers scaled window by window, trees and a 1-D CNN on
those, a small 2-D CNN on their charts, and the study's own net. Each rung is represented by its best model on *validation* rows;
each step is the difference of two rungs on the same test rows. Source of the controls: Jiang, Kelly & Xiu (2023), Table IX.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from candlelab.evaluate import compare, intervals, metrics
from candlelab.evaluate.pairs import probabilities_of
from candlelab.evaluate.rows import Rows

Rung = Literal["raw, linear", "raw, curved", "scaled, linear", "scaled, curved", "chart", "net"]
NUMBERS: tuple[Rung, ...] = ("raw, linear", "raw, curved", "scaled, linear", "scaled, curved")
KEY = ["symbol", "segment", "time"]
STEPS: tuple[tuple[str, tuple[Rung, ...], tuple[Rung, ...]], ...] = (
    ("scaling", ("raw, linear",), ("scaled, linear",)),
    ("capacity", ("scaled, linear",), ("scaled, curved",)),
    ("geometry", NUMBERS, ("chart",)),
    ("capacity of the net", ("chart",), ("net",)),
)
ALPHA = 0.05


@dataclass(frozen=True)
class Contender:
    """A model of the ladder.

    validation  its AUROC of up against down on validation rows, mean of folds and seeds
    tested      its labelled test rows over all folds, one table per seed
    """

    name: str
    rung: Rung
    validation: float
    tested: Sequence[pd.DataFrame]


@dataclass(frozen=True)
class Step:
    """What one rung adds to another on the same test rows, in AUROC of up against down; adjusted: Holm over all steps."""

    part: str
    first: str
    second: str
    gain: compare.Difference
    adjusted: float

    @property
    def shown(self) -> bool:
        """Whether the gain is told from nothing after all steps were looked at."""
        return self.gain.value > 0 and self.adjusted < ALPHA


@dataclass(frozen=True)
class Decomposition:
    """Which part carries the gain: scaling, capacity, geometry, or nothing.

    areas  (name, rung, AUROC, low, high) of every candidate on the shared test rows
    """

    part: str
    steps: Sequence[Step]
    areas: Sequence[tuple[str, str, float, float, float]]
    rows: int

    def sentence(self) -> str:
        """The answer, and every step with its interval."""
        told = "; ".join(
            f"{step.part} {100 * step.gain.value:+.1f} ({100 * step.gain.low:.1f} to {100 * step.gain.high:.1f}, "
            f"{step.second} against {step.first})"
            for step in self.steps
        )
        answer = "No part carries a gain" if self.part == "nothing" else f"{self.part.capitalize()} carries the gain"
        return f"{answer}. Percentage points of AUROC on the same {self.rows:,} rows: {told}."


def decompose(
    candidates: Sequence[Contender], *, horizon: int, interval: str, confidence_level: float
) -> Decomposition:
    """Return which step of the ladder gains most, of those that are told from nothing (Holm, 5 %); rungs without a model are skipped."""
    rows, parts, ups = _shared(candidates, horizon, interval)
    found = []
    for part, lower, upper in STEPS:
        first, second = _champion(candidates, lower), _champion(candidates, upper)
        if first is not None and second is not None:
            gap = compare.of_means(parts[second.name] - parts[first.name], rows, confidence_level)
            found.append((part, first.name, second.name, gap))
    adjusted = compare.holm(np.array([gap.p_value for *_, gap in found]))
    steps = [Step(*each, float(after)) for each, after in zip(found, adjusted, strict=True)]
    shown = [step for step in steps if step.shown]
    best = max(shown, key=lambda step: step.gain.value).part if shown else "nothing"
    areas = [
        (
            each.name,
            each.rung,
            float(parts[each.name].mean()),
            *_interval(parts[each.name], ups, rows, confidence_level),
        )
        for each in candidates
    ]
    return Decomposition("capacity" if best.startswith("capacity") else best, steps, areas, len(rows))


def _interval(parts: np.ndarray, ups: int, rows: Rows, confidence_level: float) -> tuple[float, float]:
    low, high = intervals.of_auroc_parts(parts, ups, rows, confidence_level)
    return float(low), float(high)


def _champion(candidates: Sequence[Contender], rungs: Sequence[Rung]) -> Contender | None:
    """The candidate of some rungs that is best on validation rows."""
    there = [each for each in candidates if each.rung in rungs]
    return max(there, key=lambda each: each.validation) if there else None


def _shared(candidates: Sequence[Contender], horizon: int, interval: str) -> tuple[Rows, dict[str, np.ndarray], int]:
    """The rows that moved and that all candidates share, what each row adds to each candidate's AUROC, and how many went up."""
    tables = {each.name: [table.set_index(KEY).sort_index() for table in each.tested] for each in candidates}
    common = None
    for table in (table for each in tables.values() for table in each):
        common = table.index if common is None else common.intersection(table.index)
    assert common is not None, "a ladder has candidates"
    common = common.sort_values()
    first = next(iter(tables.values()))[0].loc[common]
    label, forward = (first[name].to_numpy() for name in ("label", "forward_return"))
    classes = probabilities_of(first).shape[1]
    moved = metrics.direction_rows(label, classes, forward)
    rows = Rows.of(common.to_frame(index=False), horizon=horizon, interval=interval).take(moved)
    parts = {
        name: np.mean(
            [metrics.direction_parts(label, probabilities_of(table.loc[common]), moved) for table in seeds], 0
        )
        for name, seeds in tables.items()
    }
    return rows, parts, int((label[moved] == classes - 1).sum())
