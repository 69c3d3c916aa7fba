"""Label rules against numbers worked out by hand, and the proof that they look no further than they say."""

import numpy as np
import pandas as pd
import pytest

from candlelab.config import build, compose
from candlelab.core.candles import Candles, concat
from candlelab.core.errors import UserError
from candlelab.core.volatility import running_volatility
from candlelab.data.label.balanced import Balanced
from candlelab.data.label.body import Body
from candlelab.data.label.direction import Direction
from candlelab.data.label.last_candle import LastCandle
from candlelab.data.label.next_return import NextReturn
from candlelab.data.label.outcomes import forward_returns
from candlelab.data.label.three_class import ThreeClass
from candlelab.data.label.triple_barrier import TripleBarrier
from candlelab.data.label.window_drift import WindowDrift

HOUR = 3_600_000


def tape(close, open=None, spread=0.4, start=0):
    close = np.asarray(close, float)
    open = close if open is None else np.asarray(open, float)
    time = start + np.arange(len(close)) * HOUR
    high, low = np.maximum(open, close) + spread, np.minimum(open, close) - spread
    return Candles.from_frame(
        pd.DataFrame({"open_time": time, "open": open, "high": high, "low": low, "close": close, "volume": 1.0}),
        interval="1h",
    )


def gapped(*closes):
    """One symbol whose parts are separated by a missing hour."""
    starts = np.cumsum([0] + [(len(c) + 1) * HOUR for c in closes[:-1]])
    return concat([tape(c, start=s) for c, s in zip(closes, starts, strict=True)])


def walk(n=400, seed=1):
    return tape(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, n))), spread=0.1)


def without(candles, rows):
    frame = candles.to_frame()
    frame.loc[rows, ["open", "high", "low", "close"]] = np.nan
    missing = np.zeros(len(candles), bool)
    missing[rows] = True
    columns = {name: frame[name] for name in ("open", "high", "low", "close", "volume")}
    return Candles.build(
        symbols=("X",), intervals=("1h",), symbol=candles.symbol, time=candles.time, missing=missing, **columns
    )


def test_direction_compares_the_close_ahead_with_this_close():
    labels = Direction(horizon=2, ties="drop")(tape([10, 11, 12, 9, 12]), 1)
    assert labels.label.tolist() == [1, 0, -1, -1, -1]  # 12>10, 9<11, 12=12 dropped
    assert labels.label_end.tolist() == [2, 3, 4, -1, -1]
    assert labels.forward_return[:3] == pytest.approx([0.2, 9 / 11 - 1, 0.0])


def test_ties_can_count_as_down():
    assert Direction(horizon=1, ties="down")(tape([10, 10, 11]), 1).label.tolist() == [0, 1, -1]


def test_no_label_crosses_a_gap():
    labels = Direction(horizon=1, ties="drop")(gapped([1, 2, 3], [9, 8]), 1)
    assert labels.label.tolist() == [1, 1, -1, 0, -1]


def test_volatility_is_the_running_square_of_past_returns():
    close = 100 * np.exp(np.cumsum([0, 0.02, -0.01]))
    sigma = running_volatility(gapped(close, close))
    expected = [np.nan, 0.02, np.sqrt(0.95 * 0.02**2 + 0.05 * 0.01**2)]
    np.testing.assert_allclose(sigma, expected * 2)


def test_target_is_forward_log_return_in_units_of_past_volatility():
    close = 100 * np.exp([0, 0.02, 0.05])
    labels = NextReturn(horizon=1, ties="drop")(tape(close), 1)
    np.testing.assert_allclose(labels.target, [np.nan, 1.5, np.nan])  # 0.03 / 0.02


def test_fixed_threshold_leaves_a_return_on_the_border_neutral():
    labels = ThreeClass(horizon=1, threshold=0.005, unit="return")(tape([100, 99.5, 100.1, 100.1, 99]), 1)
    assert labels.label.tolist() == [1, 2, 1, 0, -1]


def test_sigma_threshold_follows_past_volatility_only():
    close = 100 * np.exp([0, 0.02, 0.05, 0.06])
    labels = ThreeClass(horizon=1, threshold=1.0, unit="sigma")(tape(close), 1)
    assert labels.label.tolist() == [-1, 2, 1, -1]  # no volatility yet; 0.0305 > 0.02; 0.0101 < 0.0206
    assert labels.theta[1] == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("between", "expected"), [("neutral", [2, 1, 1, 1, 0]), ("sign", [2, 2, 1, 0, 0]), ("drop", [2, -1, 1, -1, 0])]
)
def test_balanced_treats_the_zone_between_as_set(between, expected):
    returns = [0.01, 0.003, 0.0005, -0.003, -0.01]
    close = 100 * np.cumprod([1, *(1 + np.array(returns))])
    labels = Balanced(horizon=1, threshold=0.005, neutral=0.001, between=between)(tape(close), 1)
    assert labels.label[:5].tolist() == expected


BARRIER_CLOSES = [100, 100.5, 101.2, 100.8, 102.1, 101.0, 99.5, 98.7, 99.9, 101.5, 103.0]


@pytest.mark.parametrize(
    ("touch", "rows", "outcomes"),
    [
        ("high_low", [2, 4, 6, 4, 5, 6, 7], [1, 1, -1, 1, -1, -1, -1]),
        ("close", [4, 4, 6, 6, 5, 6, 9], [1, 1, -1, -1, -1, -1, 1]),
    ],
)
def test_triple_barrier_equals_the_worked_table(touch, rows, outcomes):
    rule = TripleBarrier(horizon=4, take_profit=1.5, stop_loss=1.0, touch=touch, both="stop", vertical="neutral")
    outcome, row = rule.outcomes(tape(BARRIER_CLOSES), np.full(11, 0.01))
    assert row[:7].tolist() == rows
    assert outcome[:7].tolist() == outcomes


def test_both_barriers_in_one_bar_stop_first_or_drop():
    candles = tape([100, 100, 100], spread=5)
    settings = {"horizon": 1, "take_profit": 1.0, "stop_loss": 1.0, "touch": "high_low", "vertical": "neutral"}
    stop, row = TripleBarrier(both="stop", **settings).outcomes(candles, np.full(3, 0.01))
    _, dropped = TripleBarrier(both="drop", **settings).outcomes(candles, np.full(3, 0.01))
    assert (stop[0], row[0], dropped[0]) == (-1, 1, -1)


def test_untouched_event_cut_off_by_the_end_has_no_label():
    rule = TripleBarrier(horizon=3, take_profit=9.0, stop_loss=9.0, touch="close", both="stop", vertical="neutral")
    labels = rule(tape([100, 101, 100, 101, 100, 101]), 1)
    assert labels.label.tolist() == [-1, 1, 1, -1, -1, -1]  # row 0 has no volatility yet
    assert labels.label_end.tolist() == [-1, 4, 5, -1, -1, -1]


def test_vertical_barrier_can_take_the_sign():
    rule = TripleBarrier(horizon=1, take_profit=9.0, stop_loss=9.0, touch="close", both="stop", vertical="sign")
    assert rule.classes == ("down", "up")
    assert rule(tape([100, 101, 102, 101, 101]), 1).label.tolist() == [-1, 1, 0, -1, -1]


def test_body_labels_the_drawn_candle_and_targets_the_next_bar():
    rule = Body(threshold=0.005)
    labels = rule(tape([101, 100.2, 99, 99], open=[100, 100, 100, 99]), 1)
    assert (rule.kind, rule.horizon) == ("recognition", 0)
    assert labels.label.tolist() == [2, 1, 0, -1]  # the last has no next bar
    assert labels.label_end.tolist() == [1, 2, 3, -1]


def test_last_candle_reads_the_last_bar_that_is_left():
    candles = without(tape([11, 9, 12, 12], open=[10, 10, 10, 10]), [2, 3])
    assert LastCandle(ties="down")(candles, 2).label.tolist() == [-1, 0, 0, -1]
    assert LastCandle(ties="down")(candles, 1).label.tolist() == [1, 0, -1, -1]


def test_a_doji_is_drawn_in_the_colour_of_up_and_has_no_class_by_default():
    cfg = compose("data/label=last_candle")
    assert build(cfg, "data.label")(tape([11, 10, 9], open=[10, 10, 10]), 1).label.tolist() == [1, -1, 0]


def test_window_drift_spans_the_bars_that_are_left():
    candles = without(tape([10, 11, 12, 9], open=[10, 10.5, 11.5, 12]), [1])
    labels = WindowDrift(ties="drop")(candles, 3)
    assert labels.label.tolist() == [-1, -1, 1, 0]  # 12 > 10; bar 1 is gone, 9 < 11.5
    assert labels.label_end.tolist() == [-1, -1, 2, 3]


RULES = [
    Direction(horizon=3, ties="drop"),
    NextReturn(horizon=1, ties="down"),
    ThreeClass(horizon=4, threshold=0.5, unit="sigma"),
    Balanced(horizon=5, threshold=0.005, neutral=0.001, between="drop"),
    TripleBarrier(horizon=8, take_profit=2.0, stop_loss=1.0, touch="high_low", both="stop", vertical="neutral"),
    TripleBarrier(horizon=8, take_profit=1.0, stop_loss=1.0, touch="close", both="drop", vertical="sign"),
    Body(threshold=0.005),
    LastCandle(ties="down"),
    WindowDrift(ties="drop"),
]


def looks_no_further_than_it_says(rule, candles, cuts=(60, 173, 391)):
    """Cutting the tape behind `label_end` changes no label that had ended before the cut."""
    whole = rule(candles, 5)
    for cut in cuts:
        part = rule(candles.select(slice(0, cut)), 5)
        ended = (whole.label_end[:cut] >= 0) & (whole.label_end[:cut] < cut)
        same = [
            np.array_equal(getattr(part, k)[ended], getattr(whole, k)[:cut][ended], equal_nan=True)
            for k in part.__dict__
        ]
        if not all(same):
            return False
    return True


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_labels_look_no_further_than_label_end(rule):
    assert looks_no_further_than_it_says(rule, walk())


def test_a_label_that_looks_one_bar_too_far_is_caught():
    class Broken(Direction):
        def __call__(self, candles, window):
            honest, further = (
                super().__call__(candles, window),
                Direction(horizon=self.horizon + 1, ties="drop")(candles, window),
            )
            return type(honest)(**(honest.__dict__ | {"label": further.label}))

    assert not looks_no_further_than_it_says(Broken(horizon=1, ties="drop"), walk())


def test_recognition_depends_on_no_later_bar():
    candles = walk()
    for rule in (LastCandle(ties="down"), WindowDrift(ties="down")):
        whole, part = rule(candles, 7).label, rule(candles.select(slice(0, 200)), 7).label
        assert np.array_equal(whole[:200], part)


def test_forward_return_of_a_missing_close_is_unknown():
    candles = without(tape([10, 11, 12]), [1])
    assert np.isnan(forward_returns(candles, 1)).all()
    assert Direction(horizon=1, ties="down")(candles, 1).label.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("broken", [{"horizon": 0, "ties": "drop"}, {"horizon": 1, "ties": "up"}])
def test_settings_out_of_range_are_refused(broken):
    with pytest.raises(UserError, match=r"^(horizon|ties) is "):
        Direction(**broken)
