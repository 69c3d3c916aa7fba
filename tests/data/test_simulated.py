"""The made-up market: consistent bars, a planted edge of the size it claims, and none where none is asked."""

import numpy as np
import pytest

from candlelab.core.errors import UserError
from candlelab.data.made_up import market_names
from candlelab.data.source.simulated import FEATURES, Simulated

SETTINGS = {
    "seed": 3,
    "bars": 20_000,
    "volatility": 0.005,
    "edge": 0.25,
    "feature": "close_position",
    "feature_window": 20,
}


def market(symbols=("A",), **changes):
    source = Simulated(**SETTINGS | changes)
    return source, source.fetch(list(symbols), "1h", None, None)


def next_is_up(candles):
    return np.append(candles.close[1:] > candles.close[:-1], False)


def test_same_settings_give_the_same_bars():
    (_, one), (_, two) = market(bars=500), market(bars=500)
    assert all(np.array_equal(getattr(one, k), getattr(two, k)) for k in ("open", "high", "low", "close", "volume"))


def test_longer_history_begins_with_the_same_bars():
    short, long = market(bars=5000)[1], market(bars=9000)[1]
    assert np.array_equal(short.close, long.close[:5000]) and np.array_equal(short.low, long.low[:5000])


def test_another_symbol_does_not_change_the_first():
    alone, both = market(["A"], bars=300)[1], market(["A", "B"], bars=300)[1]
    assert np.array_equal(alone.close, both.close[:300]) and not np.array_equal(both.close[:300], both.close[300:])


def test_no_close_repeats_the_one_before():
    assert (np.diff(market()[1].close) != 0).all()


def test_volatility_clusters_and_tails_are_fat():
    moves = np.diff(np.log(market()[1].close))
    kurtosis = np.mean((moves - moves.mean()) ** 4) / moves.var() ** 2
    size = np.abs(moves)
    assert kurtosis > 5 and np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1


def test_long_run_volatility_is_the_one_asked_for():
    assert np.diff(np.log(market(volatility=0.01, bars=100_000)[1].close)).std() == pytest.approx(0.01, rel=0.1)


def test_volume_follows_the_size_of_the_move():
    candles = market()[1]
    assert np.corrcoef(np.log(candles.volume), np.log(abs(candles.close / candles.open - 1)))[0, 1] > 0.5


@pytest.mark.parametrize("feature", FEATURES)
def test_rows_where_the_feature_fires_go_up_as_often_as_bayes_says(feature):
    source, candles = market(feature=feature, feature_window=6, bars=50_000)
    p, up = source.bayes(candles), next_is_up(candles)
    for value in (0.25, 0.5, 0.75):
        rows = np.flatnonzero(p[:-1] == value)
        assert len(rows) > 5000 and abs(up[rows].mean() - value) < 4 * np.sqrt(0.25 / len(rows))


@pytest.mark.parametrize("feature", FEATURES)
def test_random_walk_has_no_edge_anywhere(feature):
    source, candles = market(feature=feature, edge=0.0)
    assert source.optimum(candles, np.arange(100, 19_999)) == {"accuracy": 0.5, "auroc": 0.5}
    assert abs(next_is_up(candles)[:-1].mean() - 0.5) < 4 * np.sqrt(0.25 / len(candles))


def test_close_position_is_the_place_of_the_close_in_the_range():
    source, candles = market(bars=300)
    t, last = 150, slice(131, 151)
    place = (candles.close[t] - candles.low[last].min()) / np.ptp(np.r_[candles.low[last], candles.high[last]])
    assert source.bayes(candles)[t] == (0.75 if place <= 0.25 else 0.25 if place >= 0.75 else 0.5)


def test_sequence_looks_at_the_order_of_moves():
    source, candles = market(feature="sequence", feature_window=4, bars=3000)
    up = np.diff(candles.close) > 0  # up[t] is the move into row t + 1
    rows = np.arange(4, 2999)
    balance = np.sign(up[rows - 4].astype(int) + up[rows - 3] - up[rows - 2] - up[rows - 1])
    assert np.array_equal(source.bayes(candles)[rows], 0.5 + 0.25 * balance)


def test_optimum_is_reached_by_the_bayes_rule():
    source, candles = market(bars=50_000)
    rows = np.arange(100, 49_999)
    p, up = source.bayes(candles)[rows], next_is_up(candles)[rows]
    right = np.where(p == 0.5, 0.5, (p > 0.5) == up).mean()
    best = source.optimum(candles, rows)
    assert 0.58 < best["accuracy"] < 0.66 and abs(right - best["accuracy"]) < 0.01


def test_bayes_is_unknown_where_bars_are_absent_or_joined():
    source, candles = market(bars=100)
    assert np.isnan(source.bayes(candles)[:19]).all() and np.isfinite(source.bayes(candles)[19:]).all()
    source.interval = "1m"
    assert np.isnan(source.bayes(candles)).all()


def test_bayes_of_a_part_equals_that_part_of_bayes():
    source, candles = market(bars=500)
    part = source.bayes(candles.select(slice(100, 300)))
    assert np.array_equal(part[19:], source.bayes(candles)[119:300])


def test_dates_cut_the_history():
    source = Simulated(**SETTINGS | {"bars": None})
    candles = source.fetch(["SIM"], "4h", 1_600_000_000_000, 1_600_000_000_000 + 10 * 4 * 3_600_000)
    assert (len(candles), candles.symbols, candles.interval) == (10, ("SIM",), "4h")
    assert candles.time[0] >= 1_600_000_000_000 and candles.time[0] % (4 * 3_600_000) == 0


@pytest.mark.parametrize(
    "broken",
    [
        {"edge": 0.6},
        {"volatility": 0.0},
        {"volatility": 1e-300},
        {"bars": 10**9},
        {"feature": "moon"},
        {"feature_window": 1},
        {"bars": 0},
    ],
)
def test_settings_out_of_range_are_refused(broken):
    with pytest.raises(UserError, match=f"^{next(iter(broken))} is "):
        Simulated(**SETTINGS | broken)


def test_endless_market_is_refused():
    with pytest.raises(ValueError, match=r"data\.end"):
        Simulated(**SETTINGS | {"bars": None}).fetch(["A"], "1h", None, None)


@pytest.mark.parametrize(("symbols", "told"), [([], "name at least one"), (["A", "B"], "2 markets of 30,000,000 bars")])
def test_no_market_and_too_many_bars_in_all_are_refused(symbols, told):
    with pytest.raises(UserError, match=told):
        market_names(symbols, 30_000_000)
