"""Rows of predictions.parquet: what the net and every baseline say about the same windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from pandas.api.types import union_categoricals
from scipy.stats import norm

from candlelab.core import files
from candlelab.core.batch import Batch
from candlelab.core.tables import return_unused
from candlelab.data.samples import SampleSet

EVALUATED = ("validation", "test")
TEXTS = ("model", "split", "symbol")
STANDSTILL = 1e-12  # a volatility for bars before which no price ever moved


class Answering(Protocol):
    """What gives answers to a batch: a Learner."""

    def eval(self) -> Any:
        """Go into evaluation mode."""
        ...

    def predict(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Return "probabilities" (B, K) and/or "forecast" (B,)."""
        ...


def predict_samples(
    learner: Answering, data: SampleSet, samples: np.ndarray, device: torch.device | None = None
) -> dict[str, np.ndarray]:
    """Return "probabilities" (n, K) and/or "forecast" (n,) in units of target, for sample numbers in their order."""
    said: dict[str, list[Any]] = {}
    learner.eval()
    with torch.inference_mode():
        for first in range(0, len(samples), data.rows_per_batch):
            rows = torch.from_numpy(samples[first : first + data.rows_per_batch])
            batch = data.assemble(rows if device is None else rows.to(device))
            for name, values in learner.predict(batch).items():
                said.setdefault(name, []).append(values.numpy())
    return {name: np.concatenate(parts) for name, parts in said.items()}


def forecast_errors(learner: Answering, data: SampleSet) -> np.ndarray | None:
    """Return target - forecast on validation, in units of target, where both are known; None for a net or a label without forecast."""
    samples = data.samples("validation")
    target = data.prepared.labels.target[data.prepared.ends[samples]]
    if not np.isfinite(target).any():
        return None
    forecast = predict_samples(learner, data, samples).get("forecast")
    if forecast is None:
        return None
    return (target - forecast)[np.isfinite(target - forecast)]


def class_probabilities(
    forecast: np.ndarray, error: float, sigma: np.ndarray, theta: np.ndarray, classes: int
) -> np.ndarray:
    """Return (n, K) probabilities of a forecast with normal error: the mass below, inside and above the class threshold.

    forecast, error  in units of sigma; theta (n,) is the threshold as a simple return.
    """
    above = norm.sf((np.log1p(theta) / sigma - forecast) / error)
    below = norm.cdf((np.log1p(-theta) / sigma - forecast) / error)
    if classes == 2:
        return np.stack([1 - above, above], 1)
    return np.stack([below, np.clip(1 - above - below, 0, 1), above], 1)


def net_rows(
    learner: Answering, data: SampleSet, *, error: float | None, parts: Sequence[str] = EVALUATED
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return {part: (p (n, K), forecast (n,) as log return)} of the net for validation and test, or one of them."""
    return {part: answers_at(learner, data, data.traded(part), error=error) for part in parts}


def answers_at(
    learner: Answering, data: SampleSet, samples: np.ndarray, *, error: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (p (n, K), forecast (n,) as log return or NaN) of the net at some sample numbers."""
    made, ends = data.prepared, data.prepared.ends[samples]
    said = predict_samples(learner, data, samples)
    sigma = np.where(made.labels.sigma[ends] > 0, made.labels.sigma[ends], STANDSTILL)
    if "probabilities" in said:
        p = said["probabilities"]
    else:
        assert error is not None, "a forecast has an error on validation"
        p = class_probabilities(said["forecast"], error, sigma, made.labels.theta[ends], len(data.label.classes))
    return p, said["forecast"] * sigma if "forecast" in said else np.full(len(ends), np.nan)


def prediction_table(
    data: SampleSet,
    answers: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]],
    parts: Sequence[str] = EVALUATED,
) -> pd.DataFrame:
    """Return the predictions of all models: one block of rows per model and part, the same rows in each."""
    rows = {part: data.rows(part) for part in parts}
    blocks = [(part, name) for part in parts for name in answers]
    sizes = [len(rows[part]) for part, _ in blocks]
    made: dict[str, Any] = {"model": _repeated([name for _, name in blocks], sizes)}
    for name in next(iter(rows.values())):
        columns = {part: table[name] for part, table in rows.items()}
        if name in TEXTS:
            made[name] = union_categoricals([pd.Categorical(columns[part]) for part, _ in blocks], sort_categories=True)
        else:
            made[name] = np.concatenate([columns[part].to_numpy() for part, _ in blocks])
    p = [answers[name][part][0] for part, name in blocks]
    made |= {f"p_{k}": np.concatenate([each[:, k] for each in p]) for k in range(p[0].shape[1])}
    made["forecast"] = np.concatenate([answers[name][part][1] for part, name in blocks])
    first = ["model", "symbol", "time", "split", "label", "forward_return"]
    return pd.DataFrame(
        {name: made[name] for name in (*first, *(name for name in made if name not in first))}, copy=False
    )


def _repeated(names: Sequence[str], sizes: Sequence[int]) -> pd.Categorical:
    """Return each name as often as it is said, in one byte each."""
    kinds = sorted(set(names))
    return pd.Categorical.from_codes(np.repeat([kinds.index(name) for name in names], sizes), kinds)


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write the table as Parquet, atomically."""
    kept = frame.astype(dict.fromkeys(TEXTS, "category"))  # a name is written once, its rows are numbers
    with files.atomic(path) as temporary:
        kept.to_parquet(temporary, index=False, compression="zstd")
    return_unused()
