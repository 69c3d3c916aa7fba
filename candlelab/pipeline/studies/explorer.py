"""Gather what the explorer of a study shows: its finished runs, and the bars that they stand on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from candlelab import run as runs
from candlelab.config import ConfigError, plain
from candlelab.core.errors import UserError
from candlelab.core.interval import interval_ms, to_time
from candlelab.pipeline.scores.explorer import has_explorer
from candlelab.pipeline.studies.study import readable_rows_of
from candlelab.pipeline.studies.varied import NAMED, setting_words, tell_apart
from candlelab.report.explorer.study_page import ExploredRun, PricedBars, write_study_explorer

OF_THE_BARS = (
    "source",
    "symbols",
    "interval",
    "start",
    "end",
    "resample",
    "thin",
    "seed",
)  # of data: what decides which bars there are
ANSWERS = ("information", "beyond_baseline", "money")


def explore_study(folder: Path, chosen: Sequence[Path]) -> Path:
    """Write explore.html of a study from some of its runs; return its path.

    Raises UserError if none of them has finished. Runs whose bars cannot be had again are shown without a price.
    """
    rows = [_row_of(path) for path in dict.fromkeys(chosen)]
    tell_apart(rows)
    damaged = [
        f"{row['run']} is damaged and left out: {row['reason']}." for row in rows if row["state"] == "unreadable"
    ]
    finished = [(runs.Run(row["scores"]), row) for row in rows if row["state"] == "finished"]
    if not finished:
        raise ConfigError(f"no run of '{folder}' has finished, so there is nothing to explore")
    markets, place, troubles = _markets([run for run, _ in finished if has_explorer(run)])
    told = [_study_run(run, row, place.get(run.folder)) for run, row in finished]
    others = len(rows) - len(finished) - len(damaged)
    words = [f"{others} of {len(rows)} runs have not finished and are left out."] if others else []
    words += damaged
    return write_study_explorer(
        folder / runs.EXPLORER, title=folder.name, runs=told, markets=markets, left_out=" ".join([*words, *troubles])
    )


def _row_of(folder: Path) -> dict[str, Any]:
    """The row of a run; with its reason where it, or what the page shows of it, is damaged."""
    row = readable_rows_of(folder)[0]
    if row["state"] == "finished":
        run = runs.Run(folder)
        try:
            _ = run.card, run.curves, run.verdict, run.trades
        except UserError as error:
            return row | {"state": "unreadable", "reason": str(error)}
    return row


def _study_run(run: runs.Run, row: dict[str, Any], market: int | None) -> ExploredRun:
    made, curves = run.preprocessing, run.curves
    forecast = made["kind"] == "forecast"
    bar = interval_ms(made["interval"])
    answers = [f"{name.replace('_', ' ')} {run.verdict[name]['answer']}" for name in ANSWERS if run.verdict.get(name)]
    return ExploredRun(
        name=run.folder.name,
        model=str(row["model"]),
        data=str(row.get("data") or ""),
        settings=_named(plain(run.recipe)) | row["settings"],
        metrics=run.metrics,
        verdict=", ".join(answers),
        kind=made["kind"],
        equity=curves.get("equity", {}) if forecast else {},
        trades=run.trades if forecast else None,
        market=market,
        bar=bar,
        delay=bar * int(run.recipe.data.stride),
        page=(run.folder / runs.EXPLORER).exists(),
    )


def _named(tree: dict[str, Any]) -> dict[str, str]:
    """The settings that the names of runs and data sets say already, as words: people filter by them, too."""
    node, found = OmegaConf.create(tree), {}
    for name in ("seed", *NAMED):
        value = OmegaConf.select(node, name)
        if value is not None and not OmegaConf.is_dict(value):
            found[name] = setting_words(name, OmegaConf.to_object(value) if OmegaConf.is_config(value) else value)
    return found


def _markets(found: Sequence[runs.Run]) -> tuple[list[PricedBars], dict[Path, int], list[str]]:
    """The bars of all runs, once each; which of them each run stands on; and why some cannot be had."""
    groups: dict[str, list[runs.Run]] = {}
    for run in found:
        data = plain(run.recipe)["data"]
        groups.setdefault(json.dumps({name: data.get(name) for name in OF_THE_BARS}, sort_keys=True), []).append(run)
    markets: list[PricedBars] = []
    place: dict[Path, int] = {}
    troubles: list[str] = []
    for group in sorted(groups.values(), key=len, reverse=True):
        try:
            tape = group[0].data.tape
        except UserError as error:
            troubles.append(f"The bars of {group[0].folder.name} could not be had: {error}.")
            continue
        spans = [run.card["parts"]["test"] for run in group]
        first, last = (
            choose(to_time(str(span[end])) or 0 for span in spans) for choose, end in ((min, "first"), (max, "last"))
        )
        step = max(interval_ms(run.preprocessing["interval"]) for run in group)
        place |= dict.fromkeys((run.folder for run in group), len(markets))
        markets.append(PricedBars(tape, first, last + 2 * step))
    return markets, place, troubles
