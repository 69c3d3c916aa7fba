"""Worked numbers of docs/methods.md, section 7 and 4.2, and agreement with scikit-learn."""

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn import metrics as reference

from candlelab.evaluate import metrics, sharpe

P = np.array([0.9, 0.8, 0.6, 0.4, 0.2])
Y = np.array([1, 1, 0, 1, 0])
BINARY = np.stack([1 - P, P], 1)


@pytest.fixture(scope="module")
def three():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([2, 3, 1], 400).round(2) + 1e-3
    return rng.choice(3, 400, p=[0.2, 0.5, 0.3]), p / p.sum(1, keepdims=True)


def test_worked_probabilities():
    assert metrics.brier_losses(Y, BINARY).mean() == pytest.approx(0.162)
    assert metrics.log_losses(Y, BINARY).mean() == pytest.approx(0.476846, abs=5e-7)
    assert metrics.auroc(Y == 1, P) == pytest.approx(0.833333, abs=5e-7)


def test_table_scores_equal_scikit_learn(three):
    label, p = three
    table, guess = metrics.confusion(label, p.argmax(1), 3), p.argmax(1)
    assert (table == reference.confusion_matrix(label, guess)).all()
    assert metrics.accuracy(table) == pytest.approx(reference.accuracy_score(label, guess))
    assert metrics.balanced_accuracy(table) == pytest.approx(reference.balanced_accuracy_score(label, guess))
    assert metrics.f1_macro(table) == pytest.approx(reference.f1_score(label, guess, average="macro"))
    assert metrics.mcc(table) == pytest.approx(reference.matthews_corrcoef(label, guess))


def test_rank_scores_equal_scikit_learn_ties_included(three):
    label, p = three
    assert metrics.over_classes(metrics.auroc, label, p) == pytest.approx(
        reference.roc_auc_score(label, p, multi_class="ovr")
    )
    each = [reference.average_precision_score(label == k, p[:, k]) for k in range(3)]
    assert metrics.over_classes(metrics.auprc, label, p) == pytest.approx(np.mean(each))


def test_mean_of_the_auroc_parts_is_the_auroc(three):
    label, p = three
    assert metrics.auroc_parts(label == 1, p[:, 1]).mean() == pytest.approx(metrics.auroc(label == 1, p[:, 1]))


def test_one_class_has_no_auroc_and_no_auprc():
    assert np.isnan(metrics.auroc(np.ones(5, bool), P)) and np.isnan(metrics.auprc(np.zeros(5, bool), P))


def test_a_model_that_never_varies_has_no_mcc():
    assert np.isnan(metrics.mcc(np.array([[5, 0], [7, 0]])))


def test_a_class_that_never_occurs_leaves_the_means():
    table = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    assert metrics.balanced_accuracy(table) == pytest.approx((0.75 + 1) / 2)
    assert metrics.f1_macro(table) == pytest.approx((6 / 7 + 8 / 9) / 2)


def test_calibration_error_of_two_bins():
    p = np.array([0.9, 0.9, 0.6, 0.6])
    label = np.array([1, 0, 1, 1])
    bins = metrics.calibration_bins(label, np.stack([1 - p, p], 1), 10)
    assert metrics.ece(*bins) == pytest.approx((2 * abs(0.5 - 0.9) + 2 * abs(1 - 0.6)) / 4)


def test_volatility_alone_knows_no_direction():
    rng = np.random.default_rng(1)
    calm = rng.random(6000) < 0.5
    label = np.where(calm & (rng.random(6000) < 0.8), 1, rng.choice([0, 2], 6000))
    p = np.where(calm[:, None], [0.1, 0.8, 0.1], [0.4, 0.2, 0.4]) + rng.uniform(0, 0.01, (6000, 3))
    assert metrics.auroc_move(label, p) > 0.8
    assert metrics.auroc_direction(label, p, label != 1) == pytest.approx(0.5, abs=0.03)


def test_direction_of_two_classes_is_the_auroc():
    assert metrics.auroc_direction(Y, BINARY, Y >= 0) == pytest.approx(5 / 6) and np.isnan(
        metrics.auroc_move(Y, BINARY)
    )


@pytest.mark.parametrize(("size", "half"), [(50, 0.139), (75, 0.113), (200, 0.069), (1000, 0.031), (10_000, 0.0098)])
def test_chance_band_of_accuracy(size, half):
    found = metrics.chance_band(np.array([0.5, 0.5]), np.array([0.5, 0.5]), size, 0.95)
    assert found == pytest.approx((0.5 - half, 0.5 + half), abs=5e-4 if half > 0.01 else 5e-5)


def test_a_constant_answer_is_right_by_chance_as_often_as_its_class_occurs():
    assert metrics.chance_band(np.array([0.414, 0.586]), np.array([0.0, 1.0]), 1000, 0.95) == pytest.approx(
        (0.586, 0.586)
    )


def test_the_chance_band_holds_shuffled_answers_of_unequal_classes():
    rng = np.random.default_rng(0)
    label, answer = rng.choice(3, 500, p=[0.6, 0.3, 0.1]), rng.choice(3, 500, p=[0.2, 0.7, 0.1])
    low, high = metrics.chance_band(*(np.bincount(values) / 500 for values in (label, answer)), 500, 0.95)
    inside = [low <= np.mean(rng.permutation(answer) == label) <= high for _ in range(2000)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("ones", "zeros", "null", "best", "high", "low"),
    [
        (25, 50, 0.0712, 0.656, 0.0451, 0.0647),
        (18, 36, 0.0841, 0.684, 0.0534, 0.0764),
        (4, 7, 0.1890, 0.914, 0.1191, 0.1705),
    ],
)
def test_errors_of_an_auroc(ones, zeros, null, best, high, low):
    deviation = metrics.auroc_null_error(ones, zeros)
    assert deviation == pytest.approx(null, abs=5.1e-5)
    assert 0.5 + deviation * sharpe.expected_maximum(40) == pytest.approx(best, abs=5.1e-4)
    assert metrics.auroc_error(0.892, ones, zeros) == pytest.approx(high, abs=5.1e-5)
    assert metrics.auroc_error(0.734, ones, zeros) == pytest.approx(low, abs=5.1e-5)


@pytest.mark.parametrize("accuracy", [0.51, 0.52, 0.55, 0.60])
def test_the_smallest_edge_is_seen_in_80_of_100_samples(accuracy):
    size = (1.959964 + 0.841621) ** 2 * accuracy * (1 - accuracy) / (accuracy - 0.5) ** 2
    assert metrics.smallest_accuracy(size, 1.959964) == pytest.approx(accuracy, abs=1e-6)


def test_two_rows_can_show_no_edge():
    assert np.isnan(metrics.smallest_accuracy(0.02, 1.96)) and np.isnan(metrics.smallest_accuracy(0, 1.96))


def test_unchanged_closes_tell_nothing_of_direction():
    label, forward = np.array([0, 0, 1, 1]), np.array([0.0, -0.01, 0.02, 0.0])
    assert metrics.direction_rows(label, 2, forward).tolist() == [False, True, True, False]


@pytest.mark.parametrize("parts", [metrics.balanced_parts, metrics.f1_parts, metrics.mcc_parts])
def test_parts_have_the_score_as_mean_and_its_spread_over_samples_as_error(parts):
    rng, values, errors = np.random.default_rng(0), [], []
    for _ in range(300):
        label = rng.choice(3, 400, p=[0.5, 0.3, 0.2])
        answer = np.where(rng.random(400) < 0.5, label, rng.choice(3, 400))
        found = parts(label, answer, 3)
        values.append(found.mean())
        errors.append(found.std() / 20)
    score = {"balanced_parts": metrics.balanced_accuracy, "f1_parts": metrics.f1_macro, "mcc_parts": metrics.mcc}[
        parts.__name__
    ]
    assert values[-1] == pytest.approx(score(metrics.confusion(label, answer, 3)))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


@pytest.mark.parametrize("count", [3, 40, 1001])
def test_the_rank_correlation_has_scipys_bits(count):
    one, other = np.random.default_rng(count).normal(size=(2, count)).round(1)
    ranks = np.stack([rankdata(one), rankdata(other)])
    assert np.corrcoef(ranks)[1, 0] == spearmanr(one, other).statistic


@pytest.mark.parametrize("levels", [3, 10**9])
def test_an_area_and_its_parts_come_from_one_sort(levels):
    rng = np.random.default_rng(4)
    positive, score = rng.random(300) < 0.3, rng.integers(0, levels, 300) / levels
    value, parts = metrics.auroc_with_parts(positive, score)
    assert value == metrics.auroc(positive, score) == pytest.approx(parts.mean())
