"""Intervals of losses, calibration and precision where answers last."""

import numpy as np
import pytest

from candlelab.evaluate import intervals, mean_error
from candlelab.evaluate.mean_error import quantile
from candlelab.evaluate.rows import Rows

HOUR = 3_600_000


def rows_of(size):
    return Rows(HOUR * np.arange(size), np.zeros(size, int), np.zeros(size, int), 1, "1h")


def stretches(count, length, rng):
    return np.repeat(rng.normal(size=count), length)


@pytest.mark.parametrize("sign", [1, -1])
def test_skewness_makes_one_side_of_a_loss_longer_and_neither_shorter(sign):
    losses = sign * np.exp(stretches(40, 50, np.random.default_rng(0)))
    low, high = intervals.of_loss(losses, rows_of(2000), 0.95, cosines=6)
    found = mean_error.of_lasting_mean(losses, rows_of(2000), mean_error.LOSS_COSINES)
    half = quantile(0.95, found.freedom) * found.error
    longer, other = (high - losses.mean(), losses.mean() - low)[::sign]
    assert longer > 1.2 * half and other == pytest.approx(half)


def test_losses_of_lively_stretches_hold_their_mean_nineteen_times_in_twenty():
    held, rng = [], np.random.default_rng(0)
    for _ in range(400):
        losses = np.exp(0.6 * stretches(40, 50, rng)) + rng.normal(size=2000)
        low, high = intervals.of_loss(losses, rows_of(2000), 0.95, cosines=6)
        held.append(low < np.exp(0.18) < high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_independent_losses_without_skewness_get_students_interval():
    losses = np.random.default_rng(0).normal(size=2000)
    low, high = intervals.of_loss(losses, rows_of(2000), 0.95, cosines=318)
    assert high - low == pytest.approx(2 * 1.96 * losses.std() / np.sqrt(2000), rel=0.02)


def test_blocks_are_longer_where_answers_last():
    rows = rows_of(2000)
    assert [intervals.BlockBootstrap(rows, 10, 0, cosines=few).blocks for few in (318, 30, 6)] == [286, 30, 8]


def test_the_calibration_of_lasting_answers_is_as_uncertain_as_its_stretches_are_few():
    rng, found = np.random.default_rng(0), {6: [], 318: []}
    for _ in range(30):
        p = 0.5 + 0.4 * (stretches(40, 50, rng) > 0)
        right = np.repeat(rng.random(40), 50) < p
        for cosines, errors in found.items():
            boot = intervals.BlockBootstrap(rows_of(2000), 200, 0, cosines=cosines)
            errors.append(intervals.ece_error(right.astype(int), np.stack([1 - p, p], 1), 10, boot))
    assert np.mean(found[6]) > 2 * np.mean(found[318])


def test_errors_of_one_class_offset_those_of_another_in_the_mean_precision():
    rng = np.random.default_rng(0)
    label, p = rng.integers(0, 3, 1000), rng.dirichlet([3, 3, 3], 1000)
    boot = intervals.BlockBootstrap(rows_of(1000), 500, 0, cosines=159)
    apart = [
        intervals.auprc_error((label == k).astype(int), np.stack([1 - p[:, k], p[:, k]], 1), boot) for k in range(3)
    ]
    assert intervals.auprc_error(label, p, boot) < 0.8 * np.mean(apart)
