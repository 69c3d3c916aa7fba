"""Standard error of a mean over overlapping labels and pooled symbols (Hansen-Hodrick kernel on sums per instant).

Dimensions: n rows, T distinct instants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import dct, irfft, next_fast_len, rfft
from scipy.special import ndtri, stdtrit

if TYPE_CHECKING:
    from candlelab.evaluate.rows import Rows

FEWEST_COSINES = 6  # also where a series is too short to show how long calm and lively times last
LOSS_COSINES = 4  # losses are skewed, the more so the livelier the times: wide tails miss less
SHORT_MEMORY = 32  # lags
MANY_COSINES = 48  # so many know a variance well enough to be held against that of independent rows


@dataclass(frozen=True)
class MeanError:
    """Standard error of a mean, and the degrees of freedom of Student's t that its own noise leaves."""

    error: float
    freedom: float

    def half(self, confidence_level: float = 0.95) -> float:
        """Half the width of the interval."""
        return quantile(confidence_level, self.freedom) * self.error


def quantile(confidence_level: float, freedom: float = np.inf) -> float:
    """Student's t quantile of a two-sided level; 0.95 gives 1.96 for infinite degrees of freedom."""
    return float(
        ndtri((1 + confidence_level) / 2) if np.isinf(freedom) else stdtrit(freedom, (1 + confidence_level) / 2)
    )


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


def lasting_time(values: np.ndarray, rows: Rows) -> float:
    """Integrated autocorrelation time of `values` (n,) from row to row of a symbol: 1 where nothing lasts.

    (1 + r) / (1 - r) where the memory is of first order r. Autocorrelations are summed until five such times (Sokal 1997).
    """
    return integrated_time(np.split(values, np.flatnonzero(np.diff(rows.symbol)) + 1))


def integrated_time(series: list[np.ndarray]) -> float:
    """The same of the mean autocovariance of several series."""
    centred, longest = [each - each.mean() for each in series], max(map(len, series))
    if longest > 2 * SHORT_MEMORY:  # most memories are short: their first lags cost less than a transform of all
        found = sum(_autocovariance(each, SHORT_MEMORY) for each in centred)
        time = _summed_until(np.asarray(found))
        if time is not None:
            return time
    found = np.zeros(longest)
    for each in centred:
        size = next_fast_len(2 * len(each), real=True)
        found[: len(each)] += irfft(np.abs(rfft(each, size)) ** 2, size)[: len(each)]
    time = _summed_until(found)
    return max(float((2 * np.cumsum(found / found[0]) - 1).max()), 1.0) if time is None else time


def _autocovariance(centred: np.ndarray, lags: int) -> np.ndarray:
    """Sums of products at the lags 0 … lags - 1."""
    return np.array([centred[: max(len(centred) - k, 0)] @ centred[k:] for k in range(lags)])


def _summed_until(found: np.ndarray) -> float | None:
    """The time, summed until five such times; None where these are too few lags. found (lags,) autocovariances."""
    if found[0] <= 0:
        return 1.0
    time = 2 * np.cumsum(found / found[0]) - 1
    enough = np.flatnonzero(np.arange(len(time)) >= 5 * time)
    return float(max(time[enough[0]], 1.0)) if len(enough) else None


def cosines_for(size: int, lasts: float) -> int:
    """How many cosines over T = `size` steps are slow beside what `lasts` so many steps: T / (2 pi lasts), at least six."""
    return max(min(max(int(size / (2 * np.pi * lasts)), FEWEST_COSINES), size // 4), 1)


def long_run(sums: np.ndarray, cosines: int) -> MeanError:
    """Standard error of the sum of a series (T,) from its slowest cosines; Student's t with about as many degrees of freedom.

    Equal-weighted cosine estimator of the long-run variance. Source: Lazarus, Lewis, Stock & Watson 2018.
    """
    slow = dct(sums - sums.mean(), norm="ortho")[1 : cosines + 1]
    fat = max(_kurtosis(sums) - 3, 0.0) / (2 * len(sums))
    return MeanError(float(np.sqrt(len(sums) * np.mean(slow**2))), 1 / (1 / len(slow) + fat))


def error_of_mean(values: np.ndarray, rows: Rows) -> MeanError:
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


def of_lasting_mean(values: np.ndarray, rows: Rows, cosines: int) -> MeanError:
    """As `of_mean`, for terms that hang together beyond the horizon as well: where answers last, or calm and lively times do.

    cosines  at most so many are read, fewer where the terms themselves last; many are held against `of_mean`
    """
    plain = error_of_mean(values, rows)
    if plain.error == 0 or len(rows.instants) < 4 * FEWEST_COSINES:
        return plain
    sums = np.bincount(rows.instant, values - np.mean(values), len(rows.instants))
    cosines = min(cosines, cosines_for(len(sums), integrated_time([sums])))
    if cosines > len(sums) // 10:  # nothing lasts longer than a row and a half
        return plain
    found = long_run(sums, cosines)
    found = MeanError(found.error / len(rows), found.freedom)
    few = cosines < MANY_COSINES and found.error > 0
    return found if few else max(found, plain, key=MeanError.half)


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
    return float(max(2 * len(sums) / max(_kurtosis(sums) - 1 + 4 * lags, 1e-9), 1.0))


def _kurtosis(sums: np.ndarray) -> float:
    squares = sums**2
    return float(np.mean(squares**2) / np.mean(squares) ** 2)
