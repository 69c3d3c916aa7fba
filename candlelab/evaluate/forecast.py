"""Forecast error against the naive forecast: that the close stays where it is (random walk without drift)."""

from __future__ import annotations

import numpy as np

from candlelab.evaluate import intervals
from candlelab.evaluate.classification import Predicted, Scored, put
from candlelab.evaluate.mean_error import FEWEST_COSINES

FEWEST = 3  # rows below which nothing is said
LEVEL = 0.95  # of the range in which the coming close is expected


def against_naive(given: Predicted, confidence_level: float) -> Scored:
    """Mean absolute and root mean squared error in percent of the price, the naive ones, and what is gained; empty without a forecast.

    forecast_gain_pct  naive less own absolute error, row by row: above 0 the forecast is better than no change at all.
    """
    known = _known(given)
    if known.sum() < FEWEST:
        return {}
    actual, rows = np.log1p(given.forward_return[known]), given.rows.take(known)
    own, naive = 100 * np.abs(given.forecast[known] - actual), 100 * np.abs(actual)
    found: Scored = {"forecast_n": int(known.sum())}
    for name, values in (("forecast_mae_pct", own), ("naive_mae_pct", naive), ("forecast_gain_pct", naive - own)):
        put(
            found, name, float(values.mean()), intervals.of_loss(values, rows, confidence_level, cosines=FEWEST_COSINES)
        )
    return found | {
        "forecast_rmse_pct": float(np.sqrt(np.mean(own**2))),
        "naive_rmse_pct": float(np.sqrt(np.mean(naive**2))),
    }


def expected_range(error: np.ndarray) -> tuple[float, float] | None:
    """Quantiles of target - forecast, in volatilities, between which the coming close is expected; NaN rows are left out."""
    error = error[np.isfinite(error)]
    if len(error) < FEWEST:
        return None
    low, high = np.quantile(error, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def coverage(validation: Predicted, test: Predicted) -> Scored:
    """Share of test closes inside the range that validation errors give; empty where either part has no forecast."""
    told = expected_range(_errors(validation))
    errors = _errors(test)
    if told is None or not len(errors):
        return {}
    return {"forecast_coverage": float(np.mean((errors >= told[0]) & (errors <= told[1])))}


def _errors(given: Predicted) -> np.ndarray:
    """Actual less forecast log return in volatilities, of the rows that have both."""
    known = _known(given) & (given.sigma > 0)
    return (np.log1p(given.forward_return[known]) - given.forecast[known]) / given.sigma[known]


def _known(given: Predicted) -> np.ndarray:
    return np.isfinite(given.forecast) & np.isfinite(given.forward_return)
