"""Trials of a run in the ledger of its outputs folder: every score on test rows is a look at them, and luck grows with looks."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from candlelab import run as runs
from candlelab.config import plain
from candlelab.config.stored import without_places
from candlelab.core.times import iso, to_ms
from candlelab.core.trial_ledger import SEARCHED, Ledger, LookedAt, append_trial, read_ledger
from candlelab.evaluate.sharpe import minimum_backtest_years

SCORED, UNSEALED = "scored", "unsealed"  # states of lines that looked at test rows
KEPT = ("accuracy", "auroc_direction", "balanced_accuracy", "log_loss", "sharpe_net")  # measures that a line holds


def note_look(
    run: runs.Run,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
    *,
    joined: Sequence[runs.Run] = (),
    state: str = SCORED,
) -> int | None:
    """Append a scoring of a run's test rows to the ledger of its outputs; return the line's number.

    settings  of the evaluation, metrics: as in metrics.json, state: scored, or unsealed
    joined    the runs of further folds that were scored together with this one
    None for a run that came from elsewhere: its looks were somebody else's, and nothing is written beside it.
    """
    if not run.ours:
        return None
    parts = [looked_at(each) for each in (run, *joined)]
    told = {name: metrics.get(f"test/{name}") for name in KEPT}
    entry = {
        "time": iso(int(time.time() * 1000)),
        "study": run.folder.parent.name,
        "run": run.folder.name,
        "state": state,
        **({"folds": len(parts)} if joined else {}),
        "data": run.preprocessing["data_hash"],
        "rows": run.card.get("rows", {}).get("test", {}).get("sha256"),
        "source": parts[0].source,
        "symbols": list(parts[0].symbols),
        "first": min(part.first for part in parts),
        "last": max(part.last for part in parts),
        "settings": settings_hash(settings),
        "metrics": {name: value for name, value in told.items() if value is not None and math.isfinite(value)},
    }
    return append_trial(outputs_of(run), entry)


def line_of(run: runs.Run, settings: Mapping[str, Any]) -> int | None:
    """Return the number of the ledger's newest line of this run under these settings; None where there is none."""
    digest, name = settings_hash(settings), (run.folder.parent.name, run.folder.name)
    mine = [
        entry
        for entry in read_ledger(outputs_of(run)).entries
        if entry.get("settings") == digest
        and "folds" not in entry
        and (entry.get("study"), entry.get("run")) == name
        and entry.get("state") in (SCORED, UNSEALED)
    ]
    return mine[-1].get("line") if mine and run.ours else None


def looks_at(run: runs.Run) -> tuple[int, tuple[str, ...]]:
    """Return how many scorings have looked at some of a run's test rows, and what is wrong with the ledger, in words.

    (0, ()) for a run that came from elsewhere.
    """
    if not run.ours:
        return 0, ()
    ledger = read_ledger(outputs_of(run))
    return ledger.looks(looked_at(run)) + tries_of(ledger, run.folder), ledger.faults


def looks_in_words(run: runs.Run) -> list[str]:
    """Return what a terminal says of the looks at a run's test rows: nothing at the first one."""
    looks, faults = looks_at(run)
    told = []
    if looks > 1:
        luck = "the best of so many looks good by luck"
        if run.preprocessing["kind"] == "forecast":
            luck += f": on less than {years_asked(looks)} of bars, the best of them on nothing would show a Sharpe ratio of 1"
        told.append(f"Looks at these test rows so far: {looks}; {luck}.")
    return [*told, *(f"Suspicion: {fault}." for fault in faults)]


def years_asked(looks: int) -> str:
    """Return in words the record that so many looks ask for before a Sharpe ratio of 1 a year means anything.

    Source: minimum backtest length, Bailey, Borwein, López de Prado & Zhu (2014).
    """
    return f"{minimum_backtest_years(looks):.2g} years"


def tries_of(ledger: Ledger, folder: Path) -> int:
    """Return how many other runs of a run's study were tried without a score: those that failed, and those that a search trained.

    The best of so many was chosen, though by validation alone.
    """
    study, name = folder.parent.name, folder.name
    own = [entry for entry in ledger.entries if entry.get("study") == study]
    failed = [entry.get("run") for entry in own if entry.get("state") == "failed"]
    searched = {entry.get("run") for entry in own if entry.get("state") == SEARCHED}
    scored = {entry.get("run") for entry in own if entry.get("state") in (SCORED, UNSEALED)}
    return len(failed) + len(searched - scored - {*failed, name})


def outputs_of(run: runs.Run) -> Path:
    """Return the outputs folder that holds the study of a run."""
    return run.folder.absolute().parents[1]


def looked_at(run: runs.Run) -> LookedAt:
    """Return the test rows of a run, as a ledger knows them again under other labels, windows and nets."""
    tree, test = plain(run.recipe)["data"], run.card["parts"]["test"]
    first, last = to_ms([test["first"], test["last"]]).tolist()
    return LookedAt(
        settings_hash(without_places({"data": {"source": tree["source"]}})),
        tuple(run.preprocessing["symbols"]),
        first,
        last,
    )


def settings_hash(tree: Mapping[str, Any]) -> str:
    """Return 16 hex digits of a tree of settings."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()[:16]
