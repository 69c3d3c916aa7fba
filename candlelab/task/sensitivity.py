"""What could have been found? Plant edges of graded size into one's own bars and train the same model on each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError, run_folder
from candlelab.data.source.mirrored import RULES
from candlelab.evaluate.sensitivity import Sensitivity
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.studies.kept import write_sensitivity
from candlelab.pipeline.studies.planted_edges import edge_job, finds, theory_of


def sensitivity(
    cfg: DictConfig, *, run: str | None, rules: list[str], times: list[float], worlds: int
) -> list[dict[str, Any]]:
    """Return one mapping per rule: sizes planted, how often they were found, limit of detection, and what the rows could show.

    run    a finished run whose recipe is tried; None: the recipe of this command.
    times  sizes, in units of the smallest that the test rows show to somebody who knows the rule.
    Every world is an ordinary run under outputs/<study>-sensitivity; the same command goes on where it was stopped.
    """
    _check(rules, times, worlds)
    made = None if run is None else load_or_download(run)
    recipe = cfg if made is None else made.recipe
    study = Path(cfg.outputs) / cfg.study if made is None else made.folder.parent
    found = [_tried(recipe, study, rule, sorted(times), worlds, resume=cfg.resume) for rule in rules]
    write_sensitivity(study, found)
    for each in found:
        print(each.sentence(), flush=True)
    return [vars(each) | {"limit": each.limit} for each in found]


def _check(rules: list[str], times: list[float], worlds: int) -> None:
    unknown = [rule for rule in rules if rule not in RULES or rule == "none"]
    if unknown or not rules:
        known = ", ".join(rule for rule in RULES if rule != "none")
        raise ConfigError(f"task.rules is {list(rules)}; give some of {known}")
    if not times or not all(0 < each <= 20 for each in times):
        raise ConfigError(f"task.times is {list(times)}; give sizes above 0 and up to 20 times the smallest")
    if not 1 <= worlds <= 999:
        raise ConfigError(f"task.worlds is {worlds}; give 1 to 999 for each size")


def _tried(recipe: DictConfig, study: Path, rule: str, times: list[float], worlds: int, *, resume: str) -> Sensitivity:
    """Train on every size and world of one rule."""
    from candlelab.task.train import train

    theory = theory_of(recipe, study, rule)
    edges = [theory.edge(each * theory.smallest) for each in times]
    edges = list(dict.fromkeys(round(edge, 4) for edge in edges))  # those above the surest are one
    print(f"{rule}: the rows could show {100 * theory.smallest:.1f} points of AUROC; planted edges {edges}", flush=True)
    counts = []
    for edge in edges:
        jobs = [edge_job(recipe, study, rule, edge, world) for world in range(worlds)]
        for job in jobs:
            job.resume = resume
            if runs.state(run_folder(job)) != "finished":
                train(job)
        counts.append(sum(finds(job) for job in jobs))
    sizes = tuple(theory.slope * edge for edge in edges)
    return Sensitivity(recipe.name, rule, sizes, tuple(counts), (worlds,) * len(edges), theory.smallest)
