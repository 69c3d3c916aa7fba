"""Who is better, on the same rows.

Dimensions: n rows, m models, N data sets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr
from scipy.stats import binom, friedmanchisquare, norm, rankdata, studentized_range

from candlelab.evaluate import intervals, mean_error, metrics
from candlelab.evaluate.mean_error import MeanError
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.sharpe import difference_error, sharpe


@dataclass(frozen=True)
class Difference:
    """First minus second with its interval and two-sided p-value; NaN where not available."""

    value: float
    low: float
    high: float
    p_value: float


def of_means(values: np.ndarray, rows: Rows, confidence_level: float) -> Difference:
    """Whether the mean of paired differences (n,) is 0, overlap and moving together taken into account."""
    if len(values) == 0 or np.isnan(values).any():
        return Difference(np.nan, np.nan, np.nan, np.nan)
    return _against_zero(values, mean_error.error_of_mean(values, rows), confidence_level)


def of_lasting_means(values: np.ndarray, rows: Rows, confidence_level: float, *, cosines: int) -> Difference:
    """As `of_means`, for differences that hang together beyond the horizon, as those of answers that last."""
    if len(values) == 0 or np.isnan(values).any():
        return Difference(np.nan, np.nan, np.nan, np.nan)
    return _against_zero(values, mean_error.of_lasting_mean(values, rows, cosines), confidence_level)


def _against_zero(values: np.ndarray, found: MeanError, confidence_level: float) -> Difference:
    value = float(values.mean())
    if found.error == 0:
        return Difference(value, value, value, 1.0 if value == 0 else 0.0)
    ends = intervals.around(value, found.error, confidence_level, freedom=found.freedom)
    return Difference(value, *ends, float(2 * stdtr(found.freedom, -abs(value) / found.error)))


def paired_accuracy(
    first: np.ndarray, second: np.ndarray, rows: Rows, confidence_level: float, *, cosines: int
) -> Difference:
    """Difference in accuracy of two models; first, second (n,) 1 where right; cosines as in `intervals.of_mean`.

    The p-value is McNemar's where the rows count like independent ones, else Student's.
    """
    gap = np.asarray(first, float) - second
    if len(gap) == 0:
        return Difference(np.nan, np.nan, np.nan, np.nan)
    error = mean_error.of_lasting_mean(gap, rows, cosines)
    found = _against_zero(gap, error, confidence_level)
    if abs(error.error**2 * len(gap) - np.var(gap)) > 1e-9 * np.var(gap):
        return found
    return replace(found, p_value=mcnemar(int(np.sum(gap > 0)), int(np.sum(gap < 0))))


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact two-sided p-value of two counts of discordant independent rows; 1 without any."""
    total = first_only + second_only
    return float(min(1.0, 2 * binom.cdf(min(first_only, second_only), total, 0.5))) if total else 1.0


def paired_auroc(
    label: np.ndarray, first: np.ndarray, second: np.ndarray, rows: Rows, confidence_level: float, *, cosines: int
) -> Difference:
    """Difference of two AUROCs on the same rows, one-vs-rest mean for K > 2 (DeLong et al. 1988).

    first, second (n, K) probabilities.
    """
    parts = macro_auroc_parts(label, first) - macro_auroc_parts(label, second)
    return (
        of_means(parts, rows, confidence_level)
        if first.shape[1] == 2
        else of_lasting_means(parts, rows, confidence_level, cosines=cosines)
    )


def paired_direction(
    label: np.ndarray, first: np.ndarray, second: np.ndarray, moved: np.ndarray, rows: Rows, confidence_level: float
) -> Difference:
    """Difference of two AUROCs of up against down among the rows that moved; first, second (n, K), moved (n,) bool."""
    parts = metrics.direction_parts(label, first, moved) - metrics.direction_parts(label, second, moved)
    return of_means(parts, rows.take(moved), confidence_level)


def paired_balanced(
    label: np.ndarray, first: np.ndarray, second: np.ndarray, rows: Rows, confidence_level: float, *, cosines: int
) -> Difference:
    """Difference of two balanced accuracies; first, second (n, K) probabilities."""
    own, other = (metrics.balanced_parts(label, p.argmax(1), p.shape[1]) for p in (first, second))
    return of_lasting_means(own - other, rows, confidence_level, cosines=cosines)


def paired_sharpe(first: np.ndarray, second: np.ndarray, confidence_level: float) -> Difference:
    """Difference of the Sharpe ratios of two net return series (T,) on the same bars (Memmel 2003)."""
    one, two = sharpe(first), sharpe(second)
    if np.isnan(one) or np.isnan(two):
        return Difference(np.nan, np.nan, np.nan, np.nan)
    error = difference_error(one, two, float(np.corrcoef(first, second)[0, 1]), len(first))
    if error < 1e-12:
        return Difference(one - two, one - two, one - two, 1.0)
    return Difference(
        one - two, *intervals.around(one - two, error, confidence_level), float(2 * norm.sf(abs(one - two) / error))
    )


def macro_auroc_parts(label: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(n,) what each row adds to the AUROC of p (n, K); their mean is the AUROC."""
    classes = p.shape[1]
    if classes == 2:
        return metrics.auroc_parts(label == 1, p[:, 1])
    each = [metrics.auroc_parts(label == k, p[:, k]) for k in range(classes) if 0 < np.sum(label == k) < len(label)]
    return np.mean(each, 0) if each else np.full(len(label), np.nan)


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
