"""The predictions table, cut into one part per split and model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from candlelab.evaluate.calendar import interval_ms
from candlelab.evaluate.classification import Predicted
from candlelab.evaluate.rows import Rows

SPLITS = {"val": "validation", "test": "test"}
Kind = Literal["forecast", "recognition"]
COLUMNS = ("model", "symbol", "time", "split", "label", "forward_return", "bar_return", "sigma", "segment", "forecast")


@dataclass(frozen=True)
class Part:
    """One model's rows of one split, sorted by symbol, segment, time."""

    model: str
    frame: pd.DataFrame
    p: np.ndarray
    rows: Rows

    @property
    def predicted(self) -> Predicted:
        """The rows that have a label."""
        keep = self.frame["label"].to_numpy() >= 0
        columns = (self.column(name)[keep] for name in ("forecast", "forward_return", "sigma"))
        return Predicted(self.frame["label"].to_numpy(np.int64)[keep], self.p[keep], *columns, self.rows.take(keep))

    def column(self, name: str) -> np.ndarray:
        """(n,) float64."""
        return self.frame[name].to_numpy(float)


@dataclass(frozen=True)
class Task:
    """What the labels of the table mean."""

    horizon: int
    interval: str
    kind: Kind
    classes: tuple[str, ...]
    bayes: float | None = None


def part_of(model: str, frame: pd.DataFrame, task: Task) -> Part:
    """Rows of one model and split, put in order."""
    frame = frame.sort_values(["symbol", "segment", "time"], kind="stable")
    p = frame[[f"p_{k}" for k in range(len(task.classes))]].to_numpy(float)
    if not np.isfinite(p).all() or (p < 0).any():
        raise ValueError(f"model {model!r} has probabilities that are negative or not numbers; check its last layer")
    return Part(model, frame, p, Rows.of(frame, horizon=task.horizon, interval=task.interval))


def split_parts(predictions: pd.DataFrame, task: Task) -> dict[str, dict[str, Part]]:
    """Parts by split and model; checks that all models stand on the same rows."""
    interval_ms(task.interval)
    wanted = [*COLUMNS, *(f"p_{k}" for k in range(len(task.classes)))]
    missing = [name for name in wanted if name not in predictions]
    if missing:
        raise ValueError(f"the predictions lack the columns {', '.join(missing)}; write all that the run folder describes")
    parts: dict[str, dict[str, Part]] = {split: {} for split in SPLITS}
    for split, word in SPLITS.items():
        own = predictions[predictions["split"].astype(str) == word]
        for model, frame in own.groupby("model", sort=False, observed=True):
            parts[split][str(model)] = part_of(str(model), frame, task)
        check_same_rows(parts[split])
    return parts


def check_same_rows(parts: dict[str, Part]) -> None:
    """Raise ValueError unless all models have the same symbols, times and labels."""
    first = next(iter(parts.values()), None)
    for part in parts.values():
        same = len(part.rows) == len(first.rows)
        if not same or any((part.frame[c].to_numpy() != first.frame[c].to_numpy()).any() for c in ("symbol", "time", "label")):
            raise ValueError(f"models {first.model!r} and {part.model!r} stand on different rows; write every model on the same")
