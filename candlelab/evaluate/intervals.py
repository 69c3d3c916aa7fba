"""How sure a score is, from the effective number of rows; pairs (low, high), NaN where not available."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from candlelab.evaluate import mean_error, metrics
from candlelab.evaluate.bootstrap import block_counts, block_of
from candlelab.evaluate.mean_error import quantile
from candlelab.evaluate.rows import Rows

Interval = tuple[float, float]
NOT_AVAILABLE: Interval = (np.nan, np.nan)
BLOCK_HORIZONS = 3  # blocks a few horizons long cut few of the pairs that overlap
FEWEST_BLOCKS = 8
FEWEST_SKEWED = 16  # blocks that tell skewness


def around(
    value: float,
    error: float,
    confidence_level: float,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    freedom: float = np.inf,
) -> Interval:
    """value ± t · error, kept within [low, high]."""
    half = quantile(confidence_level, freedom) * error
    if np.isnan(value) or np.isnan(half):
        return NOT_AVAILABLE
    return max(low, value - half), min(high, value + half)


def wilson(share: float, size: float, confidence_level: float, *, freedom: float = np.inf) -> Interval:
    """Wilson interval of a share seen on `size` independent rows."""
    if not size > 0 or np.isnan(share):
        return NOT_AVAILABLE
    z2 = quantile(confidence_level, freedom) ** 2 / size
    half = np.sqrt(z2 * share * (1 - share) + z2**2 / 4)
    # rounding may push a bound a hair beyond what a share can be
    return max(0.0, (share + z2 / 2 - half) / (1 + z2)), min(1.0, (share + z2 / 2 + half) / (1 + z2))


def of_share(values: np.ndarray, rows: Rows, confidence_level: float, *, cosines: int) -> Interval:
    """Interval of the share of ones in `values` (n,), dependence taken into account; cosines as in `of_mean`."""
    found = mean_error.of_lasting_mean(values, rows, cosines)
    return wilson(float(values.mean()), _worth(values, found, rows), confidence_level, freedom=found.freedom)


def of_mean(
    values: np.ndarray, rows: Rows, confidence_level: float, low: float = -np.inf, high: float = np.inf, *, cosines: int
) -> Interval:
    """Interval of the mean of `values` (n,), dependence taken into account.

    cosines  few where what the model says lasts, or its errors do: calm and lively times are dependence too.
    """
    if np.isnan(values).any():
        return NOT_AVAILABLE
    found = mean_error.of_lasting_mean(values, rows, cosines)
    return around(float(values.mean()), found.error, confidence_level, low, high, freedom=found.freedom)


def of_loss(values: np.ndarray, rows: Rows, confidence_level: float, *, cosines: int) -> Interval:
    """Interval of a mean loss (n,), cosines as in `of_mean`; longer on the side that the skewness of its blocks makes longer.

    The other side stays as long as without skewness: what a few blocks show of it is too noisy to shorten anything.
    Source: Hall 1992, the monotone cubic transformation of Student's t.
    """
    if np.isnan(values).any():
        return NOT_AVAILABLE
    few = min(cosines, mean_error.LOSS_COSINES) if cosines <= mean_error.FEWEST_COSINES else cosines
    found, value = mean_error.of_lasting_mean(values, rows, few), float(values.mean())
    if found.error == 0:
        return value, value
    blocks = max(FEWEST_SKEWED, min(cosines, len(rows.instants) // (BLOCK_HORIZONS * rows.lags + 1)))
    skewness, half = _skewness_of_mean(values, rows, blocks), quantile(confidence_level, found.freedom)
    below, above = max(half, _untransformed(half, skewness)), max(half, -_untransformed(-half, skewness))
    return value - found.error * below, value + found.error * above


def _skewness_of_mean(values: np.ndarray, rows: Rows, blocks: int) -> float:
    place = rows.instant * blocks // len(rows.instants)
    sums = np.bincount(place, values - values.mean(), blocks)
    of_block = np.mean(sums**3) / np.mean(sums**2) ** 1.5 * np.sqrt(blocks * (blocks - 1)) / (blocks - 2)
    return float(np.clip(of_block / np.sqrt(blocks), -0.6, 0.6))


def _untransformed(t: float, skewness: float) -> float:
    """The statistic whose transform t + … is free of skewness; t itself without any."""
    if abs(skewness) < 1e-6:
        return t
    return float(3 / skewness * (np.cbrt(1 + skewness * (t - skewness / 6)) - 1))


def of_auroc(positive: np.ndarray, score: np.ndarray, rows: Rows, confidence_level: float) -> Interval:
    """Interval of an AUROC: DeLong with overlap and moving together."""
    return of_auroc_parts(metrics.auroc_parts(positive, score), int(positive.sum()), rows, confidence_level)


def of_auroc_parts(parts: np.ndarray, positive: int, rows: Rows, confidence_level: float) -> Interval:
    """Interval of the AUROC whose parts (n,) these are, of which so many belong to positive rows.

    With fewer than ten effective rows in a class it is no narrower than under chance.
    """
    if len(parts) == 0 or np.isnan(parts).any():
        return NOT_AVAILABLE
    found = mean_error.error_of_mean(parts, rows)
    error, worth = found.error, _worth(parts, found, rows)
    ones, zeros = (max(1.0, count * worth / len(parts)) for count in (positive, len(parts) - positive))
    if min(ones, zeros) < 10:
        error = max(error, metrics.auroc_null_error(ones, zeros))
    return around(float(parts.mean()), error, confidence_level, 0, 1, freedom=found.freedom)


def _worth(values: np.ndarray, found: mean_error.MeanError, rows: Rows) -> float:
    """Independent rows that these are worth; where nothing varies, the lower bound of average uniqueness."""
    return rows.independent if found.error == 0 else float(np.var(values)) / found.error**2


def of_auroc_classes(
    parts: list[np.ndarray], label: np.ndarray, rows: Rows, confidence_level: float, *, cosines: int
) -> Interval:
    """Interval of the one-vs-rest mean AUROC from the parts (n,) of each class, or of class 1 alone where there are two."""
    if len(parts) == 1:
        return of_auroc_parts(parts[0], int((label == 1).sum()), rows, confidence_level)
    parts = [part for part in parts if not np.isnan(part).any()]
    return of_mean(np.mean(parts, 0), rows, confidence_level, 0, 1, cosines=cosines) if parts else NOT_AVAILABLE


@lru_cache(maxsize=4)  # the models of a table are scored on the same blocks
def _drawn(blocks: int, n_bootstrap: int, seed: int) -> np.ndarray:
    counts = block_counts(blocks, n_bootstrap, np.random.default_rng(seed))
    counts.flags.writeable = False
    return counts


class BlockBootstrap:
    """Spread of any score over draws of calendar blocks, from one table of sums per block.

    cosines  as in `of_mean`: no more blocks than these, which makes them six times as long as what lasts, but at least eight
    """

    def __init__(self, rows: Rows, n_bootstrap: int, seed: int, *, cosines: int):
        instants = len(rows.instants)
        at_least = max(BLOCK_HORIZONS * rows.lags + 1, -(-instants // max(FEWEST_BLOCKS, cosines)))
        self.block: np.ndarray = block_of(rows.instant, instants, at_least)
        self.blocks: int = int(self.block.max()) + 1
        self.counts: np.ndarray = _drawn(self.blocks, n_bootstrap, seed)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of an error seen between the blocks."""
        return max(self.blocks - 1.0, 1.0)

    def error(self, sums: np.ndarray, score: Callable[[np.ndarray], np.ndarray]) -> float:
        """Standard deviation of score(total) over the draws; sums (blocks, …), score maps (n_bootstrap, …) to (n_bootstrap,)."""
        drawn = self.counts @ sums.reshape(self.blocks, -1)
        values = score(drawn.reshape(len(drawn), *sums.shape[1:]))
        known = values[~np.isnan(values)]
        if len(known) < 2 or self.blocks < 2:
            return np.nan
        # blocks drawn from so many vary less than blocks themselves
        return float(known.std(ddof=1) * np.sqrt(self.blocks / (self.blocks - 1)))

    def spread(self, index: np.ndarray, size: int, weight: np.ndarray | None = None) -> np.ndarray:
        """(blocks, size) sums of `weight` (n,) by block and `index` (n,)."""
        flat = np.bincount(self.block * size + index, weight, self.blocks * size)
        return flat.reshape(self.blocks, size)


def ece_error(label: np.ndarray, p: np.ndarray, n_bins: int, boot: BlockBootstrap) -> float:
    """Standard error of the expected calibration error."""
    confidence = p.max(1)
    bucket = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    right = (p.argmax(1) == label).astype(float)
    sums = np.stack([boot.spread(bucket, n_bins, w) for w in (np.ones(len(p)), right, confidence)], 1)
    return boot.error(sums, lambda drawn: metrics.ece(drawn[:, 0], drawn[:, 1], drawn[:, 2]))


def auprc_error(label: np.ndarray, p: np.ndarray, boot: BlockBootstrap, levels: int = 256) -> float:
    """Standard error of the average precision of p (n, K), one-vs-rest mean for K > 2; scores are told apart at 256 levels of their rank."""
    columns = range(1, 2) if p.shape[1] == 2 else range(p.shape[1])
    each = [_by_level(label == k, p[:, k], boot, levels) for k in columns]
    return boot.error(np.stack(each, 1), lambda drawn: metrics.mean_known(_average_precision(drawn)))


def _by_level(positive: np.ndarray, score: np.ndarray, boot: BlockBootstrap, levels: int) -> np.ndarray:
    """(blocks, 2, levels) positive rows and all rows by block and level of score, the highest first."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, levels + 1)[1:-1]))
    step = len(edges) - np.searchsorted(edges, score, side="right")
    return np.stack([boot.spread(step, levels, weight) for weight in (positive.astype(float), None)], 1)


def _average_precision(drawn: np.ndarray) -> np.ndarray:
    hits, seen = (np.cumsum(drawn[..., one, :], -1) for one in (0, 1))
    gain = drawn[..., 0, :] / np.maximum(hits[..., -1:], 1)
    return np.where(hits[..., -1] > 0, (gain * hits / np.maximum(seen, 1)).sum(-1), np.nan)
