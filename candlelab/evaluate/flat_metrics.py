"""Flat dictionary of metrics.json: the net on validation and test, every baseline, and the differences between them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from candlelab.evaluate import compare
from candlelab.evaluate.classification import Scored
from candlelab.evaluate.table import SPLITS, Task

Named = dict[str, Any]


def flatten(
    found: Named,
    net: str,
    task: Task,
    passive: dict[str, Scored],
    differences: dict[str, dict[str, compare.Difference]],
) -> dict[str, float | int | None]:
    """The flat dictionary of metrics.json."""
    flat: Named = {}
    for split in SPLITS:
        flat |= {f"{split}/{name}": value for name, value in found[split].get(net, {"n": 0, "n_eff": 0.0}).items()}
    for model, scored in (found["test"] | passive).items():
        if model != net:
            flat |= {f"baseline/{model}/{name}": value for name, value in scored.items() if "/" not in name}
    for model, measures in differences.items():
        for name, gap in measures.items():
            ends = {"": gap.value, "_low": gap.low, "_high": gap.high, "_p": gap.p_value}
            flat |= {f"versus/{model}/{name}{end}": value for end, value in ends.items()}
    if task.bayes is not None:
        flat["bayes/accuracy"] = task.bayes
        flat["bayes/reached"] = reached(found["test"][net], task.classes, task.bayes)
    return {name: known(value) for name, value in flat.items()}


def reached(scored: Scored, classes: tuple[str, ...], best: float) -> float:
    """Share of the way from chance (½, or the commonest class where K > 2) to the best achievable accuracy."""
    shares = [scored.get(f"class_share/{word}", np.nan) for word in classes]
    chance = 0.5 if len(shares) == 2 else max(shares)
    gap = best - chance
    return (scored.get("accuracy", np.nan) - chance) / gap if gap > 1e-9 else np.nan


def known(value: float | int | None) -> float | int | None:
    """A plain number, None where it is not available."""
    if value is None or isinstance(value, (int, np.integer)):
        return None if value is None else int(value)
    return float(value) if math.isfinite(value) else None
