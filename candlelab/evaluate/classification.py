"""All classification scores of one model on one split, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from candlelab.evaluate import intervals, metrics
from candlelab.evaluate.rows import Rows

Scored = dict[str, float]


@dataclass(frozen=True)
class Predicted:
    """One model's rows of one split that have a label.

    label (n,) int64; p (n, K); forecast (n,) predicted log return or NaN; forward_return, sigma (n,)
    """

    label: np.ndarray
    p: np.ndarray
    forecast: np.ndarray
    forward_return: np.ndarray
    sigma: np.ndarray
    rows: Rows

    @property
    def right(self) -> np.ndarray:
        """(n,) 1 where the likeliest class is the label."""
        return (self.p.argmax(1) == self.label).astype(float)


def put(into: Scored, name: str, value: float, interval: intervals.Interval) -> None:
    """Write a value and its interval under name, name_low, name_high."""
    into[name], into[f"{name}_low"], into[f"{name}_high"] = value, *interval


def classify(given: Predicted, classes: tuple[str, ...], *, level: float, bins: int, draws: int, seed: int) -> Scored:
    """Every score of METHODS section 7; NaN where not available. No rows give n = 0 and nothing else."""
    size = len(given.label)
    if size == 0:
        return {"n": 0, "n_eff": 0.0}
    table = metrics.confusion(given.label, given.p.argmax(1), len(classes))
    effective = given.rows.effective_size(given.right)
    found: Scored = {"n": size, "n_eff": effective}
    share = float(metrics.accuracy(table))
    put(found, "accuracy", share, intervals.wilson(share, effective, level))
    boot = intervals.BlockBootstrap(given.rows, draws, seed)
    _of_table(found, given, table, boot, level)
    _of_ranks(found, given, boot, level)
    _of_probabilities(found, given, bins, boot, level)
    _per_class(found, table, classes)
    return found


def _of_table(found: Scored, given: Predicted, table: np.ndarray, boot: intervals.BlockBootstrap, level: float) -> None:
    errors = intervals.table_errors(given.label, given.p, boot)
    put(found, "balanced_accuracy", float(metrics.balanced_accuracy(table)), balanced_interval(table, found, level))
    value = float(metrics.f1_macro(table))
    put(found, "f1_macro", value, intervals.around(value, errors["f1_macro"], level, 0, 1))
    value = float(metrics.mcc(table))
    put(found, "mcc", value, intervals.around(value, errors["mcc"], level, -1, 1))


def balanced_interval(table: np.ndarray, found: Scored, level: float) -> intervals.Interval:
    """Interval of the mean recall, each class on its effective share of rows."""
    shrink = found["n_eff"] / found["n"]
    recall = metrics.recall(table)
    known = ~np.isnan(recall)
    size = np.maximum(table.sum(1)[known] * shrink, 1)
    error = np.sqrt(np.sum(recall[known] * (1 - recall[known]) / size)) / known.sum()
    return intervals.around(float(recall[known].mean()), float(error), level, 0, 1)


def _of_ranks(found: Scored, given: Predicted, boot: intervals.BlockBootstrap, level: float) -> None:
    label, p, rows = given.label, given.p, given.rows
    moved = metrics.direction_rows(label, p.shape[1])
    up, lean, far = label[moved] == p.shape[1] - 1, metrics.direction_score(p[moved]), p[:, 0] + p[:, -1]
    put(found, "auroc", metrics.over_classes(metrics.auroc, label, p), intervals.of_auroc_classes(label, p, rows, level))
    interval = intervals.of_auroc(up, lean, rows.take(moved), level)
    put(found, "auroc_direction", metrics.auroc_direction(label, p), interval)
    interval = intervals.of_auroc(moved, far, rows, level) if p.shape[1] > 2 else intervals.NOT_AVAILABLE
    put(found, "auroc_move", metrics.auroc_move(label, p), interval)
    value = metrics.over_classes(metrics.auprc, label, p)
    error = metrics.over_classes(lambda positive, score: intervals.auprc_error(positive, score, boot), label, p)
    put(found, "auprc", value, intervals.around(value, error, level, 0, 1))


def _of_probabilities(found: Scored, given: Predicted, bins: int, boot: intervals.BlockBootstrap, level: float) -> None:
    for name, losses in (("brier", metrics.brier_losses), ("log_loss", metrics.log_losses)):
        values = losses(given.label, given.p)
        put(found, name, float(values.mean()), intervals.of_mean(values, given.rows, level))
    value = float(metrics.ece(*metrics.calibration_bins(given.label, given.p, bins)))
    put(found, "ece", value, intervals.around(value, intervals.ece_error(given.label, given.p, bins, boot), level, 0, 1))


def _per_class(found: Scored, table: np.ndarray, classes: tuple[str, ...]) -> None:
    parts = {"precision": metrics.precision, "recall": metrics.recall, "f1": metrics.f1}
    for name, score in parts.items():
        found |= {f"{name}/{word}": float(v) for word, v in zip(classes, score(table), strict=True)}
    found |= {f"answered/{word}": float(v) for word, v in zip(classes, table.sum(0) / table.sum(), strict=True)}
    found |= {f"prior/{word}": float(v) for word, v in zip(classes, table.sum(1) / table.sum(), strict=True)}


def forecast_scores(given: Predicted, level: float) -> Scored:
    """Scores of the predicted log return, empty where the model makes none.

    forecast_mse in units of sigma², forecast_r2 against predicting 0, rank_ic (Spearman, all rows).
    """
    known = np.isfinite(given.forecast) & np.isfinite(given.forward_return) & (given.sigma > 0)
    if known.sum() < 3:
        return {}
    forecast, sigma = given.forecast[known], given.sigma[known]
    actual = np.log1p(given.forward_return[known])
    rows = given.rows.take(known)
    losses = ((forecast - actual) / sigma) ** 2
    found: Scored = {}
    put(found, "forecast_mse", float(losses.mean()), intervals.of_mean(losses, rows, level))
    found["forecast_r2"] = float(1 - losses.mean() / np.mean((actual / sigma) ** 2))
    constant = np.ptp(forecast) == 0 or np.ptp(actual) == 0
    rank = np.nan if constant else float(spearmanr(forecast, actual).statistic)
    error = 1 / np.sqrt(max(rows.effective_size(forecast * actual) - 1, 1))
    put(found, "rank_ic", rank, intervals.around(rank, float(error), level, -1, 1))
    return found | _cross_section(forecast, actual, rows)


def _cross_section(forecast: np.ndarray, actual: np.ndarray, rows: Rows, fewest: int = 5) -> Scored:
    """Mean rank correlation across symbols per instant, over instants a horizon apart; needs five symbols."""
    crowded = np.flatnonzero(np.bincount(rows.instant) >= fewest)[:: rows.lags + 1]
    if len(crowded) < 2:
        return {}
    order = np.argsort(rows.instant, kind="stable")
    edge = np.searchsorted(rows.instant[order], np.r_[crowded, len(rows.instants)])
    until = np.searchsorted(rows.instant[order], crowded, side="right")
    each = [spearmanr(forecast[order[a:b]], actual[order[a:b]]).statistic for a, b in zip(edge[:-1], until, strict=True)]
    each = np.array([v for v in each if np.isfinite(v)])
    if len(each) < 2:
        return {}
    return {"rank_ic_mean": float(each.mean()), "rank_icir": float(each.mean() / each.std(ddof=1)), "rank_ic_dates": len(each)}
