"""The predictions table, cut by split and model; what all models share is kept once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from candlelab.core.errors import UserError
from candlelab.core.interval import check_steps, interval_ms
from candlelab.core.times import to_ms
from candlelab.evaluate.classification import Predicted
from candlelab.evaluate.rows import Rows

SPLITS = {"val": "validation", "test": "test"}
SHARED = ("label", "forward_return", "bar_return", "sigma")
COLUMNS = ("model", "symbol", "time", "split", "segment", *SHARED, "forecast")
SETTLED = (
    "settled_threshold"  # optional column: of rows whose fold chose its own threshold; infinite where it trades nothing
)
Kind = Literal["forecast", "recognition"]


@dataclass(frozen=True)
class Task:
    """What the labels of the table mean."""

    horizon: int
    interval: str
    kind: Kind
    classes: tuple[str, ...]
    bayes: float | None = None
    stride: int = 1


@dataclass(frozen=True)
class Ground:
    """The rows of one split, sorted by symbol, segment, time; all (n,) float64 but label (n,) int64.

    symbols  names by code, as in rows.symbol
    """

    rows: Rows
    symbols: tuple[str, ...]
    label: np.ndarray
    forward_return: np.ndarray
    bar_return: np.ndarray
    sigma: np.ndarray

    @cached_property
    def labelled(self) -> np.ndarray:
        """(n,) True where there is a label."""
        return self.label >= 0

    @cached_property
    def earned(self) -> np.ndarray:
        """(n,) bar_return, 0 where it is unknown; of all models the same."""
        return np.nan_to_num(self.bar_return)

    @cached_property
    def labelled_rows(self) -> Rows:
        """The rows that have a label."""
        return self.rows if self.labelled.all() else self.rows.take(self.labelled)

    def take(self, keep: np.ndarray) -> Ground:
        """The rows where `keep` (n,) is True."""
        return Ground(self.rows.take(keep), self.symbols, *(getattr(self, name)[keep] for name in SHARED))


@dataclass(frozen=True)
class Part:
    """What one model says of one split: p (n, K), forecast (n,) predicted log return or NaN.

    settled  (n,) each row's own threshold, chosen on the validation rows of its fold; None where one is chosen for all rows
    """

    model: str
    ground: Ground
    p: np.ndarray
    forecast: np.ndarray
    settled: np.ndarray | None = None

    @property
    def rows(self) -> Rows:
        """Where the rows stand in time."""
        return self.ground.rows

    @property
    def predicted(self) -> Predicted:
        """The rows that have a label."""
        ground, keep = self.ground, self.ground.labelled
        p, forecast, earned, sigma = (v[keep] for v in (self.p, self.forecast, ground.forward_return, ground.sigma))
        return Predicted(ground.label[keep], p, forecast, earned, sigma, ground.labelled_rows)

    def of_symbol(self, code: int) -> Part:
        """The rows of one symbol."""
        return self.take(self.rows.symbol == code)

    def between(self, start: int, end: int) -> Part:
        """The rows with start <= time < end, ms UTC."""
        return self.take((self.rows.time >= start) & (self.rows.time < end))

    def take(self, keep: np.ndarray) -> Part:
        """The rows where `keep` (n,) is True."""
        settled = None if self.settled is None else self.settled[keep]
        return Part(self.model, self.ground.take(keep), self.p[keep], self.forecast[keep], settled)


def split_parts(predictions: pd.DataFrame, task: Task) -> dict[str, dict[str, Part]]:
    """Parts by split and model, the models in the order of the table.

    Raises UserError if columns are missing, a row occurs twice, probabilities are no numbers, or models
    stand on different rows.
    """
    interval_ms(task.interval)
    missing = [name for name in (*COLUMNS, *probability_columns(task)) if name not in predictions]
    if missing:
        raise UserError(
            f"the predictions lack the columns {', '.join(missing)}; write all that the run folder describes"
        )
    model, models = _numbered(predictions["model"])
    symbol, symbols = _numbered(predictions["symbol"], sort=True)
    place = {"symbol": symbol, "segment": predictions["segment"].to_numpy(), "time": to_ms(predictions["time"])}
    parts: dict[str, dict[str, Part]] = {}
    for split, word in SPLITS.items():
        inside = (predictions["split"] == word).to_numpy()
        parts[split] = {}
        for code, name in enumerate(models):
            rows = np.flatnonzero(inside & (model == code))
            if len(rows):
                rows = rows[np.lexsort([place[key][rows] for key in ("time", "segment", "symbol")])]
                first = next(iter(parts[split].values()), None)
                parts[split][str(name)] = _part(
                    predictions, str(name), rows, place, tuple(map(str, symbols)), task, first
                )
    return parts


def _numbered(names: pd.Series, *, sort: bool = False) -> tuple[np.ndarray, pd.Index]:
    """Return each name's number, in as few bytes as it needs, and the names."""
    codes, known = pd.factorize(names, sort=sort)
    return codes.astype(np.min_scalar_type(-1 - len(known))), pd.Index(known)


def probability_columns(task: Task) -> list[str]:
    """Names of the probability columns."""
    return [f"p_{k}" for k in range(len(task.classes))]


def _part(
    table: pd.DataFrame,
    model: str,
    rows: np.ndarray,
    place: dict[str, np.ndarray],
    symbols: tuple[str, ...],
    task: Task,
    first: Part | None,
) -> Part:
    p = np.stack([table[name].to_numpy(float)[rows] for name in probability_columns(task)], 1)
    if not np.isfinite(p).all() or (p < 0).any():
        raise UserError(f"model {model!r} has probabilities that are negative or not numbers; check its last layer")
    where = {name: values[rows] for name, values in place.items()}
    label = table["label"].to_numpy(np.int64)[rows]
    if first is None:
        columns = (table[name].to_numpy(float)[rows] for name in SHARED[1:])
        found = Rows.of(pd.DataFrame(where), horizon=task.horizon, interval=task.interval)
        check_rows(found, task)
        ground = Ground(found, tuple(symbols[code] for code in np.unique(where["symbol"])), label, *columns)
    else:
        ground = first.ground
        check_same(first, model, label, where, symbols)
    settled = table[SETTLED].to_numpy(float)[rows] if SETTLED in table else None
    return Part(model, ground, p, table["forecast"].to_numpy(float)[_run_of(rows)], settled)


def _run_of(rows: np.ndarray) -> slice | np.ndarray:
    """Return consecutive numbers as a slice: what it cuts out is no copy."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def check_rows(rows: Rows, task: Task) -> None:
    """Raise UserError unless neighbouring rows of most chains stand `stride` bars apart."""
    step = np.diff(rows.time, prepend=rows.time[:1])
    inside = step[~rows.starts]
    check_steps(np.cumsum(inside), task.interval, task.stride)


def check_same(
    first: Part, model: str, label: np.ndarray, where: dict[str, np.ndarray], symbols: tuple[str, ...]
) -> None:
    """Raise ValueError unless the rows of `model` are those of `first`."""
    ground = first.ground
    same = len(label) == len(ground.label)
    if same:
        code = np.array([symbols.index(name) for name in ground.symbols])
        named = where["symbol"] == code[ground.rows.symbol]
        same = bool((named & (where["time"] == ground.rows.time) & (label == ground.label)).all())
    if not same:
        raise UserError(f"models {first.model!r} and {model!r} stand on different rows; write every model on the same")
