"""How sure a score is, from the effective number of rows; pairs (low, high), NaN where not available."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from candlelab.evaluate import metrics
from candlelab.evaluate.bootstrap import block_counts, block_of
from candlelab.evaluate.rows import Rows

Interval = tuple[float, float]
NOT_AVAILABLE: Interval = (np.nan, np.nan)


def z_value(level: float) -> float:
    """Normal quantile of a two-sided level; 0.95 gives 1.96."""
    return float(norm.ppf((1 + level) / 2))


def around(value: float, error: float, level: float, low: float = -np.inf, high: float = np.inf) -> Interval:
    """value ± z · error, kept within [low, high]."""
    half = z_value(level) * error
    if np.isnan(value) or np.isnan(half):
        return NOT_AVAILABLE
    return max(low, value - half), min(high, value + half)


def wilson(share: float, size: float, level: float) -> Interval:
    """Wilson interval of a share seen on `size` independent rows."""
    if not size > 0 or np.isnan(share):
        return NOT_AVAILABLE
    z2 = z_value(level) ** 2 / size
    half = z_value(level) * np.sqrt(share * (1 - share) / size + z2 / (4 * size))
    # rounding may push a bound a hair beyond what a share can be
    return max(0.0, (share + z2 / 2 - half) / (1 + z2)), min(1.0, (share + z2 / 2 + half) / (1 + z2))


def of_mean(values: np.ndarray, rows: Rows, level: float) -> Interval:
    """Interval of the mean of `values` (n,)."""
    return around(float(values.mean()), _mean_error(values, rows), level)


def _mean_error(values: np.ndarray, rows: Rows) -> float:
    return float(values.std() / np.sqrt(rows.effective_size(values)))


def of_auroc(positive: np.ndarray, score: np.ndarray, rows: Rows, level: float) -> Interval:
    """Interval of an AUROC: DeLong with overlap and moving together, or Hanley-McNeil if that is wider.

    With fewer than ten effective rows in a class, both can be 0; there it is no narrower than under chance.
    """
    value = metrics.auroc(positive, score)
    if np.isnan(value):
        return NOT_AVAILABLE
    shrink = rows.independent / len(rows)
    ones = max(1.0, positive.sum() * shrink)
    zeros = max(1.0, (~positive).sum() * shrink)
    error = max(_mean_error(metrics.auroc_parts(positive, score), rows), metrics.auroc_error(value, ones, zeros))
    if min(ones, zeros) < 10:
        error = max(error, metrics.auroc_null_error(ones, zeros))
    return around(value, error, level, 0, 1)


def of_auroc_classes(label: np.ndarray, p: np.ndarray, rows: Rows, level: float) -> Interval:
    """Interval of the one-vs-rest mean AUROC of p (n, K)."""
    if p.shape[1] == 2:
        return of_auroc(label == 1, p[:, 1], rows, level)
    parts = [metrics.auroc_parts(label == k, p[:, k]) for k in range(p.shape[1])]
    parts = [part for part in parts if not np.isnan(part).any()]
    if not parts:
        return NOT_AVAILABLE
    mean = np.mean(parts, 0)
    return around(float(mean.mean()), _mean_error(mean, rows), level, 0, 1)


class BlockBootstrap:
    """Spread of any score over draws of calendar blocks, from one table of sums per block."""

    def __init__(self, rows: Rows, draws: int, seed: int):
        self.block = block_of(rows.instant, len(rows.instants), rows.lags + 1)
        self.blocks = int(self.block.max()) + 1
        self.counts = block_counts(self.blocks, draws, np.random.default_rng(seed))

    def error(self, sums: np.ndarray, score: Callable[[np.ndarray], np.ndarray]) -> float:
        """Standard deviation of score(total) over the draws; sums (blocks, …), score maps (draws, …) to (draws,)."""
        drawn = self.counts @ sums.reshape(self.blocks, -1)
        values = score(drawn.reshape(len(drawn), *sums.shape[1:]))
        known = values[~np.isnan(values)]
        return float(known.std(ddof=1)) if len(known) > 1 and self.blocks > 1 else np.nan

    def spread(self, index: np.ndarray, size: int, weight: np.ndarray | None = None) -> np.ndarray:
        """(blocks, size) sums of `weight` (n,) by block and `index` (n,)."""
        flat = np.bincount(self.block * size + index, weight, self.blocks * size)
        return flat.reshape(self.blocks, size)


def table_errors(label: np.ndarray, p: np.ndarray, boot: BlockBootstrap) -> dict[str, float]:
    """Standard errors of the scores that are functions of the confusion table."""
    classes = p.shape[1]
    sums = boot.spread(label * classes + p.argmax(1), classes**2).reshape(-1, classes, classes)
    scores = {"balanced_accuracy": metrics.balanced_accuracy, "f1_macro": metrics.f1_macro, "mcc": metrics.mcc}
    return {name: boot.error(sums, score) for name, score in scores.items()}


def ece_error(label: np.ndarray, p: np.ndarray, bins: int, boot: BlockBootstrap) -> float:
    """Standard error of the expected calibration error."""
    confidence = p.max(1)
    bucket = np.minimum((confidence * bins).astype(int), bins - 1)
    right = (p.argmax(1) == label).astype(float)
    sums = np.stack([boot.spread(bucket, bins, w) for w in (np.ones(len(p)), right, confidence)], 1)
    return boot.error(sums, lambda drawn: metrics.ece(drawn[:, 0], drawn[:, 1], drawn[:, 2]))


def auprc_error(positive: np.ndarray, score: np.ndarray, boot: BlockBootstrap, levels: int = 256) -> float:
    """Standard error of the average precision; scores are told apart at 256 levels of their rank."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, levels + 1)[1:-1]))
    level = len(edges) - np.searchsorted(edges, score, side="right")
    size = len(edges) + 1
    sums = np.stack([boot.spread(level, size, positive.astype(float)), boot.spread(level, size)], 1)
    return boot.error(sums, _average_precision)


def _average_precision(drawn: np.ndarray) -> np.ndarray:
    hits, seen = np.cumsum(drawn[:, 0], -1), np.cumsum(drawn[:, 1], -1)
    gain = drawn[:, 0] / np.maximum(hits[:, -1:], 1)
    return np.where(hits[:, -1] > 0, (gain * hits / np.maximum(seen, 1)).sum(-1), np.nan)
