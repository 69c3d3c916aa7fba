"""Worked numbers of docs/methods.md, section 9."""

import numpy as np
import pytest

from candlelab.evaluate import sharpe
from candlelab.evaluate.mean_error import newey_west

TRACK = (0.036 / 0.079, 24, -2.448, 10.164)


def test_standard_error_is_that_of_lo():
    assert sharpe.standard_error(0.1, 1000) == pytest.approx(0.031702, abs=5e-7)
    assert np.sqrt(365) * sharpe.standard_error(1 / np.sqrt(365), 365) == pytest.approx(1.0007, abs=5e-5)


def test_a_constant_return_has_no_sharpe_ratio():
    assert np.isnan(sharpe.sharpe(np.full(10, 0.001))) and np.isnan(sharpe.sharpe(np.zeros(10)))


@pytest.mark.parametrize(
    ("correlation", "year", "hours"),
    [
        (-0.2, 23.3854, 114.627),
        (-0.05, 20.0826, 98.397),
        (0, 19.1050, 93.595),
        (0.05, 18.1750, 89.027),
        (0.1, 17.2859, 84.661),
        (0.2, 15.6081, 76.422),
    ],
)
def test_autocorrelation_changes_the_annual_factor(correlation, year, hours):
    assert sharpe.annual_factor_ar1(365, correlation) == pytest.approx(year, abs=5e-5)
    assert sharpe.annual_factor_ar1(8760, correlation) == pytest.approx(hours, abs=5e-4)


@pytest.mark.parametrize(("correlation", "factor"), [(-0.2, 4.1708), (0.05, 3.3089), (0.1, 3.1601), (0.2, 2.8788)])
def test_general_annual_factor_equals_the_autoregressive_one(correlation, factor):
    lags = correlation ** np.arange(1, 12)
    assert sharpe.annual_factor(12, lags) == pytest.approx(factor, abs=5e-5)
    assert sharpe.annual_factor_ar1(12, correlation) == pytest.approx(factor, abs=5e-5)


def test_probabilistic_sharpe_of_the_published_track():
    assert TRACK[0] == pytest.approx(0.455696, abs=5e-7)
    assert sharpe.probabilistic_sharpe(*TRACK) == pytest.approx(0.9127, abs=5e-5)
    assert sharpe.probabilistic_sharpe(TRACK[0], 24, 0, 3) == pytest.approx(0.9812, abs=5e-5)
    assert sharpe.probabilistic_sharpe(TRACK[0], 36, *TRACK[2:]) == pytest.approx(0.9530, abs=5e-5)


def test_minimum_track_record_of_the_published_track():
    assert sharpe.minimum_track_record(TRACK[0], *TRACK[2:]) == pytest.approx(34.76, abs=5e-3)
    assert sharpe.minimum_track_record(TRACK[0], 0, 3) == pytest.approx(15.38, abs=5e-3)
    assert np.isnan(sharpe.minimum_track_record(-0.1, 0, 3))


@pytest.mark.parametrize(
    ("trials", "best"),
    [
        (2, 0.5198),
        (5, 1.1926),
        (10, 1.5746),
        (14, 1.7384),
        (20, 1.9007),
        (45, 2.2356),
        (50, 2.2763),
        (100, 2.5306),
        (216, 2.7906),
        (1000, 3.2551),
    ],
)
def test_expected_best_of_null_trials(trials, best):
    assert sharpe.expected_maximum(trials) == pytest.approx(best, abs=5e-5)


@pytest.mark.parametrize(
    ("trials", "moments", "probability"),
    [(100, (-3, 10), 0.9004), (46, (-3, 10), 0.9505), (88, (0, 3), 0.9505), (100, (0, 3), 0.9428)],
)
def test_deflated_sharpe_of_the_published_example(trials, moments, probability):
    found = sharpe.deflated_sharpe(2.5 / np.sqrt(250), 1250, *moments, trial_variance=0.5 / 250, trials=trials)
    assert found == pytest.approx(probability, abs=5e-5)


def test_without_deflation_the_published_example_looks_certain():
    assert sharpe.probabilistic_sharpe(2.5 / np.sqrt(250), 1250, -3, 10) == pytest.approx(0.999997, abs=5e-7)
    assert np.sqrt(0.5 / 250) * sharpe.expected_maximum(100) == pytest.approx(0.113172, abs=5e-7)


def test_deflated_sharpe_of_ten_columns():
    table = np.random.default_rng(7).normal(0, 0.01, (500, 10))
    table[:, 0] += 0.0008
    if table[0, 1] != pytest.approx(np.random.default_rng(7).normal(0, 0.01, 2)[1]):
        pytest.skip("another random stream")
    ratios = np.array([sharpe.sharpe(column) for column in table.T])
    moments = sharpe.moments(table[:, 4])
    found = sharpe.deflated_sharpe(ratios[4], 500, *moments, trial_variance=ratios.var(ddof=1), trials=10)
    assert ratios.argmax() == 4 and ratios[4] == pytest.approx(0.08481387, abs=5e-9)
    assert ratios.var(ddof=1) == pytest.approx(0.00338896, abs=5e-9)
    assert sharpe.probabilistic_sharpe(ratios[4], 500, *moments) == pytest.approx(0.97066, abs=5e-6)
    assert found == pytest.approx(0.43931, abs=5e-6)


def test_correlated_trials_count_less():
    assert sharpe.effective_trials(100, 0.5) == pytest.approx(50.5)
    assert sharpe.effective_trials(14, 0.9) == pytest.approx(2.3)


@pytest.mark.parametrize(("trials", "years"), [(7, 1.92), (9, 2.31), (45, 5.00), (216, 7.79), (1000, 10.60)])
def test_minimum_backtest_length(trials, years):
    assert sharpe.minimum_backtest_years(trials) == pytest.approx(years, abs=5e-3)


def test_difference_of_two_sharpe_ratios():
    error = sharpe.difference_error(0.10, 0.05, 0.6, 1000)
    assert error == pytest.approx(0.028363, abs=5e-7) and 0.05 / error == pytest.approx(1.763, abs=5e-4)


def test_newey_west_of_six_numbers():
    x = np.array([1, 2, 3, 2, 1, 0.0])
    assert newey_west(x, 0) == pytest.approx(0.916667, abs=5e-7)
    assert newey_west(x, 1) - newey_west(x, 0) == pytest.approx(0.291667, abs=5e-7)
    assert np.sqrt(newey_west(x, 1) / 6) == pytest.approx(0.448764, abs=5e-7)
