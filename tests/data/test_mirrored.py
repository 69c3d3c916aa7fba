"""Bars with directions drawn anew: everything stays but the direction, and a planted edge is the one that was asked for."""

import numpy as np
import pandas as pd
import pytest

from candlelab.config import build, compose
from candlelab.core.candles import Candles, concat
from candlelab.core.errors import UserError
from candlelab.data.source.mirrored import RULES, Mirrored

PLAIN = {"world": 0, "block": 1, "rule": "none", "edge": 0.0, "feature_window": 8}


class Given:
    """A source that has a tape."""

    def __init__(self, tape):
        self.tape = tape

    def fetch(self, symbols, interval, start, end):
        return self.tape


def market(n=4000, symbols=("A", "B"), seed=0, hole=None):
    """Symbols that move together, drift up and gap at their opens."""
    rng = np.random.default_rng(seed)
    common, time = rng.normal(0.002, 0.01, n), 3_600_000 * np.arange(n)
    keep = np.ones(n, bool) if hole is None else ~np.isin(np.arange(n), hole)
    tapes = []
    for name in symbols:
        close = 100 * np.exp(np.cumsum(common + rng.normal(0, 0.003, n)))
        opened = np.append(100, close[:-1]) * np.exp(rng.normal(0, 0.001, n))
        high, low = np.maximum(opened, close) * np.exp(rng.exponential(0.002, n)), np.minimum(opened, close) * 0.999
        frame = {"symbol": name, "open_time": time, "open": opened, "high": high, "low": low, "close": close}
        frame |= {"volume": rng.exponential(1, n) + 1, "taker_buy_base": 0.5}
        tapes.append(Candles.from_frame(pd.DataFrame(frame)[keep], interval="1h"))
    return concat(tapes)


def mirrored(tape, **changed):
    return Mirrored(source=Given(tape), **PLAIN | changed).fetch([], "1h", None, None)


def steps(tape, code=0):
    mine = tape.symbol == code
    return np.diff(np.log(tape.close[mine]))


def test_sizes_volume_and_time_stay():
    tape = market()
    made = mirrored(tape)
    assert np.allclose(np.abs(steps(made)), np.abs(steps(tape))) and np.array_equal(made.volume, tape.volume)
    assert np.array_equal(made.time, tape.time) and np.array_equal(made.segment, tape.segment)


def test_a_mirrored_tape_keeps_the_invariants_of_bars():
    mirrored(market(hole=[500, 501, 502])).check()


def test_symbols_move_together_as_before():
    tape = market()
    pair = [np.corrcoef(steps(each, 0), steps(each, 1))[0, 1] for each in (tape, mirrored(tape))]
    assert pair[0] == pytest.approx(pair[1], abs=0.02) and pair[0] > 0.8


def test_a_drift_is_gone():
    tape, ups = market(), [np.mean(steps(mirrored(market(), world=k)) > 0) for k in range(10)]
    assert np.mean(steps(tape) > 0) > 0.53 and abs(np.mean(ups) - 0.5) < 3 * 0.5 / np.sqrt(10 * 4000)


def test_directions_know_nothing_of_the_bars_before():
    up = steps(mirrored(market(n=40_000, symbols=("A",)))) > 0
    assert abs(np.corrcoef(up[1:], up[:-1])[0, 1]) < 3 / np.sqrt(len(up))


def test_one_number_is_one_world():
    first, again, other = (mirrored(market(), world=k) for k in (3, 3, 4))
    assert np.array_equal(first.close, again.close) and not np.array_equal(first.close, other.close)


def test_the_jump_over_a_hole_stays_as_it_was():
    tape = market(symbols=("A",), hole=[100])
    made = mirrored(tape)
    jump = [each.open[100] / each.close[99] for each in (tape, made)]
    assert jump[0] == pytest.approx(jump[1])


def test_what_takers_bought_is_what_they_sold_where_a_bar_is_mirrored():
    tape = market()
    made = mirrored(tape)
    bought = np.isclose(made.taker_buy_base, tape.taker_buy_base)
    assert (
        np.allclose(made.taker_buy_base[~bought], (tape.volume - tape.taker_buy_base)[~bought])
        and 0 < bought.mean() < 1
    )


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("none", "mixture")])
def test_a_planted_edge_is_there_as_asked(rule):
    tape = market(n=30_000, symbols=("A",))
    source = Mirrored(source=Given(tape), **PLAIN | {"rule": rule, "edge": 0.2})
    made = source.fetch([], "1h", None, None)
    p, up = source.bayes(made)[:-1], steps(made) > 0
    sure = np.isfinite(p) & (p > 0.6)
    assert abs(up[sure].mean() - p[sure].mean()) < 4 * 0.5 / np.sqrt(sure.sum())


@pytest.mark.parametrize(
    "broken",
    [
        {"edge": 0.1},
        {"edge": 0.6, "rule": "order"},
        {"block": 0},
        {"world": -1},
        {"edge": 0.1, "rule": "order", "block": 2},
    ],
)
def test_settings_that_contradict_each_other_are_refused(broken):
    with pytest.raises(UserError, match=r"edge|block|world"):
        Mirrored(source=Given(None), **PLAIN | broken)


def test_the_config_wraps_any_source():
    cfg = compose("data=simulated")
    inner = cfg.data.source
    cfg.data.source = {"_target_": "candlelab.data.source.mirrored.Mirrored", "source": inner, **PLAIN}
    made = build(cfg, "data", None)
    assert len(made.tape) == cfg.data.source.source.bars
