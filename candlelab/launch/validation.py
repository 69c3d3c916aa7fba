"""What a search may know of a trial: how its training ended, and the validation columns of its table of epochs. Nothing else is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from candlelab import run as runs
from candlelab.core.epochs import pruned_at, running_means
from candlelab.core.tables import epochs_of
from candlelab.launch.one_job import DONE

SEEN = "val/"  # how every column begins that a search may look at
LOSS = "val/loss"


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: "complete", "pruned" or "failed"; its value, and the running mean of its validation loss per epoch."""

    state: str
    value: float | None
    losses: tuple[float, ...]
    epochs: int


def outcome_of(folder: Path, objective: str, stop_above: Sequence[float | None]) -> Outcome | None:
    """Return how the run in a folder ended; None where it has not: it is new, or was interrupted.

    objective  the value is the running mean of this column at the epoch whose weights are kept
    """
    state, rows = runs.state(folder), validation_rows(folder)
    raw = [row[LOSS] for row in rows if LOSS in row]
    losses = tuple(running_means(raw))
    if state in DONE and losses:
        kept = losses.index(min(losses))
        scores = running_means([row[objective] for row in rows if objective in row])
        value = scores[kept] if kept < len(scores) else None
        return Outcome("complete" if value is not None else "failed", value, losses, len(losses))
    if state == "failed" or state in DONE:
        return Outcome("failed", None, losses, len(losses))
    return Outcome("pruned", None, losses, len(losses)) if pruned_at(raw, stop_above) is not None else None


def validation_rows(folder: Path) -> list[dict[str, float]]:
    """Return the validation columns of a run's table of epochs; [] before its first epoch is over."""
    path = folder / runs.EPOCHS
    rows = epochs_of(path) if path.exists() else []
    return [{name: value for name, value in row.items() if name.startswith(SEEN)} for row in rows]


def median_bounds(complete: Sequence[Mapping[int, float]], *, startup: int, warmup: int | None) -> list[float | None]:
    """Return above which running mean of its validation loss a new trial is pruned, per epoch: the median of the complete ones there.

    complete  epoch -> running mean, of each trial that was trained to its end; [] as long as they are fewer than `startup`.
    Source: median stopping rule, Golovin et al., Google Vizier (2017).
    """
    if warmup is None or len(complete) < startup:
        return []
    last = max(max(each, default=-1) for each in complete)
    known = [[each[epoch] for each in complete if epoch in each] for epoch in range(last + 1)]
    return [None if epoch < warmup else float(median(values)) for epoch, values in enumerate(known)]
