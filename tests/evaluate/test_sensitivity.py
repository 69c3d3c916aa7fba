"""Limit of detection: a fitted curve that never falls, and a sentence that says what silence is worth."""

from dataclasses import replace

import numpy as np
import pytest

from candlelab.evaluate.sensitivity import DetectionCurve, Sensitivity, all_monotone, fit_curve

SIZES = (0.01, 0.02, 0.03, 0.04, 0.06)
SEEN = Sensitivity("net", "shape", SIZES, (0, 2, 10, 18, 20), (20,) * 5, 0.03)


def test_the_limit_is_where_the_curve_reaches_80_percent():
    curve = DetectionCurve(0.03, 0.01)
    assert curve.rate(np.array([curve.limit()]))[0] == pytest.approx(0.8)


def test_nothing_planted_is_found_as_often_as_by_chance():
    assert DetectionCurve(0.03, 0.005).rate(np.array([0.0]))[0] == pytest.approx(0.025, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_a_known_curve_is_fitted_again(seed):
    truth, size = DetectionCurve(0.03, 0.01), np.linspace(0.005, 0.06, 8)
    found = np.random.default_rng(seed).binomial(200, truth.rate(size))
    assert fit_curve(size, found, np.full(8, 200)).limit() == pytest.approx(truth.limit(), rel=0.12)


def test_a_step_between_two_sizes_lies_between_them():
    fitted = fit_curve(np.array(SIZES), np.array([0, 0, 0, 5, 5]), np.full(5, 5))
    assert 0.03 < fitted.limit() < 0.042


def test_a_fitted_curve_never_falls():
    rate = SEEN.curve.rate(np.linspace(0, 0.1, 50))
    assert (np.diff(rate) >= 0).all()


def test_what_was_never_found_has_no_limit_and_says_so():
    blind = replace(SEEN, found=(0,) * 5)
    assert blind.limit is None and "not even 6.0 points of AUROC" in blind.sentence()


def test_the_sentence_tells_the_model_from_the_rows():
    weak = replace(SEEN, smallest=0.009)
    assert f"no edge of {100 * weak.limit:.1f} points" in weak.sentence() and "could show 0.9" in weak.sentence()


def test_a_smaller_edge_found_more_often_is_noticed():
    assert all_monotone([SEEN]) and not all_monotone([replace(SEEN, found=(20, 0, 0, 0, 0))])
