"""Track records of a study: folds of one model joined, one record per seed and path, and the verdict on all of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import comb
from pathlib import Path
from typing import Any

import pandas as pd

from candlelab import __version__
from candlelab import run as runs
from candlelab.config import NOT_IN_SIGNATURE, build, plain
from candlelab.core import forms
from candlelab.core.files import sha256_of
from candlelab.core.reading import Unreadable, json_of
from candlelab.evaluate.classification import Scored
from candlelab.evaluate.joined import join_folds, settled_rows
from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.study_verdict import StudyVerdict, Tried, all_counted, judge_records, mean_regimes, regimes_of
from candlelab.evaluate.table import Task, split_parts
from candlelab.evaluate.verdict import Verdict
from candlelab.pipeline.scores.looks import note_look
from candlelab.pipeline.scores.scoring import instrument_of
from candlelab.pipeline.scores.trust import doubts, leaks

OF_ONE_RUN = ("seed", "data.seed", "data.split.fold", "data.split.combination")  # what a record varies
FOLD = re.compile(r"\s*\b(fold|combination) \d+")
JOINED = "joined"  # folder of a study with the scores of joined records


@dataclass(frozen=True)
class Record:
    """The runs of one seed, by fold."""

    folds: Mapping[int, runs.Run]

    @property
    def first(self) -> runs.Run:
        """The run of the oldest fold."""
        return self.folds[min(self.folds)]

    @property
    def task(self) -> Task:
        """What the labels mean."""
        made = self.first.preprocessing
        bayes = self.first.bayes.get("accuracy")
        return Task(
            made["horizon"], made["interval"], made["kind"], tuple(made["classes"]), bayes, self.first.cfg.data.stride
        )

    @cached_property
    def evaluation(self) -> Evaluation:
        """What scores it: the settings of the first run's own score."""
        return build({"evaluate": self.first.evaluated}, "evaluate")

    @cached_property
    def paths(self) -> list[pd.DataFrame]:
        """Test rows of each complete path over all folds."""
        folds = {k: settled_rows(self.evaluation, run.predictions, self.task) for k, run in self.folds.items()}
        return join_folds(folds, self.task.interval)

    def metrics(self, study: Path) -> list[dict[str, Any]]:
        """Flat metrics of each path: of a single run its own, of several those of the joined rows, computed once."""
        if len(self.folds) == 1:
            return [self.first.metrics]
        first, *others = (run for _, run in sorted(self.folds.items()))
        place = study / JOINED / f"{self._key()}.json"
        try:
            return json_of(place, [forms.METRICS])
        except Unreadable:
            found = [self._scored(path) for path in self.paths]
            for metrics in found:
                note_look(first, first.evaluated, metrics, joined=others)
            runs.write_json(place, found)
            return found

    def _scored(self, path: pd.DataFrame) -> dict[str, Any]:
        task = self.task
        found = self.evaluation.score(
            path,
            horizon=task.horizon,
            interval=task.interval,
            kind=task.kind,
            classes=task.classes,
            bayes=task.bayes,
            stride=task.stride,
        )
        return found.metrics

    def _key(self) -> str:
        """A hash of the predictions, of what judges them, and of the version that does."""
        tables = [sha256_of(run.file(runs.PREDICTIONS)) for _, run in sorted(self.folds.items())]
        told = json.dumps([__version__, sorted(self.folds), tables, self.first.evaluated], sort_keys=True, default=str)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def regimes(self) -> list[dict[str, Scored]]:
        """What each path knows in each regime."""
        if self.task.kind != "forecast":
            return []
        folds = {k: run.predictions[run.predictions["model"] == "net"] for k, run in self.folds.items()}
        tested = {k: table[table["split"] == "test"] for k, table in folds.items()}
        parts = [split_parts(path, self.task)["test"]["net"] for path in join_folds(tested, self.task.interval)]
        return [regimes_of(part, self.evaluation.confidence_level) for part in parts]


@dataclass(frozen=True)
class Model:
    """One model of a study on one data set: its row in the leaderboard, the records of its seeds, and what they are made of."""

    row: Mapping[str, Any]
    records: Sequence[Record]
    tried: Tried

    @property
    def name(self) -> str:
        """The model in words."""
        return str(self.row["model"])

    @property
    def data(self) -> str:
        """The data set in words, without its fold."""
        return " ".join(FOLD.sub("", str(self.row.get("data") or "")).split())


def study_models(rows: Sequence[Mapping[str, Any]]) -> list[Model]:
    """Return the models of a study with the records of all their folds and seeds; rows as `leaderboard_rows` gives them.

    What-if scores are left out: a study is judged by the settings its runs were trained to be judged by.
    """
    groups: dict[str, list[tuple[Mapping[str, Any], runs.Run]]] = defaultdict(list)
    for row in rows:
        if row["state"] == "finished" and row["scores"].name == row["run"]:
            run = runs.Run(row["scores"])
            groups[_kind_of(run)].append((row, run))
    return [Model(members[0][0], *_records(run for _, run in members)) for members in groups.values()]


def study_verdicts(study: Path, models: Sequence[Model]) -> list[StudyVerdict]:
    """Return what each model of a study has shown over all its folds and seeds, all of them counted."""
    return all_counted([_verdict(study, model) for model in models])


def _kind_of(run: runs.Run) -> str:
    """What all folds and seeds of one model on one data set share, as text."""
    tree = plain(run.recipe)
    for dotted in (*NOT_IN_SIGNATURE, *OF_ONE_RUN):
        *parents, last = dotted.split(".")
        node = tree
        for parent in parents:
            node = node.get(parent) or {}
        node.pop(last, None)
    return json.dumps([tree, run.evaluated], sort_keys=True, default=str)


def _verdict(study: Path, model: Model) -> StudyVerdict:
    records = model.records
    flat = [metrics for record in records for metrics in record.metrics(study)]
    tried = replace(model.tried, paths=len(flat) // len(records))
    used = [run for record in records for run in record.folds.values()]
    means, found = judge_records(
        flat,
        tried,
        task=records[0].task,
        settings=records[0].evaluation.describe(),
        threshold=_threshold(records[0], flat),
        sees=[None if (seen := instrument_of(run)) is None else seen.sees for run in used],
    )
    regimes = mean_regimes([each for record in records for each in record.regimes()])
    return StudyVerdict(model.name, model.data, tried, means, flat, _with_doubts(found, used), regimes)


def _threshold(record: Record, flat: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a verdict has to know of the threshold: of joined folds only whether there is one."""
    if len(record.folds) == 1:
        return record.first.threshold
    trades = any((metrics.get("test/trades") or 0) > 0 for metrics in flat)
    return {
        "threshold": 0.0 if trades else None,
        "flat": None if trades else "no fold found a threshold that earns anything after fees on its validation rows",
    }


def _records(members: Iterable[runs.Run]) -> tuple[list[Record], Tried]:
    """The seeds that have all folds that any seed has most of, and what is missing."""
    by_seed: dict[Any, dict[int, runs.Run]] = defaultdict(dict)
    asked = 1
    for run in members:
        split = run.recipe.data.get("split") or {}
        asked = comb(split["groups"], split["tests"]) if "combination" in split else split.get("folds", 1)
        by_seed[run.recipe.seed][int(split.get("fold", split.get("combination", 0)))] = run
    most = max(len(folds) for folds in by_seed.values())
    wanted = set(next(folds for folds in by_seed.values() if len(folds) == most))
    whole = {seed: folds for seed, folds in by_seed.items() if wanted <= set(folds)}
    missing = [f"{len(wanted)} of {asked} folds"] if len(wanted) < asked else []
    left = sorted(seed for seed in by_seed if seed not in whole)
    missing += [f"seed {', '.join(map(str, left))} left out: not all folds are there"] if left else []
    records = [Record({k: folds[k] for k in wanted}) for _, folds in sorted(whole.items())]
    return records, Tried(len(wanted), len(records), 1, tuple(missing))


def _with_doubts(found: Verdict, used: Sequence[runs.Run]) -> Verdict:
    """The verdict that also says what the audits of its runs, and their bars, give to think about."""
    told = dict.fromkeys(word for run in used for word in leaks(run.card))
    shaken = dict.fromkeys(word for run in used for word in doubts(run.card))
    return replace(
        found,
        suspicions=(*told, *found.suspicions),
        missing_for_trust=(*shaken, *found.missing_for_trust),
    )
