"""Threshold audit: is the confidence to trade at chosen without the test rows?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from candlelab.audit.record import AuditFinding
from candlelab.config import build
from candlelab.data.samples import SampleSet

TRUTH = ("label", "forward_return", "bar_return")
NO_DRAWS = {"n_bootstrap": 2, "n_permutations": 2}  # intervals are not asked for


def threshold_of_test(
    settings: dict[str, Any], predictions: pd.DataFrame, known: dict[str, Any]
) -> Iterator[AuditFinding]:
    """Yield a finding if the threshold changes when the truth of the test rows is told in another order.

    settings     of evaluate; known: what `Evaluate.score` must be told of the table.
    """
    rule = build({"evaluate": settings | NO_DRAWS}, "evaluate")
    table = predictions[predictions["model"].astype(str) == "net"].reset_index(drop=True)
    test = np.flatnonzero(table["split"].astype(str) == "test")
    other = table.copy()
    for name in TRUTH:
        other.loc[test, name] = table.loc[test[::-1], name].to_numpy()
    before, now = (rule.score(each, **known).threshold.get("threshold") for each in (table, other))
    if before != now:
        yield AuditFinding(
            "threshold chosen on test",
            "leak",
            "evaluate.threshold, test",
            f"the threshold was {_told(before)} and became {_told(now)} when the outcomes of the test rows were told in reverse order",
            "choose the threshold on validation rows only",
        )


def _told(threshold: float | None) -> str:
    return "none" if threshold is None else f"{threshold:.4g}"


def guesses(data: SampleSet, *, seed: int) -> pd.DataFrame:
    """Return a table of predictions like a run's, of a net that knows a little: to try the choice of a threshold on."""
    rng = np.random.default_rng(seed)
    rows = pd.concat([data.rows(part) for part in ("validation", "test")], ignore_index=True)
    classes = len(data.label.classes)
    p = rng.dirichlet(np.ones(classes), len(rows))
    known = rows["label"].to_numpy()
    p[np.arange(len(rows)), np.maximum(known, 0)] += 0.3 * (known >= 0)
    p /= p.sum(1, keepdims=True)
    return rows.assign(model="net", forecast=np.nan, **{f"p_{k}": p[:, k] for k in range(classes)})


def threshold_of_guesses(settings: dict[str, Any], data: SampleSet, *, seed: int) -> Iterator[AuditFinding]:
    """Yield a finding if evaluate settings choose a threshold on test rows, tried on made-up answers; nothing for recognition."""
    if data.label.kind == "forecast":
        known = {
            "horizon": data.label.horizon,
            "interval": data.interval,
            "kind": data.label.kind,
            "classes": tuple(data.label.classes),
            "stride": data.stride,
        }
        yield from threshold_of_test(settings, guesses(data, seed=seed), known)
