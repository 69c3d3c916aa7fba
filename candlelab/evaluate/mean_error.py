"""Standard error of a mean over overlapping labels and pooled symbols (Hansen-Hodrick kernel on sums per instant).

Dimensions: n rows, T distinct instants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from candlelab.evaluate.rows import Rows


@dataclass(frozen=True)
class MeanError:
    """Standard error of a mean, and the degrees of freedom of Student's t that its own noise leaves."""

    error: float
    freedom: float


def newey_west(values: np.ndarray, lags: int) -> float:
    """Long-run variance of a series, Bartlett weights; divide by its length for the variance of its mean.

    Never below 0. Source: Newey & West 1987.
    """
    centred = np.asarray(values, float) - np.mean(values)
    size = len(centred)
    # Bartlett weights are those of all windows of lags + 1 values, also the ones that reach beyond the ends
    before = np.pad(np.cumsum(centred), (lags + 1, lags), mode="constant", constant_values=(0.0, centred.sum()))
    windows = before[lags + 1 :] - before[: -lags - 1]
    return float(windows @ windows / (lags + 1) / size)


def automatic_lags(size: int, at_least: int = 0) -> int:
    """Newey-West lags, 4 (T/100)^(2/9) or the label's overlap if that is longer."""
    return max(at_least, int(4 * (size / 100) ** (2 / 9)))


def memory_of(values: np.ndarray, rows: Rows) -> float:
    """First-order autocorrelation of `values` (n,) from row to row of a chain, in [0, 0.97]; 0 where they never vary."""
    centred = values - values.mean()
    spread = centred @ centred
    follows = ~rows.starts[1:]
    return float(np.clip(centred[1:][follows] @ centred[:-1][follows] / spread, 0.0, 0.97)) if spread > 0 else 0.0


def memory_under_noise(values: np.ndarray, lags: int = 4) -> float:
    """Autocorrelation from step to step of what lasts in a noisy series, in [0, 0.97]: from lags 5 to 8 over lags 1 to 4.

    0 where those of lags 1 to 4 are together no larger than noise would make them.
    """
    centred = values - values.mean()
    spread = centred @ centred
    if spread <= 0 or len(values) <= 2 * lags:
        return 0.0
    found = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, 2 * lags + 1)]) / spread
    near, far = found[:lags].sum(), found[lags:].sum()
    return float(np.clip(far / near, 0.0, 0.97**lags)) ** (1 / lags) if near > 2 * np.sqrt(lags / len(values)) else 0.0


def persistent_lags(memory: float, size: int) -> int:
    """Bartlett lags of a first-order autoregression: 1.1447 (4 rho^2 T / (1 - rho^2)^2)^(1/3), at most T/8 (Andrews 1991)."""
    return min(int(1.1447 * (4 * memory**2 * size / (1 - memory**2) ** 2) ** (1 / 3)), size // 8)


def of_mean(values: np.ndarray, rows: Rows) -> MeanError:
    """Standard error of the mean of `values` (n,) whose dependence comes from labels that share return bars.

    Terms of rows less than a horizon apart count together (rectangular kernel), those of one instant too, and the
    variance is never below that of independent rows. Between symbols one bar more is looked at: a coin under two names,
    one labelled by its bars' opens and one by their closes, is one coin. Source: Hansen & Hodrick 1980.
    """
    size, instants = len(rows), len(rows.instants)
    centred = values - np.mean(values)
    spread = float(centred @ centred)
    if spread <= 1e-24 * float(values @ values):
        return MeanError(0.0, np.inf)
    sums = np.bincount(rows.instant, centred, instants)
    total = (
        _pairs_within(centred, sums, rows) if rows.horizon else newey_west(sums, automatic_lags(instants)) * instants
    )
    return MeanError(float(np.sqrt(max(total, spread))) / size, _freedom(sums, _lags_read(rows)))


def of_persistent_mean(values: np.ndarray, rows: Rows, memory: float) -> MeanError:
    """As `of_mean`, for terms that hang together beyond the horizon as well, such as those of calm and lively times.

    memory  first-order autocorrelation of what the model says: terms last no longer than that, or than their own
    """
    plain = of_mean(values, rows)
    if plain.error == 0:
        return plain
    sums = np.bincount(rows.instant, values - np.mean(values), len(rows.instants))
    lags = persistent_lags(max(memory, memory_under_noise(sums)), len(sums))
    clustered = float(np.sqrt(newey_west(sums, lags) * len(sums))) / len(rows)
    # a Bartlett kernel of L lags reads as much noise as a rectangular one of L / 3
    return MeanError(max(plain.error, clustered), min(plain.freedom, _freedom(sums, max(_lags_read(rows), lags // 3))))


def _lags_read(rows: Rows) -> int:
    return rows.lags + (rows.horizon > 0 and rows.several)


def _pairs_within(centred: np.ndarray, sums: np.ndarray, rows: Rows) -> float:
    """Sum of the products of all pairs of rows less than a horizon apart, corrected for the mean that was taken off."""
    before = np.concatenate([[0.0], np.cumsum(sums)])
    until = before[rows.at_horizon if rows.several else rows.within_horizon]
    total = sums @ sums + 2 * sums @ (until - before[1:])
    if rows.several:
        # a symbol's own rows a whole horizon apart share no bar
        order, first, last = rows.own_at_horizon
        own = centred[order]
        before = np.concatenate([[0.0], np.cumsum(own)])
        total -= 2 * own @ (before[last] - before[first])
    return float(total) / max(1 - 2 * rows.lags / len(sums), 0.5)


def _freedom(sums: np.ndarray, lags: int) -> float:
    """Degrees of freedom of a variance estimated from T sums and so many lags: 2 T / (kurtosis - 1 + 4 lags)."""
    squares = sums**2
    kurtosis = np.mean(squares**2) / np.mean(squares) ** 2
    return float(max(2 * len(sums) / max(kurtosis - 1 + 4 * lags, 1e-9), 1.0))
