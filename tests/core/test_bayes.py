"""AUROC where the probabilities are known."""

import numpy as np
import pytest

from candlelab.core.bayes import expected_auroc, share_of_the_way

P = np.array([0.25, 0.75])


def test_best_auroc_counts_ties_half():
    # one row each: up mass .25 .75, down mass .75 .25
    # (.25 * .75/2 + .75 * (.75 + .25/2)) / (1 * 1) = 0.75
    assert expected_auroc(P, P) == pytest.approx(0.75)


def test_a_constant_score_goes_none_of_the_way():
    assert share_of_the_way(np.zeros(2), P) == pytest.approx(0.0)


def test_the_true_probability_goes_all_of_the_way_and_its_opposite_as_far_back():
    assert share_of_the_way(P, P) == pytest.approx(1.0)
    assert share_of_the_way(-P, P) == pytest.approx(-1.0)


def test_there_is_no_way_where_nothing_is_to_be_known():
    assert np.isnan(share_of_the_way(np.arange(3.0), np.full(3, 0.5)))
