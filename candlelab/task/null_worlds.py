"""How lucky? Repeat a study on worlds without an edge, and say where its best lies among the best of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError, run_folder
from candlelab.pipeline.studies.kept import write_luck
from candlelab.pipeline.studies.null_worlds import (
    finished_worlds,
    jobs_of,
    measured_luck,
    mirrored_job,
    world_folder,
)


def null_worlds(cfg: DictConfig, *, worlds: int) -> list[dict[str, Any]]:
    """Train every finished run of a study (study=NAME) again on so many worlds; the same command goes on where it was stopped.

    The bars of a world are the study's own, each mirrored or not: sizes, gaps, volume, volatility and how symbols move together
    stay, directions are fair coins. Cheap models come first. Returns one mapping per measure: best, p-value, worlds.
    """
    if not 1 <= worlds <= 999:
        raise ConfigError(f"task.worlds is {worlds}; give 1 to 999 (19 are the fewest that can show p = 0.05)")
    study = Path(cfg.outputs) / cfg.study
    jobs = jobs_of(study)
    made = [mirrored_job(job, world_folder(study, world), world) for job in jobs for world in range(worlds)]
    _train_all(made, resume=cfg.resume)
    whole = finished_worlds(study, jobs)
    if not whole:
        raise ConfigError(
            f"no world of '{study}' has all its {len(jobs)} runs: see failed.txt in '{world_folder(study, 0)}'"
        )
    found = measured_luck(study, whole)
    write_luck(study, found)
    for each in found:
        print(each.sentence(), flush=True)
    _report(cfg)
    return [
        {"measure": each.measure, "model": each.model, "p_value": each.p_value, "worlds": len(whole)} for each in found
    ]


def _train_all(jobs: list[DictConfig], *, resume: str) -> None:
    """Train what is not finished; the first run that fails ends the task, and the same command goes on there."""
    from candlelab.task.train import train

    left = [job for job in jobs if runs.state(run_folder(job)) != "finished"]
    print(f"{len(jobs)} runs on worlds without an edge, {len(jobs) - len(left)} of them finished before", flush=True)
    for number, job in enumerate(left, 1):
        print(f"\nworld run {number} of {len(left)}", flush=True)
        job.resume = resume
        train(job)


def _report(cfg: DictConfig) -> None:
    from candlelab.task.report import report_study

    report_study(cfg)
