"""Forecasts of the coming close against no change at all, by hand."""

import numpy as np
import pandas as pd
import pytest
import score_cases

from candlelab.evaluate.classification import Predicted
from candlelab.evaluate.forecast import against_naive, coverage, expected_range
from candlelab.evaluate.rows import Rows

ACTUAL = np.array([0.02, -0.01, 0.03, -0.04, 0.0])  # log returns
FORECAST = np.array([0.01, 0.01, 0.03, -0.02, 0.01])  # misses by 1, 2, 0, 2, 1 percent


def predicted(forecast, actual=ACTUAL, sigma=0.01):
    size = len(actual)
    frame = pd.DataFrame({"symbol": 0, "segment": 0, "time": 3_600_000 * np.arange(size)})
    rows = Rows.of(frame, horizon=1, interval="1h")
    return Predicted(
        np.zeros(size, int), np.full((size, 2), 0.5), forecast, np.expm1(actual), np.full(size, sigma), rows
    )


def test_the_error_and_the_naive_one_by_hand():
    found = against_naive(predicted(FORECAST), 0.95)
    assert found["forecast_mae_pct"] == pytest.approx(6 / 5) and found["naive_mae_pct"] == pytest.approx(10 / 5)
    assert found["forecast_gain_pct"] == pytest.approx(4 / 5)
    assert found["forecast_rmse_pct"] == pytest.approx(np.sqrt(10 / 5)) and found["naive_rmse_pct"] == pytest.approx(
        np.sqrt(30 / 5)
    )


def test_no_change_gains_nothing_and_no_forecast_has_no_error():
    assert against_naive(predicted(np.zeros(5)), 0.95)["forecast_gain_pct"] == 0
    assert against_naive(predicted(np.full(5, np.nan)), 0.95) == {}


def test_the_expected_range_holds_ninety_five_of_a_hundred_errors():
    assert (
        expected_range(np.arange(101.0)) == pytest.approx((2.5, 97.5))
        and expected_range(np.array([np.nan, 1.0])) is None
    )


def test_coverage_counts_test_errors_inside_the_validation_range():
    validation = predicted(
        np.zeros(101), np.arange(-50.0, 51.0) / 100
    )  # errors of -50 to 50 volatilities: -47.5 to 47.5
    test = predicted(np.zeros(4), np.array([-0.48, -0.47, 0.47, 0.48]))
    assert coverage(validation, test) == {"forecast_coverage": 0.5}


def test_a_recogniser_that_forecasts_is_held_against_no_change_too():
    metrics = score_cases.score(score_cases.predictions(), kind="recognition", horizon=0).metrics
    assert (
        metrics["test/forecast_gain_pct"] is not None
        and metrics["test/forecast_gain_pct_low"] < metrics["test/forecast_gain_pct_high"]
    )
