"""Sharpe ratios and what they are worth .

Everything is per bar unless a name says annual. "Not available" is NaN, never 0.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from candlelab.evaluate.mean_error import MANY_COSINES, MeanError, long_run, newey_west

EULER = float(np.euler_gamma)


def sharpe(returns: np.ndarray) -> float:
    """Mean over standard deviation (ddof=1) of all bars, flat ones included; NaN without movement."""
    if len(returns) < 2:
        return np.nan
    spread = np.std(returns, ddof=1)
    # rounding leaves about 1e-19 on a constant series of ordinary returns
    return float(np.mean(returns) / spread) if spread > 1e-15 else np.nan


def standard_error(ratio: float, size: int) -> float:
    """Standard error of a Sharpe ratio of independent normal returns (Lo 2002)."""
    return float(np.sqrt((1 + ratio**2 / 2) / size))


def moments(returns: np.ndarray) -> tuple[float, float]:
    """Biased sample skewness and raw kurtosis (normal: 0 and 3)."""
    centred = returns - np.mean(returns)
    squares = centred * centred
    second = squares.mean()
    return float(np.mean(squares * centred) / second**1.5), float(np.mean(squares * squares) / second**2)


def robust_error(returns: np.ndarray, cosines: int) -> MeanError:
    """Standard error for skewed, fat-tailed, autocorrelated returns.

    The spread of independent returns times the root of long-run over plain variance; with many cosines at least 1.
    """
    ratio = sharpe(returns)
    if np.isnan(ratio):
        return MeanError(np.nan, np.inf)
    skewness, raw_kurtosis = moments(returns)
    plain = _spread(ratio, skewness, raw_kurtosis) / np.sqrt(len(returns) - 1)
    found = long_run(returns, cosines)
    inflation = found.error / (np.std(returns) * np.sqrt(len(returns)))
    return MeanError(plain * (max(1.0, inflation) if cosines >= MANY_COSINES else inflation), found.freedom)


def annual_factor(bars: int, correlations: np.ndarray) -> float:
    """eta(q) of Lo 2002: multiplies a per-bar ratio; sqrt(q) where returns are uncorrelated.

    correlations (m,) autocorrelations of lag 1 … m, taken as 0 beyond.
    """
    lag = np.arange(1, min(len(correlations), bars - 1) + 1)
    return float(bars / np.sqrt(bars + 2 * np.sum((bars - lag) * correlations[: len(lag)])))


def annual_factor_ar1(bars: int, correlation: float) -> float:
    """eta(q) of Lo 2002 for a first-order autoregression."""
    if correlation == 0:
        return float(np.sqrt(bars))
    tail = 1 - (1 - correlation**bars) / (bars * (1 - correlation))
    return float(np.sqrt(bars) / np.sqrt(1 + 2 * correlation / (1 - correlation) * tail))


def annual_sharpe(returns: np.ndarray, per_year: float, lags: int) -> float:
    """Annualised ratio, autocorrelation taken into account through the Newey-West variance."""
    ratio = sharpe(returns)
    long_run = newey_west(returns, lags) if not np.isnan(ratio) else 0.0
    return float(ratio * np.sqrt(per_year * np.var(returns) / long_run)) if long_run > 0 else np.nan


def _spread(ratio: float, skewness: float, raw_kurtosis: float) -> float:
    return float(np.sqrt(max(1 - skewness * ratio + (raw_kurtosis - 1) / 4 * ratio**2, 1e-12)))


def probabilistic_sharpe(
    ratio: float, size: int, skewness: float, raw_kurtosis: float, benchmark: float = 0.0
) -> float:
    """Probability that the true per-bar ratio exceeds `benchmark` (Bailey & López de Prado 2012)."""
    return float(ndtr((ratio - benchmark) * np.sqrt(size - 1) / _spread(ratio, skewness, raw_kurtosis)))


def minimum_track_record(
    ratio: float, skewness: float, raw_kurtosis: float, benchmark: float = 0.0, confidence_level: float = 0.95
) -> float:
    """Bars needed before the ratio counts as above `benchmark`; NaN where it is not above it."""
    if not ratio > benchmark:
        return np.nan
    return float(1 + _spread(ratio, skewness, raw_kurtosis) ** 2 * (ndtri(confidence_level) / (ratio - benchmark)) ** 2)


def expected_maximum(trials: float) -> float:
    """Expected best of N standard normal draws; 0 for a single trial."""
    if trials <= 1:
        return 0.0
    return float((1 - EULER) * ndtri(1 - 1 / trials) + EULER * ndtri(1 - 1 / (trials * np.e)))


def effective_trials(trials: int, mean_correlation: float) -> float:
    """Independent trials that correlated ones are worth."""
    return mean_correlation + (1 - mean_correlation) * trials


def deflated_sharpe(
    ratio: float, size: int, skewness: float, raw_kurtosis: float, *, trial_variance: float, trials: float
) -> float:
    """Probability that the ratio exceeds what the best of N null trials would show.

    trial_variance  variance (ddof=1) of the per-bar ratios over the trials.
    Source: Bailey & López de Prado 2014.
    """
    benchmark = np.sqrt(trial_variance) * expected_maximum(trials)
    return probabilistic_sharpe(ratio, size, skewness, raw_kurtosis, benchmark)


def minimum_backtest_years(trials: float, annual: float = 1.0) -> float:
    """Years before the best of N skill-less trials is not expected to show this annualised ratio."""
    return (expected_maximum(trials) / annual) ** 2


def difference_error(first: float, second: float, correlation: float, size: int) -> float:
    """Standard error of the difference of two Sharpe ratios (Jobson-Korkie, corrected by Memmel 2003)."""
    cross = first**2 + second**2 - 2 * first * second * correlation**2
    return float(np.sqrt((2 - 2 * correlation + cross / 2) / size))
