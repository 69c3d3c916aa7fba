"""Measure candlelab against plain ways of doing the same, as ratios in one run."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from candlelab import run as runs
from candlelab.config import ConfigError, hint
from candlelab.core import files
from candlelab.task.bench._goals import as_markdown


def bench(cfg: DictConfig) -> dict[str, Any]:
    """Run bench=NAME, or all; print each table and write outputs/bench/<name>.json, and <name>.md where there are goals."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    names = known if cfg.bench == "all" else [cfg.bench]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"bench={unknown[0]}: there is no such benchmark{hint(unknown[0], [*known, 'all'])}")
    return {name: _one(name, Path(cfg.outputs) / "bench") for name in names}


def _one(name: str, folder: Path) -> dict[str, Any]:
    measured = getattr(importlib.import_module(f"{__name__}.{name}"), f"bench_{name}")()
    Console().print(_goals_of(name, measured["rows"]) if "rows" in measured else _figures_of(name, measured))
    folder.mkdir(parents=True, exist_ok=True)
    runs.write_json(folder / f"{name}.json", measured | {"environment": runs.environment()})
    if "rows" in measured:
        files.write_text(folder / f"{name}.md", as_markdown(measured["rows"]))
    return measured


def _goals_of(name: str, rows: list[dict[str, Any]]) -> Table:
    table = Table("work", "against", "goal", "figure", "holds", title=f"bench={name}", title_justify="left")
    for row in rows:
        table.add_row(row["work"], row["against"], row["goal"], f"{row['figure']:,.3g} {row['unit']}", row["holds"])
    return table


def _figures_of(name: str, measured: dict[str, Any]) -> Table:
    table = Table("figure", "value", title=f"bench={name}", title_justify="left")
    for key, value in _flat(measured):
        table.add_row(key, f"{value:,.4g}" if isinstance(value, float) else str(value))
    return table


def _flat(tree, prefix: str = ""):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from _flat(value, f"{prefix}{key} ")
        else:
            yield f"{prefix}{key}", value
