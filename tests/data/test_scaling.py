"""Scalers: exact numbers, exact storage, and no knowledge of anything but the training rows."""

import json

import numpy as np
import pytest

from candlelab.data.scaling import MinMax, Robust, Standard, from_dict

KINDS = [Standard, MinMax, Robust]
TRAINING = slice(0, 60)


def rows():
    return np.random.default_rng(0).normal([1.0, -5.0, 100.0], [1.0, 0.1, 30.0], (100, 3))


def fitted_on_training(make, values):
    return make(clip=None).fit(values[TRAINING])


def ignores_later_rows(fit, values):
    """Rewriting validation and test rows changes nothing that was fitted."""
    poisoned = values.copy()
    poisoned[TRAINING.stop :] = 1e9
    return fit(values).to_dict() == fit(poisoned).to_dict()


def test_standard_by_hand():
    scaler = Standard(clip=None).fit(np.array([[1.0], [3.0]]))
    assert scaler(np.array([[5.0], [2.0]])).ravel().tolist() == [3.0, 0.0]


def test_minmax_by_hand():
    scaler = MinMax(clip=None).fit(np.array([[1.0], [3.0]]))
    assert scaler(np.array([[1.0], [3.0], [4.0]])).ravel().tolist() == [0.0, 1.0, 1.5]


def test_robust_by_hand():
    scaler = Robust(clip=None).fit(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]))
    assert scaler(np.array([[2.0], [5.0]])).ravel().tolist() == [0.0, 1.5]  # median 2, quartiles 1 and 3


def test_clip_limits_both_sides():
    scaler = Standard(clip=1.5).fit(np.array([[1.0], [3.0]]))
    assert scaler(np.array([[99.0], [-99.0]])).ravel().tolist() == [1.5, -1.5]


def test_constant_column_is_only_centred():
    assert Standard(clip=None).fit(np.full((4, 1), 0.1))(np.array([[0.1], [0.6]])).ravel() == pytest.approx([0.0, 0.5])


def test_incomplete_rows_are_left_out_of_the_fit_and_stay_unknown():
    scaler = Standard(clip=None).fit(np.array([[np.nan], [1.0], [3.0]]))
    assert np.isnan(scaler(np.array([[np.nan]]))).all() and scaler.centre[0] == 2.0


@pytest.mark.parametrize("make", KINDS)
def test_storage_keeps_every_bit(make):
    values = rows()
    scaler = fitted_on_training(make, values)
    again = from_dict(json.loads(json.dumps(scaler.to_dict())))
    assert type(again) is make and np.array_equal(again(values), scaler(values))


@pytest.mark.parametrize("make", KINDS)
def test_fit_ignores_validation_and_test_rows(make):
    assert ignores_later_rows(lambda values: fitted_on_training(make, values), rows())


@pytest.mark.parametrize("make", KINDS)
def test_a_scaler_fitted_on_all_rows_is_caught(make):
    assert not ignores_later_rows(lambda values: make(clip=None).fit(values), rows())


def test_no_complete_row_is_an_error():
    with pytest.raises(ValueError, match="no complete training row"):
        Standard(clip=None).fit(np.full((3, 2), np.nan))


def test_other_columns_than_fitted_are_refused():
    with pytest.raises(ValueError, match="fitted on 3 columns and got 2"):
        fitted_on_training(Standard, rows())(np.zeros((5, 2)))


def test_clip_must_be_positive():
    with pytest.raises(ValueError, match="clip"):
        Standard(clip=0.0)
