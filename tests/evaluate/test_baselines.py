"""Baselines answer what they say, and as scikit-learn would."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from candlelab.evaluate.baselines import BASELINES, Features, fit_baselines, fit_predict, priors


def windows(seed, n, classes):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, 6))
    label = np.clip((numbers[:, 0] + rng.normal(0, 1, n)).round() + classes // 2, 0, classes - 1).astype(int)
    return Features(numbers, rng.integers(0, classes, n), rng.normal(size=(n, 2)), label)


@pytest.fixture(scope="module", params=[2, 3])
def answers(request):
    train, validation, rows = (windows(seed, size, request.param) for seed, size in ((0, 600), (3, 200), (1, 200)))
    return request.param, train, rows, fit_predict(train, validation, rows, classes=request.param, seed=0)


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_gives_probabilities(answers, name):
    classes, _, rows, found = answers
    assert found[name].shape == (len(rows.label), classes)
    assert found[name].sum(1) == pytest.approx(1) and (found[name] >= 0).all()


def test_majority_answers_the_commonest_training_class(answers):
    _, train, _, found = answers
    assert (found["majority"].argmax(1) == np.bincount(train.label).argmax()).all()


def test_reversal_is_the_opposite_of_the_last_class_and_neutral_stays_neutral(answers):
    classes, _, rows, found = answers
    assert (found["last_direction"].argmax(1) == rows.last_class).all()
    assert (found["reversal"].argmax(1) == classes - 1 - rows.last_class).all()


def test_last_bars_without_a_class_get_the_training_shares():
    train, rows = windows(0, 100, 2), windows(1, 3, 2)
    still = Features(rows.numbers, np.full(3, -1), rows.volatility, rows.label)
    assert fit_predict(train, train, still, classes=2, seed=0)["reversal"] == pytest.approx(
        np.tile(priors(train.label, 2), (3, 1))
    )


def test_boosting_stops_where_validation_says_so():
    """One number in twenty knows a little: all rounds of boosting learn the noise by heart."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(3000, 20))
    label = (0.15 * numbers[:, 0] + rng.normal(size=3000) > 0).astype(int)
    none = np.zeros((1000, 2))
    train, validation, rows = (Features(numbers[k::3], label[k::3], none, label[k::3]) for k in range(3))
    p = fit_predict(train, validation, rows, classes=2, seed=0)["gradient_boosting"]
    assert -np.log(p[np.arange(1000), rows.label]).mean() < np.log(2) + 0.005


def test_logistic_equals_plain_scikit_learn(answers):
    _, train, rows, found = answers
    plain = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train.numbers, train.label)
    assert found["logistic"] == pytest.approx(plain.predict_proba(rows.numbers))


def test_volatility_reads_only_the_two_numbers(answers):
    classes, train, rows, found = answers
    blind = Features(rows.numbers * 0, rows.last_class * 0, rows.volatility, rows.label * 0)
    assert fit_predict(train, train, blind, classes=classes, seed=0)["volatility"] == pytest.approx(found["volatility"])


@pytest.mark.parametrize("name", BASELINES)
def test_evaluated_labels_change_nothing(answers, name):
    classes, train, rows, found = answers
    other = Features(rows.numbers, rows.last_class, rows.volatility, rows.label * 0)
    assert (fit_predict(train, windows(3, 200, classes), other, classes=classes, seed=0)[name] == found[name]).all()


def test_rows_without_a_label_are_not_trained_on():
    train, rows = windows(0, 300, 2), windows(1, 20, 2)
    extra = windows(2, 50, 2)
    more = Features(
        *(
            np.concatenate([a, b])
            for a, b in (
                (train.numbers, 9 * extra.numbers),
                (train.last_class, extra.last_class),
                (train.volatility, 9 * extra.volatility),
                (train.label, np.full(50, -1)),
            )
        )
    )
    assert fit_predict(more, train, rows, classes=2, seed=0)["logistic"] == pytest.approx(
        fit_predict(train, train, rows, classes=2, seed=0)["logistic"]
    )


def test_unknown_numbers_are_survived():
    train, rows = windows(0, 200, 2), windows(1, 20, 2)
    train.numbers[::7, 2] = np.nan
    rows.volatility[0] = -np.inf
    assert all(np.isfinite(p).all() for p in fit_predict(train, train, rows, classes=2, seed=0).values())


def test_one_training_class_is_survived():
    train, rows = windows(0, 50, 2), windows(1, 5, 2)
    constant = Features(train.numbers, train.last_class, train.volatility, np.ones(50, int))
    assert set(fit_predict(constant, constant, rows, classes=2, seed=0)) == set(BASELINES)


def test_no_training_label_is_refused():
    empty = Features(np.zeros((3, 2)), np.zeros(3), np.zeros((3, 2)), np.full(3, -1))
    with pytest.raises(ValueError, match="no labelled row"):
        fit_predict(empty, empty, empty, classes=2, seed=0)


@pytest.mark.parametrize("name", BASELINES)
def test_a_row_is_answered_alike_whatever_the_others_are(name):
    train, validation, rows = (windows(seed, size, 3) for seed, size in ((0, 300), (3, 100), (1, 50)))
    answer = fit_baselines(train, validation, classes=3, seed=0)[name]
    some = Features(rows.numbers[20:30], rows.last_class[20:30], rows.volatility[20:30], rows.label[20:30])
    assert answer(some) == pytest.approx(answer(rows)[20:30], abs=1e-14)
