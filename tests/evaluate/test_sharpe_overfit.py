"""Backtest overfitting and the bootstrap (docs/methods.md, section 9.7, 9.8)."""

import numpy as np
import pytest

from candlelab.evaluate import sharpe
from candlelab.evaluate.bootstrap import sharpe_error, stationary_counts, stationary_indices
from candlelab.evaluate.overfit import backtest_overfitting

EIGHT = np.array(
    [
        [0.01, 0, -0.01],
        [0.02, 0.01, -0.02],
        [0.01, -0.01, 0.01],
        [0, 0.02, 0.02],
        [-0.01, 0.01, 0.02],
        [-0.02, 0, 0.01],
        [0, 0.01, -0.01],
        [-0.01, 0.02, 0],
    ]
)


def test_overfitting_of_the_worked_table():
    found = backtest_overfitting(EIGHT, blocks=4)
    assert found.logits == pytest.approx([-1.0986, 1.0986, 0, -1.0986, 1.0986, 0], abs=5e-5)
    assert found.pbo == pytest.approx(4 / 6) and found.loss == pytest.approx(2 / 6)


def test_overfitting_of_the_golden_noise():
    found = backtest_overfitting(np.random.default_rng(42).normal(0, 1, (160, 10)), blocks=8)
    assert found.pbo == pytest.approx(0.9)
    assert found.logits.mean() == pytest.approx(-0.871515, abs=5e-7) and found.slope == pytest.approx(
        -0.763490, abs=5e-7
    )


def test_a_planted_winner_is_seldom_called_overfit():
    rng = np.random.default_rng(0)
    tables = rng.normal(0, 1, (20, 800, 20))
    tables[:, :, 0] += 0.15
    assert np.mean([backtest_overfitting(table, blocks=8).pbo for table in tables]) < 0.2


def test_sixteen_blocks_give_12870_splits():
    assert len(backtest_overfitting(np.random.default_rng(1).normal(size=(64, 2)), blocks=16).logits) == 12_870


@pytest.mark.parametrize("blocks", [3, 10, 0])
def test_wrong_blocks_are_refused(blocks):
    with pytest.raises(ValueError, match="blocks was"):
        backtest_overfitting(EIGHT, blocks=blocks)


def test_bootstrap_error_of_independent_returns_is_that_of_lo():
    returns = np.random.default_rng(3).normal(0.001, 0.01, 1000)
    error = sharpe_error(returns, 5, 500, np.random.default_rng(0))
    assert error == pytest.approx(sharpe.standard_error(sharpe.sharpe(returns), 1000), rel=0.12)


def test_a_stationary_draw_keeps_neighbours_together():
    drawn = stationary_indices(10_000, 20, np.random.default_rng(0))
    together = np.mean(np.diff(drawn) % 10_000 == 1)
    assert (
        together == pytest.approx(1 - 1 / 20, abs=0.01)
        and stationary_counts(50, 5, np.random.default_rng(0)).sum() == 50
    )


def test_robust_error_grows_with_autocorrelation_only():
    noise = np.random.default_rng(1).normal(0, 0.01, 4001)
    held = noise[1:] + noise[:-1]
    plain = sharpe.standard_error(0, 4000)
    assert (
        sharpe.robust_error(noise, 300).error == pytest.approx(plain, rel=0.1)
        and sharpe.robust_error(held, 300).error > 1.25 * plain
    )
