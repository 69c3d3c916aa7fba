"""The pass for one row per instant has the bits of the pass for any rows."""

import numpy as np
import pytest

from candlelab.evaluate.rows import Rows
from candlelab.evaluate.threshold.curve import Sweep, Trades, _pass_over_instants, _pass_over_rows


def trades(*, size: int, chains: int, ties: bool, seed: int) -> Trades:
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 9, size) / 8 if ties else rng.random(size)
    score[rng.random(size) < 0.1] = -np.inf
    chain = np.sort(rng.integers(0, chains, size))
    rows = Rows(60_000 * np.arange(size), chain, np.zeros(size, np.int64), 1, "1m")
    return Trades(score, rng.integers(-1, 2, size).astype(np.int8), rng.normal(0, 1e-3, size), rows, 0.001)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("chains", [1, 7, 400])
def test_both_passes_have_the_same_bits(chains, ties):
    sweep = Sweep.over(trades(size=2500, chains=chains, ties=ties, seed=chains))
    drawn = np.random.default_rng(1).integers(0, 4, 2500).astype(float)
    for times in (np.array(1.0), drawn):
        one, other = (np.zeros((3, len(sweep.threshold))) for _ in range(2))
        _pass_over_rows(sweep, times, *one)
        _pass_over_instants(sweep, times, *other)
        np.testing.assert_array_equal(one, other)


def test_two_symbols_at_the_same_instants_take_the_pass_for_any_rows(monkeypatch):
    monkeypatch.setattr("candlelab.evaluate.threshold.curve._pass_over_rows", None)
    time, symbol = np.tile(60_000 * np.arange(50), 2), np.repeat([0, 1], 50)
    one = trades(size=100, chains=1, ties=False, seed=3)
    both = Trades(one.score, one.direction, one.bar_return, Rows(time, symbol, symbol, 1, "1m"), one.cost)
    assert len(Sweep.over(both).curve().sharpe) == len(Sweep.over(both).threshold) > 0
