"""A sweep of conf/sweep as a W&B sweep file, so that `wandb agent` can share its runs among machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError, hint
from candlelab.config.command_line import with_hydra
from candlelab.config.search_path import roots
from candlelab.config.search_space import is_search


def wandb_sweep(cfg: DictConfig, *, sweep: str, project: str, path: str | None) -> Path:
    """Write the sweep file and return its path; every agent then runs one candlelab command per combination.

    sweep  an option of the group sweep.
    path   where to write; None: outputs/<sweep>.wandb.yaml.
    """
    known = _sweeps()
    if sweep not in known:
        raise ConfigError(f"task.sweep is '{sweep}': there is no such sweep{hint(sweep, known)}")
    written = Path(path) if path else Path(cfg.outputs) / f"{sweep}.wandb.yaml"
    written.parent.mkdir(parents=True, exist_ok=True)
    runs.write_text(written, yaml.safe_dump(sweep_file(sweep, project), sort_keys=False))
    print(
        f"sweep file {written}\nstart it with: wandb sweep {written}\nand on each machine: wandb agent <the id it prints>",
        flush=True,
    )
    return written


def _sweeps() -> dict[str, Path]:
    return {path.stem: path for root in roots().values() for path in sorted((root / "sweep").glob("[!_]*.yaml"))}


def sweep_file(sweep: str, project: str) -> dict[str, Any]:
    """Return the content of the file: a grid over the sweep's own parameters, each combination one command."""
    full = with_hydra([f"sweep={sweep}"])
    if is_search(full):
        raise ConfigError(
            f"sweep={sweep} searches with Optuna, whose trials follow from each other: run it as a command"
        )
    parameters = full.hydra.sweeper.params or {}
    if not parameters:
        raise ConfigError(f"sweep={sweep} sweeps over nothing: choose one with hydra.sweeper.params")
    grid = {key: {"values": [value.strip() for value in str(values).split(",")]} for key, values in parameters.items()}
    words = [
        "${env}",
        "python",
        "-m",
        "candlelab",
        f"sweep={sweep}",
        "hydra.mode=RUN",
        "trainer/logger=wandb",
        "${args_no_hyphens}",
    ]
    return {
        "name": sweep,
        "project": project,
        "method": "grid",
        "metric": {"name": "val/balanced_accuracy", "goal": "maximize"},
        "parameters": grid,
        "command": words,
    }
