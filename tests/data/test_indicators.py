"""Indicators: TA-Lib's own numbers, nothing from the future, and no memory beyond the declared warm-up."""

import numpy as np
import pandas as pd
import pytest
import talib

from candlelab.core.candles import Candles, concat
from candlelab.data.indicators.bars import RawBars
from candlelab.data.indicators.classic import Classic
from candlelab.data.indicators.formulas import ratio, skewness
from candlelab.data.indicators.minimal import Minimal
from candlelab.data.indicators.none import NoIndicators
from candlelab.data.indicators.raw import Raw
from candlelab.data.indicators.segments import kalman_filter
from candlelab.data.indicators.wide import Wide
from candlelab.data.indicators.windowed import plain_numbers, present_rows, window_numbers
from candlelab.data.source.simulated import Simulated

SETS = [
    Classic(kalman=None),
    Raw(kalman=None),
    Wide(kalman=None),
    Minimal(kalman=None),
    Classic(kalman=0.1),
    NoIndicators(),
]
NAMES = ["classic", "raw", "wide", "minimal", "kalman", "none"]
PRICES = ("open", "high", "low", "close")


def market(bars=700, seed=2):
    settings = {
        "seed": seed,
        "bars": bars,
        "volatility": 0.01,
        "edge": 0.0,
        "feature": "close_position",
        "feature_window": 20,
    }
    return Simulated(**settings).fetch(["A"], "1h", None, None)


def rewritten(candles, after, kind):
    """The tape with every row behind `after` replaced by nothing, huge values, or another walk."""
    if kind == "cut":
        return candles.select(slice(0, after + 1))
    frame = candles.to_frame()
    other = market(len(candles), seed=9).to_frame()
    for name in (*PRICES, "volume"):
        frame.loc[after + 1 :, name] = 1e9 if kind == "huge" else other[name][after + 1 :]
    return Candles.from_frame(frame, interval="1h")


def ignores_the_future(indicators, candles, after=431):
    """Whatever comes after a row, the numbers up to it stay the same to the last bit."""
    known = indicators(candles)[: after + 1]
    futures = (rewritten(candles, after, kind) for kind in ("cut", "huge", "walk"))
    return all(np.array_equal(known, indicators(future)[: after + 1], equal_nan=True) for future in futures)


def start_error(indicators, candles, dropped=301):
    """Largest change, in standard deviations of the column, when history older than the warm-up is dropped."""
    whole, late = indicators(candles), indicators(candles.select(slice(dropped, None)))
    change = np.abs(late[indicators.warmup :] - whole[dropped + indicators.warmup :])
    return (change / np.maximum(np.nanstd(whole, axis=0), 1e-12)).max(initial=0.0)


@pytest.mark.parametrize("indicators", SETS, ids=NAMES)
def test_indicators_ignore_the_future(indicators):
    assert ignores_the_future(indicators, market())


def test_a_centred_average_is_caught():
    def broken(candles):
        return pd.Series(candles.close).rolling(21, center=True).mean().to_numpy()

    assert not ignores_the_future(broken, market())


def test_a_warmup_filled_from_behind_is_caught():
    def broken(candles):
        return pd.Series(talib.SMA(candles.close, 500)).bfill().to_numpy()

    assert not ignores_the_future(broken, market())


@pytest.mark.parametrize("indicators", SETS, ids=NAMES)
def test_history_before_the_warmup_counts_for_less_than_a_thousandth(indicators):
    assert start_error(indicators, market()) < 1e-3


def test_a_warmup_declared_too_short_is_caught():
    hasty = Raw(kalman=None)
    hasty.warmup = 40
    assert start_error(hasty, market()) > 1e-3


def test_real_bars_settle_within_the_warmup_too(shared):
    frame = pd.read_csv(shared / "clean" / "BTCUSDT_1h.csv.gz").tail(900)
    candles = Candles.from_frame(frame, interval="1h")
    assert max(start_error(indicators, candles) for indicators in SETS) < 1e-3
    assert all(np.isfinite(indicators(candles)[indicators.warmup :]).all() for indicators in SETS)


def test_raw_equals_talib_on_the_same_slice():
    candles = market()
    close, values = candles.close, Raw(kalman=None)(candles)[120:]
    macd, signal, _ = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    direct = [
        *(getattr(candles, k) for k in (*PRICES, "volume")),
        talib.RSI(close, 14),
        macd,
        signal,
        lower,
        upper,
        middle,
    ]
    assert np.array_equal(values, np.column_stack(direct)[120:])


def test_classic_is_talib_in_units_of_volatility():
    candles = market()
    row = dict(zip(Classic.names, Classic(kalman=None)(candles)[-1], strict=True))
    close = candles.close
    sigma = np.log(close[-20:] / close[-21:-1]).std()
    assert row["close"] == pytest.approx(np.log(close[-1] / close[-2]) / sigma)
    assert row["rsi"] == pytest.approx(talib.RSI(close, 14)[-1] / 50 - 1)
    assert row["macd"] == pytest.approx(talib.MACD(close)[0][-1] / (close[-1] * sigma))
    assert row["ma_20"] == pytest.approx((close[-1] - close[-20:].mean()) / (close[-1] * sigma))
    assert row["volume"] == pytest.approx(np.log(candles.volume[-1] / candles.volume[-20:].mean()))


@pytest.mark.parametrize(
    "indicators", [Classic(kalman=None), Wide(kalman=None), Minimal(kalman=None)], ids=["classic", "wide", "minimal"]
)
def test_price_and_volume_scale_do_not_matter(indicators):
    candles = market()
    frame = candles.to_frame()
    frame[list(PRICES)] *= 37.0
    frame["volume"] *= 0.01
    np.testing.assert_allclose(indicators(Candles.from_frame(frame, interval="1h")), indicators(candles), atol=1e-6)


@pytest.mark.parametrize("indicators", SETS[:5], ids=NAMES[:5])
def test_every_segment_is_computed_as_if_alone(indicators):
    alone, other = market(300), market(400, seed=4)
    frame = other.to_frame().assign(symbol="B")
    both = indicators(concat([alone, Candles.from_frame(frame, interval="1h")]))
    assert np.array_equal(both[:300], indicators(alone), equal_nan=True)
    assert np.array_equal(both[300:], indicators(other), equal_nan=True)


@pytest.mark.parametrize("indicators", SETS, ids=NAMES)
def test_warmup_rows_are_unknown_and_later_rows_are_known(indicators):
    values = indicators(market(400))
    assert values.shape == (400, len(indicators.names))
    assert np.isnan(values[: indicators.warmup]).all() and np.isfinite(values[indicators.warmup :]).all()


def test_short_segment_is_unknown_throughout():
    assert np.isnan(Classic(kalman=None)(market(120))).all()


def test_flat_market_gives_zeros_not_infinities():
    flat = {"open_time": np.arange(200) * 3_600_000, **dict.fromkeys(PRICES, 5.0), "volume": 0.0}
    values = Wide(kalman=None)(Candles.from_frame(pd.DataFrame(flat), interval="1h"))
    assert np.isfinite(values[160:]).all()


def test_removed_bar_repeats_the_numbers_before_it():
    candles = market(300)
    missing = np.zeros(300, bool)
    missing[[200, 201]] = True
    columns = {name: np.where(missing, np.nan, getattr(candles, name)) for name in (*PRICES, "volume")}
    gone = Candles.build(
        symbols=("A",), intervals=("1h",), symbol=candles.symbol, time=candles.time, missing=missing, **columns
    )
    values = Minimal(kalman=None)(gone)
    assert np.array_equal(values[199], values[201]) and np.isfinite(values[20:]).all()


def test_raw_bars_by_hand():
    candles = market(10)
    found = RawBars(average=3)(candles)
    assert np.isnan(found[:2]).all() and np.array_equal(found[2:, 3], candles.close[2:])
    assert np.allclose(
        found[4], [*(getattr(candles, name)[4] for name in PRICES), candles.close[2:5].mean(), candles.volume[4]]
    )


def test_kalman_filter_by_hand():
    # gain 1, then spread 1 + 0.5: 1.5 / 2.5 = 0.6 -> 10 + 0.6 * 5 = 13; then 1.1 / 2.1 -> 13 + 1.1 / 2.1 * (13 - 13)
    assert kalman_filter(np.array([10.0, 15.0, 13.0]), 0.5) == pytest.approx([10.0, 13.0, 13.0])


def test_kalman_keeps_high_above_low():
    values = Raw(kalman=0.05)(market())[Raw(kalman=0.05).warmup :]
    assert (values[:, 1] >= values[:, [0, 3]].max(1)).all() and (values[:, 2] <= values[:, [0, 3]].min(1)).all()


def test_skewness_equals_the_moments():
    values = np.random.default_rng(0).gamma(1.0, 1.0, 50)
    gap = values[-20:] - values[-20:].mean()
    assert skewness(values, 20)[-1] == pytest.approx((gap**3).mean() / (gap**2).mean() ** 1.5)


def test_ratio_is_zero_over_zero_and_unknown_over_unknown():
    found = ratio(np.array([1.0, 1.0, np.nan, 1.0]), np.array([2.0, 0.0, 1.0, np.nan]))
    assert np.array_equal(found, [0.5, 0.0, np.nan, np.nan], equal_nan=True)


def hand_tape():
    frame = {"open_time": np.arange(3) * 3_600_000, "open": [10, 10, 12], "high": [10, 12, 16], "low": [8, 10, 12]}
    return Candles.from_frame(pd.DataFrame(frame | {"close": [10, 12, 14], "volume": [1.0, 4.0, 2.0]}), interval="1h")


def test_window_numbers_by_hand():
    numbers = window_numbers(hand_tape(), np.array([2]), 2)  # prices 10..16; averages 11 and 13
    expected = [[0, 2 / 6, 0, 2 / 6, 1 / 6, 1.0], [2 / 6, 1, 2 / 6, 4 / 6, 3 / 6, 0.5]]
    np.testing.assert_allclose(numbers[0], expected, rtol=1e-6)


def test_plain_numbers_by_hand():
    numbers = plain_numbers(hand_tape(), np.array([2]), 2)[0]
    steps = np.log([12 / 10, 14 / 12])
    sigma = np.sqrt(0.95 * steps[0] ** 2 + 0.05 * steps[1] ** 2)
    ranges = np.log([12 / 10, 16 / 12])
    expected = [*steps / sigma, *ranges / sigma, 0.5, 0.5, 0.0, 4 / 6, np.log(2 / 3)]
    np.testing.assert_allclose(numbers, expected, rtol=1e-6)


def test_plain_numbers_stay_bounded_after_a_standstill():
    close = np.append(np.full(400, 1.0) + 1e-4 * (np.arange(400) == 5), 1.01)
    frame = {"open_time": np.arange(401) * 3_600_000, **dict.fromkeys(PRICES, close), "volume": 1.0}
    numbers = plain_numbers(Candles.from_frame(pd.DataFrame(frame), interval="1h"), np.array([399, 400]), 20)
    assert np.abs(numbers).max() <= 20 and np.isfinite(numbers).all()


@pytest.mark.parametrize("numbers", [window_numbers, plain_numbers])
def test_window_numbers_ignore_the_future(numbers):
    ends = np.arange(300, 432)
    assert ignores_the_future(
        lambda candles: np.pad(numbers(candles, ends, 20).reshape(132, -1), ((300, 0), (0, 0))), market()
    )


def test_present_rows_hold_the_last_bar_left():
    candles = market(10)
    missing = np.isin(np.arange(10), [3, 4, 6])
    columns = {name: np.where(missing, np.nan, getattr(candles, name)) for name in (*PRICES, "volume")}
    gone = Candles.build(
        symbols=("A",), intervals=("1h",), symbol=candles.symbol, time=candles.time, missing=missing, **columns
    )
    assert present_rows(gone, np.array([6]), 4).tolist() == [[5, 5, 5, 5]]
    assert present_rows(gone, np.array([7]), 6).tolist() == [[2, 2, 2, 5, 5, 7]]


def test_kalman_ratio_must_be_positive():
    with pytest.raises(ValueError, match="kalman"):
        Classic(kalman=0.0)
