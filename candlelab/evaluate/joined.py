"""Walk-forward folds joined into one out-of-sample track record, and combinations into complete paths.

Dimensions: n rows of one model, symbol and path in time order.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from candlelab.core.interval import next_open
from candlelab.core.times import to_ms
from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.table import SETTLED, Task

WITHIN = ["model", "symbol"]


def settled_rows(evaluation: Evaluation, predictions: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The test rows of one fold, each with the threshold that its model chose on the fold's own validation rows."""
    rows = predictions[predictions["split"] == "test"]
    if task.kind != "forecast":
        return rows
    chosen = {
        name: np.inf if value is None else value for name, value in evaluation.thresholds(predictions, task).items()
    }
    return rows.assign(**{SETTLED: rows["model"].astype(str).map(chosen).astype(float)})


def join_folds(folds: Mapping[int, pd.DataFrame], interval: str) -> list[pd.DataFrame]:
    """One table per complete out-of-sample path over the rows of all folds; a walk-forward has one.

    folds  number of the fold or combination: its test rows, as `settled_rows` returns them
    A row that several folds tested is taken from the first of them for the first path, from the second for the second, and so
    on (López de Prado 2018, chapter 12). Paths that lack rows are left out, unless there is only one.
    """
    whole = pd.concat([table.assign(fold=number) for number, table in sorted(folds.items())], ignore_index=True)
    whole = whole.assign(
        time=to_ms(whole["time"]), symbol=whole["symbol"].astype(str), model=whole["model"].astype(str)
    )
    whole = whole.sort_values([*WITHIN, "time", "fold"], kind="stable", ignore_index=True)
    path = whole.groupby([*WITHIN, "time"], sort=False).cumcount().to_numpy()
    complete = np.bincount(path) == (path == 0).sum()
    return [_chained(whole[path == k].reset_index(drop=True), interval) for k in np.flatnonzero(complete)]


def _chained(path: pd.DataFrame, interval: str) -> pd.DataFrame:
    """A path with segments of its own: folds that follow each other bar by bar are one, as the time between them is."""
    same = (path[WITHIN].shift() == path[WITHIN]).all(axis=1).to_numpy()
    time, fold, segment = (path[name].to_numpy() for name in ("time", "fold", "segment"))
    follows = np.append(False, next_open(time[:-1], interval) == time[1:])[: len(path)]
    of_one_fold, goes_on = np.diff(fold, prepend=-1) == 0, np.diff(segment, prepend=-1) == 0
    begins = ~(same & np.where(of_one_fold, goes_on, follows))
    return path.assign(segment=_per_model(np.cumsum(begins), path["model"]))


def _per_model(segment: np.ndarray, model: pd.Series) -> np.ndarray:
    """Segments counted from 0 in each model, so that all models stand on the same rows."""
    first = pd.Series(segment).groupby(model.to_numpy(), sort=False).transform("min").to_numpy()
    return segment - first
