"""Verdict on a diary: the same three questions, baselines and fees as for a run, on rows that nobody could have tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from candlelab.config import build, plain
from candlelab.core.candles import Candles
from candlelab.data.samples import SampleSet
from candlelab.data.split.parts import DROPPED, TEST, TRAIN, VALIDATION, purged, sample_spans
from candlelab.evaluate.metrics import auroc_null_error, rows_to_show, smallest_area
from candlelab.evaluate.score import Scores
from candlelab.evaluate.table import SETTLED, Task
from candlelab.pipeline.scores.predictions import EVALUATED, prediction_table
from candlelab.pipeline.scores.scoring import instrument_of, own_settings
from candlelab.pipeline.training.baselines import baseline_rows
from candlelab.run import Run

FEWEST = 30  # counted lines that are judged
LATEST = 0.2  # share of the rows before the diary on which the baselines choose their thresholds
HALF_WIDTH = 1.96  # of a 95 % interval in standard errors
WORTH_FINDING = 0.52  # AUROC to look for where the run promised nothing
Line = Mapping[str, Any]


@dataclass(frozen=True)
class DiarySplit:
    """Judged rows are the test; of the rows before them the older train the baselines and the newest choose their thresholds."""

    rows: np.ndarray
    dated = False

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Return the part of each sample; raises UserError if one is without samples."""
        time, judged = candles.time[end], np.isin(end, self.rows)
        part = np.full(len(end), DROPPED, np.int8)
        before = time < candles.time[self.rows].min()
        border = np.quantile(time[before], 1 - LATEST) if before.any() else 0
        part[before] = np.where(time[before] < border, TRAIN, VALIDATION)
        part[judged] = TEST
        return purged(part, *sample_spans(candles, end, label_end, first_row, "label"), gap=0)


def diary_table(run: Run, lines: Sequence[Line], rows: np.ndarray, tape: Candles, *, seed: int) -> pd.DataFrame:
    """Return the predictions table of a diary: the net as its lines say, and every baseline, on the same rows.

    lines, rows  those that count, and the row of the tape of each. The net keeps the threshold of its lines; the baselines choose
                 theirs on rows before the diary. Rows without a whole window are left out.
    """
    data = _samples(run, tape, rows)
    part, made = EVALUATED[1], data.prepared
    place = {int(row): number for number, row in enumerate(rows)}
    told = [lines[place[int(end)]] for end in made.ends[data.traded(part)]]
    p = np.array([[line["p"][name] for name in data.label.classes] for line in told])
    forecast = np.array([np.nan if line["forecast"] is None else line["forecast"] for line in told])
    others = prediction_table(data, baseline_rows(data, seed=seed)).astype({"model": str, "split": str})
    own = prediction_table(data, {"net": {part: (p, forecast)}}, (part,)).astype({"model": str, "split": str})
    task = Task(data.label.horizon, data.interval, data.label.kind, tuple(data.label.classes))
    chosen = _evaluation(run).thresholds(pd.concat([own, others], ignore_index=True), task)
    settled = others["model"].map({name: np.inf if value is None else value for name, value in chosen.items()})
    own = own.assign(**{SETTLED: [np.inf if line["threshold"] is None else line["threshold"] for line in told]})
    return pd.concat([own, others.assign(**{SETTLED: settled.astype(float)})], ignore_index=True)


def scores_of_table(run: Run, table: pd.DataFrame, interval: str) -> Scores:
    """Return what the run's own evaluation says of a diary's table."""
    made = run.preprocessing
    return _evaluation(run).score(
        table,
        horizon=made["horizon"],
        interval=interval,
        kind=made["kind"],
        classes=tuple(made["classes"]),
        instrument=instrument_of(run),
    )


def _evaluation(run: Run) -> Any:
    return build({"evaluate": own_settings(run)}, "evaluate")


def _samples(run: Run, tape: Candles, rows: np.ndarray) -> SampleSet:
    recipe = run.recipe
    data: SampleSet = build(recipe, "data", build(recipe, "render") if plain(recipe).get("render") else None)
    return data.having(
        tape=tape, split=DiarySplit(rows), stride=1, max_samples=None, intervals=(tape.interval,), symbols=tape.symbols
    )


@dataclass(frozen=True)
class Promise:
    """One answer of the run beside the diary's."""

    question: str
    promised: tuple[float | None, float | None, float | None]  # value, low, high
    found: tuple[float | None, float | None, float | None]

    @property
    def word(self) -> str:
        """How they agree."""
        (_, low, high), (_, lower, upper) = self.promised, self.found
        if low is None or high is None:
            return "nothing was promised"
        if lower is None or upper is None:
            return "nothing is known yet"
        return "worse than promised" if upper < low else "better than promised" if lower > high else "no contradiction"


def promises(run: Run, verdict: Mapping[str, Any] | None) -> list[Promise]:
    """Return the answers that the run gave with their intervals, beside those of the diary; verdict: None without one."""
    found = []
    for name in ("information", "beyond_baseline", "money"):
        own, new = run.verdict.get(name), (verdict or {}).get(name)
        if own is not None:
            found.append(Promise(own["question"], _numbers(own), _numbers(new)))
    return found


def _numbers(answer: Mapping[str, Any] | None) -> tuple[float | None, float | None, float | None]:
    value, low, high = ((answer or {}).get(name) for name in ("value", "low", "high"))
    return value, low, high


def lines_needed(run: Run, counted: int, metrics: Mapping[str, Any] | None) -> tuple[float, int]:
    """Return (AUROC of up against down that is looked for, how many counted lines show it in 80 % of cases).

    The AUROC is what the run promised, at least WORTH_FINDING. What so many lines show is measured where there is a verdict, and
    otherwise that of independent lines, as many up as down (a label of h bars makes h neighbours worth one).
    """
    promised = (run.verdict.get("information") or {}).get("value") or 0.5
    area = min(max(promised, WORTH_FINDING), 0.99)
    smallest = (metrics or {}).get("test/smallest_auroc")
    if smallest is None or not 0.5 < smallest < 0.99:
        counted, worth = 1000, 1000 / run.preprocessing["horizon"]
        smallest = smallest_area(auroc_null_error(worth / 2, worth / 2), 0.5, HALF_WIDTH)
    return area, int(np.ceil(rows_to_show(area, counted, smallest)))
