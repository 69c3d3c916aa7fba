"""Where a recogniser falls silent, by hand."""

import numpy as np
import pytest
import score_cases

from candlelab.evaluate.abstain import least_confidence

CONFIDENCE = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
RIGHT = np.array([1, 1, 0, 1, 0])  # of the surest 1, 2, 3, 4, 5: right 1, 2, 2, 3, 3


@pytest.mark.parametrize(("precision", "least"), [(1.0, 0.8), (0.75, 0.6), (0.6, 0.5), (0.5, 0.5)])
def test_the_least_confidence_that_is_right_often_enough(precision, least):
    assert least_confidence(CONFIDENCE, RIGHT, precision, fewest=1) == least


def test_answers_of_equal_confidence_are_taken_together():
    assert least_confidence(np.array([0.9, 0.9, 0.5]), np.array([1, 0, 1]), 0.9, fewest=1) is None


def test_too_few_right_answers_name_nothing():
    assert (
        least_confidence(CONFIDENCE, RIGHT, 0.75, fewest=5) is None
        and least_confidence(np.empty(0), np.empty(0), 0.5) is None
    )


def test_a_recogniser_is_scored_where_it_speaks():
    table = score_cases.predictions(edge=1.0)
    table.loc[table.model == "net", ["p_0", "p_1"]] = [0.885, 0.115]
    good = (table.model == "net") & (table.index % 4 == 0)
    table.loc[good, "p_1"] = np.where(table.label[good] == 1, 0.95, 0.05)
    table.loc[good, "p_0"] = 1 - table.loc[good, "p_1"]
    scores = score_cases.score(table, kind="recognition", horizon=0, min_precision=0.95)
    assert scores.threshold["threshold"] == 0.95 and scores.metrics["test/named_accuracy"] == 1
    assert scores.metrics["test/named"] == pytest.approx(0.25, abs=0.01) and scores.metrics["test/accuracy"] < 0.8
