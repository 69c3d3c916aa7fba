"""Worlds with one planted rule: each is as strong as it says, and holds nothing else."""

import numpy as np
import pytest

from candlelab.core.errors import UserError
from candlelab.data.source.planted import WORLDS, Planted, leans, prices_of


def market(world="reversal", auroc=0.6, bars=20_000, seed=1):
    source = Planted(seed=seed, bars=bars, volatility=0.005, world=world, auroc=auroc, feature_window=20)
    return source, source.fetch(["PLANTED"], "1h", None, None)


@pytest.mark.parametrize("world", [world for world in WORLDS if world != "none"])
def test_who_knows_the_rule_reaches_the_asked_auroc(world):
    source, candles = market(world)
    assert source.optimum(candles, np.arange(len(candles)))["auroc"] == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("world", ["place", "shape", "volume", "order"])
def test_bars_rise_as_often_as_the_rule_says(world):
    source, candles = market(world, bars=60_000)
    p, up = source.bayes(candles)[:-1], candles.close[1:] > candles.close[:-1]
    for value in np.unique(p[np.isfinite(p)]):
        rows = p == value
        assert up[rows].mean() == pytest.approx(value, abs=4 * 0.5 / np.sqrt(rows.sum()))


def test_a_market_without_a_rule_is_a_coin():
    source, candles = market("none")
    assert source.edge == 0.0 and set(np.unique(source.bayes(candles)[20:])) == {0.5}


def test_a_hammer_leans_up_and_its_mirror_image_does_not():
    o, h, l, c = (np.array(x) for x in ([10.0, 10.0], [10.3, 12.0], [8.0, 9.9], [10.2, 10.1]))
    lean = leans(WORLDS.index("shape"), o, h, l, c, np.ones(2), np.array([9, 9]), 2)
    assert lean[0] == 1 and lean[1] < 0


def test_order_multiplies_the_last_sign_with_that_of_two_before():
    o, c = np.full(4, 10.0), np.array([11.0, 9.0, 9.0, 11.0])
    assert leans(WORLDS.index("order"), o, c + 1, c - 2, c, np.ones(4), np.arange(4), 2)[2:].tolist() == [-1.0, -1.0]


def test_moves_cluster_and_have_fat_tails():
    move = np.diff(np.log(market("none")[1].close))
    size = np.abs(move)
    assert np.corrcoef(size[:-5], size[5:])[0, 1] > 0.1
    assert ((move - move.mean()) ** 4).mean() / move.var() ** 2 > 5


def test_the_same_settings_give_the_same_bars_and_another_seed_others():
    first, again, other = market()[1], market()[1], market(seed=2)[1]
    assert all(np.array_equal(a, b) for a, b in zip(prices_of(first), prices_of(again), strict=True))
    assert not np.array_equal(first.close, other.close)


@pytest.mark.parametrize(
    ("change", "why"), [({"world": "moon"}, "choose one of"), ({"auroc": 0.7}, "between 0.5 and 0.65")]
)
def test_settings_out_of_range_are_refused(change, why):
    with pytest.raises(UserError, match=why):
        market(**change)
