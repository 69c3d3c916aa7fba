"""What can be said of a model before its test part is looked at: scores and threshold on validation alone."""

from __future__ import annotations

import pandas as pd

from candlelab.evaluate import abstain, money
from candlelab.evaluate.classification import classify
from candlelab.evaluate.flat_metrics import known
from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.table import Kind, Task, split_parts


def validate(
    settings: Evaluation,
    predictions: pd.DataFrame,
    *,
    horizon: int,
    interval: str,
    kind: Kind,
    classes: tuple[str, ...],
    stride: int,
) -> tuple[dict[str, float | int | None], float | None]:
    """Return the net's scores on validation, as `val/…`, and the threshold that its later score will use.

    predictions  the table of `Evaluation.score`; test rows may be absent and are not read.
    """
    part = split_parts(predictions, Task(horizon, interval, kind, tuple(classes), stride=stride))["val"]["net"]
    scored = classify(
        part.predicted,
        tuple(classes),
        confidence_level=settings.confidence_level,
        n_bins=settings.n_bins,
        n_bootstrap=settings.n_bootstrap,
        seed=settings.seed,
    )
    if kind == "forecast":
        floor = money.smallest_score(money.score_used(settings.threshold.score, part.forecast), part.p.shape[1])
        chosen = settings.threshold.search(settings.trades(part), floor=floor).threshold
    else:
        chosen = abstain.chosen(part.predicted, settings.min_precision)["threshold"]
    return {f"val/{name}": known(value) for name, value in scored.items()}, chosen
