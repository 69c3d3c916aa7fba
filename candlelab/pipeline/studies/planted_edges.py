"""Edges of graded size planted into one's own bars, and what a model's recipe finds of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import build, run_folder
from candlelab.core.bayes import expected_auroc
from candlelab.core.errors import UserError
from candlelab.data.samples import SampleSet
from candlelab.data.split.parts import PARTS
from candlelab.evaluate.classification import Predicted, direction_scores
from candlelab.evaluate.rows import Rows
from candlelab.pipeline.studies.null_worlds import mirrored_job

SUREST = 0.45  # edge at most: a rule that is nearly always right is no market


@dataclass(frozen=True)
class Theory:
    """What one rule is worth on a data set's test rows: AUROC above one half per unit of edge, and the smallest the rows could show."""

    slope: float
    smallest: float

    def edge(self, size: float) -> float:
        """The edge that gives a size, at most SUREST."""
        return min(size / self.slope, SUREST)


def edges_folder(study: Path) -> Path:
    """Return where the worlds with planted edges lie."""
    return study.with_name(f"{study.name}-sensitivity")


def edge_job(recipe: DictConfig, study: Path, rule: str, edge: float, world: int) -> DictConfig:
    """Return a run's config on its own bars with an edge planted."""
    folder = edges_folder(study) / f"{rule}-{edge:.4f}"
    return mirrored_job(recipe, folder, world, rule=rule, edge=round(edge, 4))


def theory_of(recipe: DictConfig, study: Path, rule: str) -> Theory:
    """Return what a rule could show on the test rows of a recipe's data, from a world in which it is planted weakly.

    Raises UserError where the rule never leans on them, or the label has no direction.
    """
    job = edge_job(recipe, study, rule, 0.1, 0)
    data = build(job, "data", build(job, "render") if job.get("render") else None)
    made, samples = data.prepared, data.samples("test")
    ends = made.ends[samples]
    lean = (data.source.bayes(made.candles)[ends] - 0.5) / 0.1
    if data.label.kind != "forecast" or not np.nanstd(lean) > 0:
        raise UserError(f"the rule {rule} leans nowhere on these test rows: choose others with task.rules=[…]")
    known = np.isfinite(lean)
    scores = direction_scores(_of_lean(data, samples[known], lean[known]), 0.95)
    span = max(data.label.horizon, 1)  # of a label over several bars the first one alone knows the rule
    slope = (expected_auroc(lean[known], 0.5 + 0.1 * lean[known]) - 0.5) / 0.1 / np.sqrt(span)
    return Theory(float(slope), float(scores["smallest_auroc"] - 0.5))


def _of_lean(data: SampleSet, samples: np.ndarray, lean: np.ndarray) -> Predicted:
    """The answers of somebody who knows the rule."""
    made, classes = data.prepared, len(data.label.classes)
    ends, last = made.ends[samples], classes - 1
    p = np.full((len(ends), classes), 1 / classes)
    p[:, 0], p[:, last] = p[:, 0] - 0.1 * lean / classes, p[:, last] + 0.1 * lean / classes
    tape, none = made.candles, np.full(len(ends), np.nan)
    rows = Rows(
        tape.time[ends],
        tape.segment[ends].astype(int),
        tape.symbol[ends].astype(int),
        data.label.horizon,
        data.interval,
    )
    assert PARTS["test"] == made.part[samples[0]], "theory is of test rows"
    return Predicted(made.labels.label[ends], p, none, made.labels.forward_return[ends], none, rows)


def finds(job: DictConfig) -> bool:
    """Whether the verdict of a finished run says that there is information."""
    return bool(runs.Run(run_folder(job)).verdict["information"]["answer"] == "yes")
