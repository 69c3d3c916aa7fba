"""The verdict on predictions that were made elsewhere: the same baselines, threshold and questions as for a run of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from candlelab import run as runs
from candlelab.core import files
from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.interval import to_time
from candlelab.core.notebook_html import ShowsLines
from candlelab.core.signal import normal_probabilities
from candlelab.core.spreadsheet import neutral_table
from candlelab.core.times import iso
from candlelab.data.rows import bar_returns
from candlelab.data.samples import SampleSet
from candlelab.data.split.parts import DROPPED, TEST, TRAIN, VALIDATION, purged, sample_spans
from candlelab.evaluate.score import Evaluation, Scores
from candlelab.evaluate.verdict import Verdict
from candlelab.pipeline.judging.alignment import Times, aligned, check_truth, knows_next_bar
from candlelab.pipeline.judging.prediction_files import Told
from candlelab.pipeline.scores.predictions import EVALUATED, STANDSTILL, prediction_table, write_table
from candlelab.pipeline.scores.scoring import as_lists, bayes_of, lines_of
from candlelab.pipeline.scores.trust import checked_card, doubts
from candlelab.pipeline.training.baselines import baseline_rows
from candlelab.report.figure_calls import ReportFigures
from candlelab.report.run_report import write_report

SURE_SIGNAL = 0.75  # a signal says nothing of its confidence: any number above one half gives the same verdict
MILD = 0.1  # past volatilities that a score of one standard deviation stands for


class ShownVerdict(Verdict, ReportFigures):
    """A verdict that knows the score it sums up: every figure of the report is a call, such as `verdict.equity()`."""

    _scored: Judgement

    @classmethod
    def of(cls, scored: Judgement) -> ShownVerdict:
        """Return the verdict of a judgement."""
        plain = scored.scores.verdict
        made = cls(**{field.name: getattr(plain, field.name) for field in fields(plain)})
        object.__setattr__(made, "_scored", scored)  # no field: a verdict is its answers
        return made

    def figure_inputs(self) -> tuple[Scores, pd.DataFrame, Mapping[str, Any], Sequence[Mapping[str, float]]]:
        """Return what the judgement's figures are made of."""
        return self._scored.figure_inputs()


@dataclass(frozen=True)
class Judgement(ShowsLines, ReportFigures):
    """What was found: `.verdict`, `.metrics`, `.scores`, the table of all `.predictions`, and every figure of the report.

    notes  what was done with the table, such as rows that were left out.
    """

    scores: Scores
    predictions: pd.DataFrame
    card: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> ShownVerdict:
        """The three answers, the smallest edge and the suspicions; its figures are calls."""
        return ShownVerdict.of(self)

    @property
    def metrics(self) -> dict[str, float | int | None]:
        """The flat dictionary of metrics.json."""
        return self.scores.metrics

    def lines(self) -> list[str]:
        """Return the verdict in lines of text."""
        return lines_of(self.scores)

    def figure_inputs(self) -> tuple[Scores, pd.DataFrame, Mapping[str, Any], Sequence[Mapping[str, float]]]:
        """Return what the figures are made of; nothing was trained here."""
        return self.scores, self.predictions, self.card, ()

    def write(self, folder: Path, *, provenance: Mapping[str, Any], title: str) -> Path:
        """Write report, metrics, verdict, threshold, curves and predictions into a folder; return the report's path."""
        files.make_folder(folder)
        write_table(folder / runs.PREDICTIONS, self.predictions)
        for name, content in (
            (runs.THRESHOLD, self.scores.threshold),
            (runs.CURVES, as_lists(self.scores.curves)),
            (runs.VERDICT, asdict(self.verdict) | {"lines": self.lines()}),
            (runs.DATA, dict(self.card)),
        ):
            runs.write_json(folder / name, content)
        runs.write_text(
            folder / runs.TRADES, neutral_table(self.scores.trades).to_csv(index=False, float_format="%.8g")
        )
        page = write_report(
            folder / runs.REPORT,
            scores=self.scores,
            predictions=self.predictions,
            card=dict(self.card) | {"title": title, "about": {"judged": "; ".join(self.notes) or "every row"}},
            charts=(),
            provenance=provenance,
        )
        runs.write_json(folder / runs.METRICS, self.metrics)
        return page


@dataclass(frozen=True)
class JudgedSplit:
    """Judged rows before `test_start` choose the threshold, the others are tested; bars before the first train the baselines."""

    rows: np.ndarray
    test_start: int
    dated = False

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        time, judged = candles.time[end], np.isin(end, self.rows)
        if not judged.any():
            raise UserError(
                "no prediction stands at a bar with a whole window before it and a label after it: give more bars"
            )
        part = np.full(len(end), DROPPED, np.int8)
        part[~judged & (time < time[judged].min())] = TRAIN
        part[judged] = np.where(time[judged] < self.test_start, VALIDATION, TEST)
        for code, words in (
            (
                TRAIN,
                f"before the first prediction ({iso(int(time[judged].min()))}), to fit the baselines on: give earlier bars",
            ),
            (
                VALIDATION,
                f"predicted before test_start ({iso(self.test_start)}), to choose the threshold on: set it later",
            ),
            (TEST, f"predicted from test_start ({iso(self.test_start)}) on: set it earlier"),
        ):
            if not (part == code).any():
                raise UserError(f"there is no window {words}")
        return purged(part, *sample_spans(candles, end, label_end, first_row, "label"), gap=0)


NO_FORECAST = "a recognition label says nothing of what comes next: choose a forecast such as data/label=direction"


def judge_predictions(
    told: Told,
    data: SampleSet,
    evaluation: Evaluation,
    *,
    times: Times,
    test_start: str | None,
    suspect: Literal["refuse", "tell"],
    seed: int,
) -> Judgement:
    """Return the verdict on a table of predictions.

    data        bars, label and window; its split is replaced. Its label must be a forecast.
    test_start  from when on the verdict counts; None: the table's own test part, else its later half.
    suspect     what to do where the predictions seem to know the next bar: refuse, or tell it among the doubts.
    Raises UserError for times without bars, and for predictions that look into the future, with the first such bar.
    """
    rule = data.label
    if rule.kind != "forecast":
        raise UserError(NO_FORECAST)
    found = _believed(told, data, times)
    data = data.having(split=JudgedSplit(found["row"].to_numpy(), _border(found, data.tape, test_start)))
    answers = {"net": _answers(found, data, told.what)} | baseline_rows(data, seed=seed)
    warned = _future(data, answers)
    if warned and suspect == "refuse":
        raise UserError(warned)
    card = checked_card(data)
    made = prediction_table(data, answers)
    scores = evaluation.score(
        made,
        horizon=rule.horizon,
        interval=data.interval,
        kind=rule.kind,
        classes=tuple(rule.classes),
        bayes=bayes_of(data).get("accuracy"),
        stride=data.stride,
        doubts=(*doubts(card), *([warned] if warned else [])),
    )
    return Judgement(scores, made, card, (f"read as {told.reader}, times are {times}s", *_left_out(told, data)))


def _believed(told: Told, data: SampleSet, times: Times) -> pd.DataFrame:
    """Return the told rows beside their bars, after comparing them with the classes and with what really happened."""
    candles, rule = data.tape, data.label
    found = aligned(told, candles, times=times, horizon=rule.horizon)
    _check_classes(found, len(rule.classes))
    earned = bar_returns(candles, np.arange(len(candles)), broken=np.zeros(len(candles) - 1, bool))
    check_truth(found, candles, rule(candles, data.window), earned)
    return found


def _left_out(told: Told, data: SampleSet) -> list[str]:
    """Return a note on the told rows that are not judged; none where a row is a trade."""
    left = len(told.table) - sum(len(data.traded(part)) for part in EVALUATED)
    if told.what == "trades" or not left:
        return []
    return [
        f"{left:,} of {len(told.table):,} rows left out: no bar, no whole window, no label, or too close to the test"
    ]


def _check_classes(found: pd.DataFrame, classes: int) -> None:
    given = sum(f"p_{k}" in found for k in range(3))
    if given and given != classes:
        cure = "data/label=three_class" if given == 3 else "data/label=direction"
        raise UserError(f"the predictions name {given} classes and the label has {classes}: choose {cure}")


def _border(found: pd.DataFrame, candles: Candles, test_start: str | None) -> int:
    time = candles.time[found["row"].to_numpy()]
    if test_start is not None:
        return int(to_time(test_start) or 0)
    if "split" in found and (found["split"].astype(str) == "test").any():
        return int(time[(found["split"].astype(str) == "test").to_numpy()].min())
    return int(np.sort(time)[len(time) // 2])


def _answers(found: pd.DataFrame, data: SampleSet, what: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return {part: (p (n, K), forecast (n,) log return)} of the judged predictions, in the order of the data's samples."""
    made, classes = data.prepared, len(data.label.classes)
    place = pd.Series(np.arange(len(found)), index=found["row"].to_numpy())
    ends = {part: made.ends[data.traded(part)] for part in EVALUATED}
    rows = {part: found.iloc[place[each].to_numpy()] for part, each in ends.items()}
    if what == "probabilities":
        names = [f"p_{k}" for k in range(classes)]
        return {part: (each[names].to_numpy(float), _forecast(each)) for part, each in rows.items()}
    if what in ("signal", "trades"):
        return {
            part: (_of_signal(each["signal"].to_numpy(float), classes), _forecast(each)) for part, each in rows.items()
        }
    sigma = {
        part: np.where(made.labels.sigma[each] > 0, made.labels.sigma[each], STANDSTILL) for part, each in ends.items()
    }
    said = {part: _standardised(rows[part], ends[part], data.prepared.candles, sigma[part], what) for part in EVALUATED}
    unit, error = _scale(said[EVALUATED[0]], made.labels.target[ends[EVALUATED[0]]], what)
    answers = {}
    for part in EVALUATED:
        told = said[part] * unit
        p = normal_probabilities(told, error, sigma[part], made.labels.theta[ends[part]], classes)
        answers[part] = (p, np.full(len(told), np.nan) if what == "score" else told * sigma[part])
    return answers


def _forecast(rows: pd.DataFrame) -> np.ndarray:
    return rows["forecast"].to_numpy(float) if "forecast" in rows else np.full(len(rows), np.nan)


def _of_signal(signal: np.ndarray, classes: int) -> np.ndarray:
    rest = 1 - SURE_SIGNAL
    p_up = np.where(signal > 0, SURE_SIGNAL, np.where(signal < 0, rest, 0.5))
    if classes == 2:
        return np.stack([1 - p_up, p_up], 1)
    side = np.eye(3)[(signal + 1).astype(int)]
    return side * (SURE_SIGNAL - rest / 2) + rest / 2


def _standardised(rows: pd.DataFrame, ends: np.ndarray, candles: Candles, sigma: np.ndarray, what: str) -> np.ndarray:
    """Return forecasts in past volatilities; scores as they are."""
    if what == "score":
        return rows["score"].to_numpy(float)
    log_return = (
        rows["forecast"].to_numpy(float)
        if what == "forecast"
        else np.log(rows["price"].to_numpy(float) / candles.close[ends])
    )
    return log_return / sigma


def _scale(said: np.ndarray, target: np.ndarray, what: str) -> tuple[float, float]:
    """Return what one unit of a forecast is worth in past volatilities, and the error of forecasts, from the first part."""
    if what == "score":
        spread = float(np.std(said))
        return (MILD / spread if spread > 0 else 0.0), 1.0
    known = np.isfinite(target)
    return 1.0, max(float(np.std(target[known] - said[known])), 1e-6)


def _future(data: SampleSet, answers: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]) -> str | None:
    made = data.prepared
    ends = np.concatenate([made.ends[data.traded(part)] for part in EVALUATED])
    order = np.argsort(made.candles.time[ends], kind="stable")
    leaning = {
        name: np.concatenate([parts[part][0][:, -1] - parts[part][0][:, 0] for part in EVALUATED])[order]
        for name, parts in answers.items()
    }
    best = bayes_of(data).get("auroc")
    return knows_next_bar(made.candles, ends[order], leaning.pop("net"), leaning, best)
