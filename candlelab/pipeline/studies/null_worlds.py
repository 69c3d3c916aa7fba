"""A study's own jobs on worlds without an edge: its bars with every direction drawn anew."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from candlelab import run as runs
from candlelab.config import ConfigError, plain
from candlelab.evaluate.luck import Luck, luck_of
from candlelab.evaluate.study_verdict import mean_metrics
from candlelab.pipeline.studies.records import study_models
from candlelab.pipeline.studies.study import readable_rows_of
from candlelab.pipeline.studies.varied import tell_apart

MIRRORED = "candlelab.data.source.mirrored.Mirrored"
CHEAP = {
    "n_bootstrap": 2,
    "n_permutations": 2,
    "positive_control": "off",
}  # of a score: what moves neither AUROC nor Sharpe ratio


def null_folder(study: Path) -> Path:
    """Return where the worlds of a study lie: beside it, each a study of its own, with a ledger of their own."""
    return study.with_name(f"{study.name}-null")


def world_folder(study: Path, world: int) -> Path:
    """Return the folder of one world."""
    return null_folder(study) / f"world-{world:03d}"


def jobs_of(study: Path) -> list[DictConfig]:
    """Return the configs of a study's finished forecast runs, the cheapest models first. Raises ConfigError without any."""
    done = [runs.Run(path) for path in runs.runs_in(study) if runs.state(path) == "finished"]
    done = [run for run in done if run.ours and run.preprocessing["kind"] == "forecast"]
    if not done:
        raise ConfigError(f"there is no finished forecast run in '{study}': name a study with study=NAME")
    return [
        run.recipe for run in sorted(done, key=lambda run: (run.metrics.get("fit/seconds") or 0.0, run.folder.name))
    ]


def mirrored_job(recipe: DictConfig, study: Path, world: int, **source: Any) -> DictConfig:
    """Return a run's config on its own bars mirrored; source: settings of `Mirrored` that differ from a world without an edge."""
    job = copy.deepcopy(recipe)
    with open_dict(job):
        told = {"world": world, "block": 1, "rule": "none", "edge": 0.0, "feature_window": max(2, int(job.data.window))}
        inner = plain(job)["data"]["source"]
        job.data.source = OmegaConf.create({"_target_": MIRRORED, "source": inner} | told | source)
        job.outputs, job.study, job.resume = str(study.parent), study.name, "auto"
        for name, value in CHEAP.items():
            job.evaluate[name] = value
        job.trainer.progress = "none"
    return job


def metrics_in(folder: Path) -> dict[str, dict[str, Any]]:
    """Return {model: mean flat metrics over its folds and seeds} of the finished runs of a study."""
    rows = [row for path in runs.runs_in(folder) for row in readable_rows_of(path)]
    tell_apart(rows)
    found = {}
    for model in study_models(rows):
        flat = [metrics for record in model.records for metrics in record.metrics(folder)]
        if model.records[0].task.kind == "forecast":
            found[f"{model.name}, {model.data}"] = mean_metrics(flat)
    return found


def finished_worlds(study: Path, jobs: Sequence[DictConfig]) -> list[Path]:
    """Return the worlds on which every job of a study is finished."""
    every = sorted(null_folder(study).glob("world-*")) if null_folder(study).is_dir() else []
    return [
        folder for folder in every if sum(runs.state(path) == "finished" for path in runs.runs_in(folder)) >= len(jobs)
    ]


def measured_luck(study: Path, worlds: Sequence[Path]) -> list[Luck]:
    """Return where a study's best lies among the best of its worlds."""
    return luck_of(metrics_in(study), [metrics_in(world) for world in worlds])
