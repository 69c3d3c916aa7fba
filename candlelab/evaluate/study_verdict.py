"""Verdict of a study: the three questions over all folds and seeds of one model, its spread, and its regimes.

Seeds and paths see the same rows: their scores and the ends of their intervals are averaged, which is never narrower than the
interval of the mean. The answers to the means are those that a run's verdict gives to its own numbers; nobody picks the best.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import norm

from candlelab.core.notebook_html import ShowsLines
from candlelab.evaluate import verdict
from candlelab.evaluate.classification import Scored, direction_scores
from candlelab.evaluate.compare import Difference, holm
from candlelab.evaluate.luck import score_of
from candlelab.evaluate.table import Part, Task
from candlelab.evaluate.verdict import Answer, Verdict

FEWEST = 50  # rows that moved, below which a regime is left out
CALMNESS = ("calmest third", "middle third", "liveliest third")
FLAT = "No fold found a threshold that earns anything after fees on its validation rows, so nothing is traded."
PERIODS, SEEDS = "other walk-forward periods", "other seeds"


@dataclass(frozen=True)
class Tried:
    """What a model's record was made of: folds of time, seeds, complete paths over all folds, and what is missing, in words."""

    folds: int
    seeds: int
    paths: int
    missing: tuple[str, ...] = ()

    def words(self) -> str:
        """5 folds x 3 seeds."""
        parts = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in self._counts()]
        return " x ".join(parts) + (f" ({'; '.join(self.missing)})" if self.missing else "")

    def _counts(self) -> list[tuple[int, str]]:
        known = [(self.folds, "fold"), (self.seeds, "seed")]
        return [*known, (self.paths, "path")] if self.paths > 1 else known


@dataclass(frozen=True)
class StudyVerdict(ShowsLines):
    """What one model of a study has shown.

    means    flat metrics, as in metrics.json, averaged over the records; records: those of each seed and path
    regimes  name -> scores of up against down in a year, or a third of volatility; {} for recognition
    """

    model: str
    data: str
    tried: Tried
    means: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]]
    verdict: Verdict
    regimes: Mapping[str, Scored]

    @property
    def name(self) -> str:
        """Model and data in words."""
        return f"{self.model}, {self.data}" if self.data else self.model

    def lines(self) -> list[str]:
        """Return a heading and the verdict's lines for a terminal."""
        return [f"{self.name}: {self.tried.words()}", *self.verdict.lines()]


def judge_records(
    records: Sequence[Mapping[str, Any]],
    tried: Tried,
    *,
    task: Task,
    settings: Mapping[str, Any],
    threshold: Mapping[str, Any],
    sees: Sequence[bool | None] = (),
) -> tuple[dict[str, Any], Verdict]:
    """Return the mean metrics of all records, and the verdict on them.

    records    flat metrics of each seed and path, as in metrics.json
    settings   as `Evaluation.describe` returns them; threshold: of the first record
    sees       of each run: would its net have found the edge that was planted on its bars?
    """
    means = mean_metrics(records)
    own, others, differences = _unflattened(means)
    found = verdict.judge(own, others, differences, means, dict(threshold), task, dict(settings))
    if own.get("n", 0) == 0:
        return means, found
    measure = verdict.measure_of(task.kind)
    found = replace(
        found,
        information=_spread(found.information, records, f"test/{measure}", verdict.SPOKEN[measure], 3),
        money=_money(found.money, records),
        missing_for_trust=tuple(_missing(found.missing_for_trust, tried)),
    )
    return means, found if task.kind != "forecast" else _with_instrument(found, sees)


def all_counted(found: Sequence[StudyVerdict]) -> list[StudyVerdict]:
    """The verdicts with every model of the study counted: a "yes" that Holm's correction over all of them takes back is not shown.

    One of twenty models that know nothing says yes by itself; of a study with one model nothing changes.
    """
    forecasts = [each for each in found if each.verdict.kind == "forecast"]
    if len(forecasts) < 2:
        return list(found)
    scores = np.array([score_of(each.means, "auroc_direction") for each in forecasts])
    adjusted = dict(zip(map(id, forecasts), holm(2 * norm.sf(np.abs(scores))), strict=True))
    return [_taken_back(each, adjusted.get(id(each), 0.0), len(forecasts)) for each in found]


def _taken_back(found: StudyVerdict, adjusted: float, models: int) -> StudyVerdict:
    first = found.verdict.information
    if first.answer != "yes" or adjusted < 0.05:
        return found
    sentence = f"{first.sentence} Of {models} models tried one looks like this by luck (Holm: p = {adjusted:.2f})."
    return replace(
        found, verdict=replace(found.verdict, information=replace(first, answer="not shown", sentence=sentence))
    )


def mean_metrics(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of each metric over the records that have it; counts are rounded; None where none has it."""
    names = dict.fromkeys(name for record in records for name in record)
    return {name: _mean([record.get(name) for record in records]) for name in names}


def _mean(values: Sequence[Any]) -> Any:
    known = [value for value in values if value is not None]
    if not known:
        return None
    if all(value == known[0] for value in known):
        return known[0]  # to the digit: a mean of equal numbers may differ in the last one
    mean = sum(known) / len(known)
    return round(mean) if all(isinstance(value, int) for value in known) else mean


def _unflattened(flat: Mapping[str, Any]) -> tuple[Scored, dict[str, Scored], dict[str, dict[str, Difference]]]:
    """The scores of the net, of every baseline that answers, and the differences, from flat metrics."""
    own: Scored = {}
    others: dict[str, Scored] = {}
    gaps: dict[str, dict[str, Any]] = {}
    for name, value in flat.items():
        number = math.nan if value is None else value
        head, _, rest = name.partition("/")
        if head == "test":
            own[rest] = number
        elif head in ("baseline", "versus"):
            model, _, measure = rest.partition("/")
            (others if head == "baseline" else gaps).setdefault(model, {})[measure] = number
    differences = {
        model: {
            name: Difference(*(found.get(name + end, math.nan) for end in ("", "_low", "_high", "_p")))
            for name in found
            if not name.endswith(("_low", "_high", "_p"))
        }
        for model, found in gaps.items()
    }
    return own, {model: found for model, found in others.items() if model in differences}, differences


def _spread(answer: Answer, records: Sequence[Mapping[str, Any]], name: str, spoken: str, digits: int) -> Answer:
    """The answer that also says how far the records lie apart; as it is for one record."""
    values = [record[name] for record in records if record.get(name) is not None]
    if len(values) < 2:
        return answer
    sentence = (
        f"{answer.sentence} Mean of {len(values)} records; their {spoken} goes from {min(values):.{digits}f} to "
        f"{max(values):.{digits}f} (SD {np.std(values, ddof=1):.{digits}f})."
    )
    return replace(answer, sentence=sentence)


def _money(answer: Answer | None, records: Sequence[Mapping[str, Any]]) -> Answer | None:
    if answer is None or len(records) < 2:
        return answer
    idle = sum(record.get("test/sharpe_net_annual") is None for record in records)
    if idle == len(records):
        return replace(answer, sentence=FLAT)
    told = _spread(answer, records, "test/sharpe_net_annual", "net Sharpe ratio", 1)
    return replace(told, sentence=f"{told.sentence} {idle} of {len(records)} trade nothing.") if idle else told


def _missing(wanted: Sequence[str], tried: Tried) -> list[str]:
    """What a verdict lacks, less what the study has tried."""
    more = [word for word, count in ((PERIODS, tried.folds), (SEEDS, tried.seeds)) if count < 2]
    return [
        *tried.missing,
        *(
            " and ".join(more) if want == verdict.MORE_RUNS else want
            for want in wanted
            if want != verdict.MORE_RUNS or more
        ),
    ]


def _with_instrument(found: Verdict, sees: Sequence[bool | None]) -> Verdict:
    """The verdict that also says how many of the nets would have found an edge planted on their bars."""
    known = [each for each in sees if each is not None]
    if not known or found.information.answer == "yes":
        return found
    able = sum(known)
    sentence = f"{able} of {len(known)} nets would have found an edge planted on their bars."
    first = replace(found.information, sentence=f"{found.information.sentence} {sentence}")
    word: verdict.Word = "yes" if able == len(known) else "not shown" if able else "no"
    return replace(
        found, information=first, instrument=Answer(verdict.QUESTION, word, sentence, able / len(known), None, None)
    )


def regimes_of(part: Part, confidence_level: float) -> dict[str, Scored]:
    """Scores of up against down in each calendar year and in each third of the volatility before the row, as AUROC with interval.

    Thirds are of each symbol's own volatility. Regimes of fewer than 50 rows that moved are left out.
    """
    predicted = part.predicted
    year = predicted.rows.time.astype("datetime64[ms]").astype("datetime64[Y]").astype(int) + 1970
    keeps = {str(each): year == each for each in np.unique(year)}
    third = thirds(predicted.sigma, predicted.rows.symbol)
    keeps |= {name: third == k for k, name in enumerate(CALMNESS)}
    labelled = np.flatnonzero(part.ground.labelled)
    found = {}
    for name, keep in keeps.items():
        if (keep & predicted.moved).sum() >= FEWEST:
            chosen = np.zeros(len(part.rows), bool)
            chosen[labelled[keep]] = True
            found[name] = direction_scores(part.take(chosen).predicted, confidence_level)
    return {name: scores for name, scores in found.items() if not math.isnan(scores["auroc_direction"])}


def thirds(sigma: np.ndarray, symbol: np.ndarray) -> np.ndarray:
    """(n,) 0, 1 or 2: the third of its symbol's volatilities that a row lies in; -1 where it is not known."""
    third = np.full(len(sigma), -1)
    for code in np.unique(symbol):
        mine = (symbol == code) & np.isfinite(sigma) & (sigma > 0)
        if mine.any():
            third[mine] = np.searchsorted(np.quantile(sigma[mine], [1 / 3, 2 / 3]), sigma[mine], side="right")
    return third


def mean_regimes(found: Sequence[Mapping[str, Scored]]) -> dict[str, Scored]:
    """The mean scores of each regime over the records that have it."""
    names = dict.fromkeys(name for each in found for name in each)
    return {name: mean_metrics([each[name] for each in found if name in each]) for name in names}
