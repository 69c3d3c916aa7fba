"""Comparing models: worked numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from candlelab.evaluate import compare, sharpe
from candlelab.evaluate.rows import Rows


def hours(n):
    frame = pd.DataFrame({"symbol": "A", "segment": 0, "time": 3_600_000 * np.arange(n)})
    return Rows.of(frame, horizon=1, interval="1h")


def test_exact_mcnemar_of_30_against_15():
    assert compare.mcnemar(30, 15) == pytest.approx(0.0357, abs=5e-5) and compare.mcnemar(0, 0) == 1.0


def test_holm_of_five_p_values():
    assert compare.holm([0.001, 0.012, 0.03, 0.04, 0.2]) == pytest.approx([0.005, 0.048, 0.09, 0.09, 0.2])


def test_holm_leaves_out_what_is_not_available():
    assert compare.holm([0.02, np.nan, 0.5])[[0, 2]] == pytest.approx([0.04, 0.5])


@pytest.mark.parametrize(
    ("models", "quantile"), [(2, 1.960), (3, 2.344), (4, 2.569), (5, 2.728), (9, 3.102), (10, 3.164)]
)
def test_nemenyi_quantiles(models, quantile):
    unit = compare.critical_difference(models, 1) / np.sqrt(models * (models + 1) / 6)
    assert unit == pytest.approx(quantile, abs=1e-3)


def test_nine_models_on_six_data_sets_are_hard_to_tell_apart():
    assert compare.critical_difference(9, 6) == pytest.approx(4.90, abs=5e-3)
    assert compare.critical_difference(9, 24) == pytest.approx(2.45, abs=5e-3)


def test_mean_ranks_share_ties():
    scores = np.array([[0.9, 0.8, 0.8], [0.7, 0.9, 0.1]])
    assert compare.mean_ranks(scores) == pytest.approx([1.5, 1.75, 2.75])


def test_friedman_sees_the_same_order_everywhere():
    assert compare.friedman(np.tile([3.0, 2.0, 1.0], (8, 1))) < 0.001 and np.isnan(compare.friedman(np.ones((5, 2))))


def test_the_same_model_does_not_differ():
    right = np.random.default_rng(0).integers(0, 2, 100)
    assert compare.paired_accuracy(right, right, hours(100), 0.95, cosines=80) == compare.Difference(0.0, 0.0, 0.0, 1.0)


def test_paired_accuracy_agrees_with_mcnemar():
    order = np.random.default_rng(0).permutation(500)
    first, second = (
        np.r_[np.ones(30), np.zeros(15), np.ones(455)][order],
        np.r_[np.zeros(30), np.ones(15), np.ones(455)][order],
    )
    found = compare.paired_accuracy(first, second, hours(500), 0.95, cosines=80)
    assert found.value == pytest.approx(0.03) and found.p_value == pytest.approx(0.0357, abs=5e-5)


def test_answers_held_for_ten_bars_count_once_in_ten():
    gap = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 500)
    rows, held = replace(hours(5000), horizon=10), np.repeat(gap, 10)
    long = compare.paired_accuracy(held > 0, held < 0, rows, 0.95, cosines=800)
    short = compare.of_means(gap, hours(500), 0.95)
    assert long.high - long.low == pytest.approx(short.high - short.low, rel=0.3)


def test_direction_is_compared_where_the_price_moved():
    label, moved = np.array([0, 1, 0, 1, 0, 0] * 50), np.array([True] * 4 + [False] * 2 * 1).repeat(1)
    moved = np.tile(moved, 50)
    p = np.stack([1 - label * 0.2, label * 0.2], 1)
    calm = np.where(moved[:, None], p, [[0.99, 0.01]])
    assert compare.paired_direction(label, p, calm, moved, hours(300), 0.95).value == 0.0


def test_sharpe_difference_has_the_error_of_memmel():
    rng = np.random.default_rng(0)
    second = rng.normal(0.0005, 0.01, 1000)
    first = 0.6 * second + 0.8 * rng.normal(0.0005, 0.01, 1000)
    found = compare.paired_sharpe(first, second, 0.95)
    correlation = np.corrcoef(first, second)[0, 1]
    error = sharpe.difference_error(sharpe.sharpe(first), sharpe.sharpe(second), correlation, 1000)
    assert (found.high - found.value) / 1.959964 == pytest.approx(error, rel=1e-6)


def test_a_flat_strategy_has_no_sharpe_difference():
    assert np.isnan(compare.paired_sharpe(np.zeros(10), np.arange(10.0), 0.95).value)


def test_paired_auroc_has_the_spread_of_repeated_samples():
    rng, values, halves = np.random.default_rng(0), [], []
    for _ in range(200):
        label = rng.integers(0, 2, 300)
        scores = (1 / (1 + np.exp(-label - rng.normal(0, s, 300))) for s in (1.5, 2.0))
        first, second = (np.stack([1 - s, s], 1) for s in scores)
        found = compare.paired_auroc(label, first, second, hours(300), 0.95, cosines=80)
        values.append(found.value)
        halves.append((found.high - found.low) / 2 / 1.96)
    assert np.mean(halves) == pytest.approx(np.std(values), rel=0.15)


def test_paired_scores_of_one_class_are_not_available():
    p = np.tile([0.4, 0.6], (10, 1))
    assert np.isnan(compare.paired_auroc(np.ones(10, int), p, p, hours(10), 0.95, cosines=80).value)
