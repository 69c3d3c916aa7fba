"""Classification metrics of class probabilities.

Dimensions: n rows, K classes. label (n,) int in 0 … K-1; p (n, K) rows sum to 1.
"Not available" is NaN, never 0 or 0.5.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata


def confusion(label: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) counts; rows are true classes, columns predicted ones."""
    return np.bincount(label * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    top, bottom = np.broadcast_arrays(np.asarray(top, float), np.asarray(bottom, float))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)


def mean_known(values: np.ndarray) -> np.ndarray:
    """(…) mean over the last axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    return _divide(np.where(known, values, 0).sum(-1), known.sum(-1))


def precision(table: np.ndarray) -> np.ndarray:
    """(…, K) share of each predicted class that was right."""
    return _divide(np.einsum("...kk->...k", table), table.sum(-2))


def recall(table: np.ndarray) -> np.ndarray:
    """(…, K) share of each true class that was found."""
    return _divide(np.einsum("...kk->...k", table), table.sum(-1))


def f1(table: np.ndarray) -> np.ndarray:
    """(…, K) harmonic mean of precision and recall; NaN for a class neither seen nor predicted."""
    return _divide(2 * np.einsum("...kk->...k", table), table.sum(-1) + table.sum(-2))


def accuracy(table: np.ndarray) -> np.ndarray:
    """(…) share of right rows."""
    return _divide(np.einsum("...kk->...", table), table.sum((-1, -2)))


def balanced_accuracy(table: np.ndarray) -> np.ndarray:
    """(…) mean recall of the classes that occur."""
    return mean_known(recall(table))


def f1_macro(table: np.ndarray) -> np.ndarray:
    """(…) mean F1 of the classes that occur or were predicted."""
    return mean_known(f1(table))


def mcc(table: np.ndarray) -> np.ndarray:
    """(…) Matthews correlation in [-1, 1]; NaN where one side never varies."""
    table = np.asarray(table, float)
    total = table.sum((-1, -2))
    true, guessed = table.sum(-1), table.sum(-2)
    top = np.einsum("...kk->...", table) * total - (true * guessed).sum(-1)
    bottom = (total**2 - (true**2).sum(-1)) * (total**2 - (guessed**2).sum(-1))
    return _divide(top, np.sqrt(bottom))


def auroc(positive: np.ndarray, score: np.ndarray) -> float:
    """Probability that a positive row scores above a negative one, ties half; NaN with one class."""
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if ones == 0 or zeros == 0:
        return np.nan
    return float((rankdata(score)[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def auroc_parts(positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """(n,) what each row adds to the AUROC: their mean is the AUROC, their spread its error (DeLong et al. 1988).

    NaN everywhere with one class.
    """
    return auroc_with_parts(positive, score)[1]


def auroc_with_parts(positive: np.ndarray, score: np.ndarray) -> tuple[float, np.ndarray]:
    """`auroc` and `auroc_parts` of one sort."""
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if ones == 0 or zeros == 0:
        return np.nan, np.full(len(positive), np.nan)
    order = np.argsort(score)
    rank = np.cumsum(np.diff(score[order], prepend=score[order[0]]) != 0)  # rows of equal score share one
    up = np.bincount(rank, positive[order])
    down = np.bincount(rank) - up
    below, above = np.cumsum(down) - down / 2, ones - np.cumsum(up) + up / 2
    share = np.empty(len(positive))
    share[order] = np.where(positive[order], below[rank] / zeros, above[rank] / ones)
    area = share[positive].mean()
    return float(up @ below / (ones * zeros)), area + (share - area) * len(positive) / np.where(positive, ones, zeros)


def auprc(positive: np.ndarray, score: np.ndarray) -> float:
    """Average precision: precision at each distinct score, weighted by the recall it adds; NaN with one class."""
    if positive.all() or not positive.any():
        return np.nan
    order = np.argsort(-score)  # rows of equal score count together, in whatever order
    last = np.r_[np.diff(score[order]) != 0, True]
    hits = np.cumsum(positive[order])[last]
    return float(np.sum(np.diff(hits, prepend=0) / hits[-1] * hits / (np.flatnonzero(last) + 1)))


def over_classes(metric, label: np.ndarray, p: np.ndarray) -> float:
    """A two-class metric(positive, score) for K classes: the last class where K = 2, else one-vs-rest mean.

    Classes for which it is not available are left out; NaN if it is so for all.
    """
    if p.shape[1] == 2:
        return metric(label == 1, p[:, 1])
    return float(mean_known(np.array([metric(label == k, p[:, k]) for k in range(p.shape[1])])))


def brier_losses(label: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(n,) squared error of the probability; summed over the classes where K > 2."""
    if p.shape[1] == 2:
        return (p[:, 1] - label) ** 2
    return ((p - np.eye(p.shape[1])[label]) ** 2).sum(1)


def log_losses(label: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(n,) minus natural log of the probability of what happened, in nats; probabilities floored at 1e-15."""
    return -np.log(np.maximum(p[np.arange(len(p)), label], 1e-15))


def calibration_bins(label: np.ndarray, p: np.ndarray, n_bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equal-width bins of the confidence: rows, right rows and summed confidence in each; three (n_bins,)."""
    confidence = p.max(1)
    bucket = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    right = p.argmax(1) == label
    count, hits, summed = (np.bincount(bucket, value, n_bins) for value in (np.ones(len(p)), right, confidence))
    return count, hits, summed


def ece(count: np.ndarray, right: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """(…) expected calibration error from calibration bins (…, n_bins)."""
    return _divide(np.abs(right - confidence).sum(-1), count.sum(-1))


def direction_rows(label: np.ndarray, classes: int, forward_return: np.ndarray) -> np.ndarray:
    """(n,) True where the price moved: the first or the last of three classes, or any return but exactly 0."""
    ends = (label == 0) | (label == classes - 1)
    return ends & (forward_return != 0) if classes == 2 else ends


def direction_score(p: np.ndarray) -> np.ndarray:
    """(n,) p_up / (p_up + p_down); ½ where both are 0."""
    both = p[:, 0] + p[:, -1]
    return np.divide(p[:, -1], both, out=np.full(len(p), 0.5), where=both > 0)


def direction_parts(label: np.ndarray, p: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """What each row that moved adds to the AUROC of up against down; moved (n,) bool."""
    return auroc_parts(label[moved] == p.shape[1] - 1, direction_score(p[moved]))


def auroc_direction(label: np.ndarray, p: np.ndarray, moved: np.ndarray) -> float:
    """AUROC of up against down among the rows that moved: what is known of direction alone."""
    return auroc(label[moved] == p.shape[1] - 1, direction_score(p[moved]))


def auroc_move(label: np.ndarray, p: np.ndarray) -> float:
    """AUROC of move against neutral: what is known of volatility; NaN without a middle class."""
    if p.shape[1] == 2:
        return np.nan
    return auroc((label == 0) | (label == p.shape[1] - 1), p[:, 0] + p[:, -1])


def balanced_parts(label: np.ndarray, answered: np.ndarray, classes: int) -> np.ndarray:
    """(n,) what each row adds to the balanced accuracy: their mean is the score, their spread its error."""
    table = confusion(label, answered, classes)
    known, rate = table.sum(1) > 0, np.nan_to_num(recall(table))
    share = table.sum(1) / len(label)
    return rate[known].mean() + ((label == answered) - rate[label]) / (share[label] * known.sum())


def f1_parts(label: np.ndarray, answered: np.ndarray, classes: int) -> np.ndarray:
    """(n,) what each row adds to the macro-F1 of the classes that occur or were predicted (delta method)."""
    score = f1(confusion(label, answered, classes))
    known = np.flatnonzero(~np.isnan(score))
    true, told = label[:, None] == known, answered[:, None] == known
    parts = (2.0 * (true & told) - score[known] * (true.astype(float) + told)) / (true.mean(0) + told.mean(0))
    return score[known].mean() + parts.mean(1)


def mcc_parts(label: np.ndarray, answered: np.ndarray, classes: int) -> np.ndarray:
    """(n,) what each row adds to the Matthews correlation (delta method); NaN where one side never varies."""
    true, told = (np.eye(classes)[values] - np.eye(classes)[values].mean(0) for values in (label, answered))
    both, own, other = (true * told).sum(1), (true**2).sum(1), (told**2).sum(1)
    if own.mean() < 1e-12 or other.mean() < 1e-12:
        return np.full(len(label), np.nan)
    scale = np.sqrt(own.mean() * other.mean())
    value = both.mean() / scale
    return value + (both - both.mean()) / scale - value / 2 * (own / own.mean() + other / other.mean() - 2)


def auroc_null_error(ones: float, zeros: float) -> float:
    """Standard deviation of the AUROC of scores that know nothing."""
    return float(np.sqrt((ones + zeros + 1) / (12 * ones * zeros)))


def auroc_error(value: float, ones: float, zeros: float) -> float:
    """Standard error of an AUROC (Hanley & McNeil 1982)."""
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    total = value * (1 - value) + (ones - 1) * (first - value**2) + (zeros - 1) * (second - value**2)
    return float(np.sqrt(max(total, 0.0) / (ones * zeros)))


def chance_band(prior: np.ndarray, answered: np.ndarray, size: float, confidence_level: float) -> tuple[float, float]:
    """Accuracy that these answers give if they know nothing: `confidence_level` of all shuffles of them lie within (low, high).

    prior, answered (K,) shares of the true and of the given classes; size independent rows. Both shares are known, so
    a constant answer has no band at all: it is right as often as its class occurs.
    """
    centre = float(prior @ answered)
    spread = np.sum((np.diag(prior) - np.outer(prior, prior)) * (np.diag(answered) - np.outer(answered, answered)))
    half = float(ndtri((1 + confidence_level) / 2) * np.sqrt(max(spread, 0.0) / size))
    return centre - half, centre + half


POWER = 0.8


def smallest_area(error: float, value: float, quantile: float) -> float:
    """Smallest AUROC above one half whose interval lies above one half in 80 % of samples; NaN if even 1 would not do.

    error     standard error at AUROC `value`; it falls like the root of A (1 - A) as the AUROC A rises
    quantile  half width of the interval in standard errors
    """
    room = value * (1 - value)
    unit = (quantile + ndtri(POWER)) * error / np.sqrt(room) if room > 0 else np.nan
    # A - 1/2 = unit sqrt(A (1 - A)), solved for A
    found = 0.5 + 0.5 * unit / np.sqrt(1 + unit**2)
    return float(found) if found < 0.995 else np.nan


def rows_to_show(area: float, rows: float, smallest: float) -> float:
    """How many rows show an AUROC of `area` in 80 % of samples, where `rows` of them show one of `smallest`; NaN for none above 1/2."""
    if not 0.5 < area < 1 or not 0.5 < smallest < 1:
        return np.nan
    now, wanted = ((value - 0.5) / np.sqrt(value * (1 - value)) for value in (smallest, area))
    return float(rows * (now / wanted) ** 2)


def smallest_accuracy(size: float, quantile: float) -> float:
    """The same for answers that are only up or down, on `size` independent balanced rows: the share that must be right."""
    return smallest_area(np.sqrt(0.25 / size), 0.5, quantile) if size > 0 else np.nan


def break_even_accuracy(move: float, round_trip: float) -> float:
    """Accuracy at which symmetric moves of mean size `move` just pay a round trip; may exceed 1."""
    return 0.5 + round_trip / (2 * move) if move > 0 else np.nan
