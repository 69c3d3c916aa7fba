"""Train a net on worlds with one planted rule each, and say how far it gets beside simple models: does it see what is drawn?"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, open_dict
from rich.console import Console
from rich.table import Table

from candlelab import run as runs
from candlelab.config import ConfigError, run_folder
from candlelab.core.bayes import expected_auroc, share_of_the_way
from candlelab.data.source.planted import WORLDS

WEAK, WEAK_AUROC = "mixture", 0.55  # as strong as real markets are at best
BARS = 3  # newest ones whose pixels the trees read
COLUMNS = ("net", "logistic", "trees", "trees on pixels")
STUDY = "gym"


def gym(cfg: DictConfig, *, worlds: list[str], seeds: list[int]) -> list[dict[str, Any]]:
    """Return one row per world and seed; every run lies in outputs/gym, and the same command goes on where it was stopped.

    Raises ConfigError for unknown worlds, without seeds, or with data that have no planted rule.
    """
    unknown = [world for world in worlds if world not in WORLDS]
    if unknown or not worlds or not seeds:
        raise ConfigError(
            f"task.worlds is {list(worlds)} and task.seeds {list(seeds)}: give worlds out of {', '.join(WORLDS)} and at least one seed"
        )
    if "world" not in cfg.data.source:
        raise ConfigError("task=gym trains on planted markets: add data=planted")
    rows = [_trained(job_of(cfg, world, seed), world, seed) for world in worlds for seed in seeds]
    _show(cfg.name, rows)
    folder = Path(cfg.outputs) / STUDY
    runs.write_json(folder / f"{cfg.name}.json", rows)
    return rows


def job_of(cfg: DictConfig, world: str, seed: int) -> DictConfig:
    """Return the config of an ordinary training run on one world; its market and its weights have the seed."""
    job = copy.deepcopy(cfg)
    with open_dict(job):
        job.study, job.name, job.seed = STUDY, f"{world}-{seed}-{cfg.name}", seed
        job.data.seed, job.data.source.seed, job.data.source.world = seed, seed, world
        job.data.source.auroc = WEAK_AUROC if world == WEAK else cfg.data.source.auroc
        job.evaluate.positive_control = "off"  # the gym is the control
    return job


def _trained(job: DictConfig, world: str, seed: int) -> dict[str, Any]:
    from candlelab.task.train import train

    train(job)
    return measured(job, world, seed)


def measured(job: DictConfig, world: str, seed: int) -> dict[str, Any]:
    """Return how far the net of a finished run and the models beside it got, against the true probabilities of the test rows."""
    run, data = runs.load_run(run_folder(job)), gym_data(job)
    samples = data.samples("test")
    p = data.source.bayes(data.prepared.candles)[data.prepared.ends[samples]]
    scores = {"net": _score(run, "net"), "logistic": _score(run, "logistic"), "trees": _score(run, "gradient_boosting")}
    if "image" in data.reads:
        scores["trees on pixels"] = pixel_trees(data)
    row = {name: _number(share_of_the_way(score, p)) for name, score in scores.items()}
    net = scores["net"]
    return {
        "world": world,
        "seed": seed,
        "best_auroc": _number(expected_auroc(p, p)),
        **row,
        "found": run.verdict["information"]["answer"] == "yes",
        "live": _live(run, data),
        "distinct": len(np.unique(net.round(6))) / len(net),
    }


def gym_data(job: DictConfig):
    """Return the data of a job as its net reads them, from what this process prepared where it did."""
    from candlelab.pipeline.inputs.assemble import assemble

    parts = assemble(job)
    return parts.data


def pixel_trees(data) -> np.ndarray:
    """Return the log odds (n,) of gradient-boosted trees on the pixels of the newest bars of the same charts, on the test rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    columns = -(-BARS * data.renderer.shape[2] // data.window)
    train, test = (_pixels(data, data.samples(part), columns) for part in ("train", "test"))
    label = data.prepared.labels.label[data.prepared.ends[data.samples("train")]]
    odds = HistGradientBoostingClassifier(max_iter=60, early_stopping=False).fit(train, label).decision_function(test)
    return odds if odds.ndim == 1 else odds[:, -1] - odds[:, 0]


def _pixels(data, samples: np.ndarray, columns: int) -> np.ndarray:
    ends = data.prepared.ends[samples]
    parts = [
        data.charts(ends[k : k + 1024])[..., -columns:].reshape(len(ends[k : k + 1024]), -1).copy()
        for k in range(0, len(ends), 1024)
    ]
    return np.concatenate(parts)


def _score(run: runs.Run, model: str) -> np.ndarray:
    """What a model says for up against down, the last class against the first, on the test rows; (n,)."""
    table = run.predictions
    p = table[(table.model == model) & (table.split == "test")].filter(regex=r"^p_\d+$").to_numpy()
    return p[:, -1] - p[:, 0]


def _live(run: runs.Run, data) -> float | None:
    """The share of live units in the layer that has the fewest; None for a net without hidden units."""
    import torch

    from candlelab.pipeline.training.instrument import LOOKED_AT, live_units

    samples = data.samples("validation")[:LOOKED_AT]
    shares = live_units(run.model.eval(), data.assemble(torch.from_numpy(samples)))
    return min(shares.values()) if shares else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _show(name: str, rows: list[dict[str, Any]]) -> None:
    table = Table(
        "world",
        "seed",
        "best AUROC",
        *COLUMNS,
        "found?",
        "live units",
        "distinct answers",
        title=f"Share of the way to the best possible: {name}",
    )
    for row in rows:
        shares = ("–" if row.get(column) is None else f"{row[column]:.2f}" for column in COLUMNS)
        live = "–" if row["live"] is None else f"{100 * row['live']:.0f} %"
        table.add_row(
            row["world"],
            str(row["seed"]),
            f"{row['best_auroc']:.3f}",
            *shares,
            "yes" if row["found"] else "no",
            live,
            f"{100 * row['distinct']:.0f} %",
        )
    Console(width=140).print(table)
