"""Who is better, on the same rows (METHODS section 10).

Dimensions: n rows, m models, N data sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, friedmanchisquare, norm, rankdata, studentized_range

from candlelab.evaluate import intervals
from candlelab.evaluate.rows import Rows


@dataclass(frozen=True)
class Difference:
    """First minus second with its interval and two-sided p-value; NaN where not available."""

    value: float
    low: float
    high: float
    p_value: float


def of_means(values: np.ndarray, rows: Rows, level: float) -> Difference:
    """Whether the mean of paired differences (n,) is 0, overlap and moving together taken into account."""
    if len(values) == 0:
        return Difference(np.nan, np.nan, np.nan, np.nan)
    value, spread = float(values.mean()), float(values.std())
    if spread == 0:
        return Difference(value, value, value, 1.0 if value == 0 else 0.0)
    error = spread / np.sqrt(rows.effective_size(values))
    return Difference(value, *intervals.around(value, error, level), float(2 * norm.sf(abs(value) / error)))


def paired_accuracy(first: np.ndarray, second: np.ndarray, rows: Rows, level: float) -> Difference:
    """Difference in accuracy of two models; first, second (n,) 1 where right."""
    return of_means(np.asarray(first, float) - second, rows, level)


def paired_balanced_accuracy(
    first: np.ndarray, second: np.ndarray, label: np.ndarray, rows: Rows, level: float
) -> Difference:
    """Difference in balanced accuracy: each row weighs as much as its class is rare."""
    count = np.bincount(label)
    weight = len(label) / (np.count_nonzero(count) * count[label])
    return of_means((np.asarray(first, float) - second) * weight, rows, level)


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact two-sided p-value of two counts of discordant independent rows; 1 without any."""
    total = first_only + second_only
    return float(min(1.0, 2 * binom.cdf(min(first_only, second_only), total, 0.5))) if total else 1.0


def _placements(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ones, zeros = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(score)
    above = (ranks[positive] - rankdata(score[positive])) / zeros
    below = 1 - (ranks[~positive] - rankdata(score[~positive])) / ones
    return above, below


def paired_auroc(
    positive: np.ndarray, first: np.ndarray, second: np.ndarray, *, shrink: float, level: float
) -> Difference:
    """Difference of two AUROCs on the same rows (DeLong et al. 1988).

    shrink  effective over counted rows: the variance is divided by it.
    """
    if positive.all() or not positive.any() or min(positive.sum(), (~positive).sum()) < 2:
        return Difference(np.nan, np.nan, np.nan, np.nan)
    above, below = (a - b for a, b in zip(_placements(positive, first), _placements(positive, second), strict=True))
    value = float(above.mean())
    error = np.sqrt((above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)) / shrink)
    if error == 0:
        return Difference(value, value, value, 1.0 if value == 0 else 0.0)
    return Difference(value, *intervals.around(value, error, level), float(2 * norm.sf(abs(value) / error)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """(m,) p-values adjusted for looking m times (Holm 1979); NaN stays NaN and is not counted."""
    p_values = np.asarray(p_values, float)
    adjusted = np.full(len(p_values), np.nan)
    order = np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]
    factor = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factor), 1.0)
    return adjusted


def mean_ranks(scores: np.ndarray) -> np.ndarray:
    """(m,) mean over data sets of the rank, 1 for the best; scores (N, m), higher is better, ties share."""
    return rankdata(-np.asarray(scores, float), axis=1).mean(0)


def friedman(scores: np.ndarray) -> float:
    """p-value that all models rank alike over the data sets; scores (N, m); NaN below 3 models or 2 data sets."""
    if scores.shape[1] < 3 or scores.shape[0] < 2:
        return np.nan
    return float(friedmanchisquare(*scores.T).pvalue)


def critical_difference(models: int, data_sets: int, alpha: float = 0.05) -> float:
    """Nemenyi: mean ranks closer than this cannot be told apart (Demšar 2006)."""
    quantile = studentized_range.ppf(1 - alpha, models, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(models * (models + 1) / (6 * data_sets)))
