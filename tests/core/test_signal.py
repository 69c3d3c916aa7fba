"""The trading rule: what is not finite is no signal."""

import numpy as np
import pytest

from candlelab.core.errors import UserError
from candlelab.core.signal import check_answers, checked_threshold, confidences, signal_at

NAN = float("nan")


@pytest.mark.parametrize("score", ["confidence", "margin", "forecast"])
@pytest.mark.parametrize("row", [[NAN, NAN], [NAN, 0.2], [0.1, float("inf")]])
def test_a_row_that_is_not_finite_has_no_side(score, row):
    sure, side = confidences(np.array([row, [0.2, 0.8]]), None, score)
    assert side.tolist() == [0, 1] and sure[0] == 0


def test_the_surer_side_is_taken_from_the_threshold_on():
    sure, side = confidences(np.array([[0.4, 0.6], [0.7, 0.3], [0.5, 0.5]]), None, "confidence")
    assert signal_at(sure, side, 0.65).tolist() == [0, -1, 0] and signal_at(sure, side, None).tolist() == [0, 0, 0]


@pytest.mark.parametrize("threshold", [NAN, float("inf"), -1.0, "0.5"])
def test_a_threshold_that_is_no_number_is_refused(threshold):
    with pytest.raises(UserError, match="threshold"):
        checked_threshold(threshold)


def test_answers_that_are_not_finite_are_a_mistake_with_a_cure():
    with pytest.raises(UserError, match="train it again"):
        check_answers(np.array([[0.5, 0.5], [NAN, NAN]]))
