"""Coarser bars equal the exchange's own; removed bars stay removed."""

import numpy as np
import pytest

from candlelab.core.candles import Candles
from candlelab.core.interval import floor_open
from candlelab.data.source.file import File
from candlelab.data.thin import thin
from candlelab.market.resample import check_coarser, resample

HOUR = 3_600_000
T0 = 1_704_067_200_000  # a Monday
PRICES = ("open", "high", "low", "close")


def hours(n, first=0, close=None, volume=None, skip=()):
    k = np.array([i for i in range(first, first + n) if i not in skip])
    close = 100.0 + k if close is None else np.asarray(close, float)
    return Candles.build(
        symbols=("X",),
        intervals=("1h",),
        symbol=np.zeros(len(k), int),
        time=T0 + k * HOUR,
        open=close - 0.5,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.ones(len(k)) if volume is None else np.array(volume),
    )


def test_four_hours_by_hand():
    out = resample(hours(8), "4h")
    assert out.time.tolist() == [T0, T0 + 4 * HOUR] and out.interval == "4h"
    assert [getattr(out, n).tolist() for n in (*PRICES, "volume")] == [
        [99.5, 103.5],
        [104, 108],
        [99, 103],
        [103, 107],
        [4, 4],
    ]


def test_unfinished_last_bar_is_left_out():
    assert len(resample(hours(7), "4h")) == 1


def test_first_bar_of_a_listing_is_partial_but_one_cut_by_the_asked_start_is_left_out():
    assert resample(hours(6, first=2), "4h").volume.tolist() == [2, 4]
    assert resample(hours(6, first=2), "4h", start=T0 + 2 * HOUR).volume.tolist() == [4]


def test_bars_without_trade_do_not_open_a_bar():
    out = resample(hours(4, volume=[0, 0, 1, 1]), "4h")
    assert (out.open[0], out.low[0]) == (101.5, 101)


def test_an_hour_of_outage_leaves_the_bar_and_a_whole_one_a_gap():
    out = resample(hours(16, skip=(1, 4, 5, 6, 7)), "4h")
    assert out.time.tolist() == [T0, T0 + 8 * HOUR, T0 + 12 * HOUR] and out.segment.tolist() == [0, 1, 1]


def test_a_bar_in_which_the_asset_changed_is_left_out():
    out = resample(hours(12, close=[1.1] * 6 + [1100] * 6), "4h")
    assert out.time.tolist() == [T0, T0 + 8 * HOUR] and out.segment.tolist() == [0, 1]


def test_a_change_of_asset_at_a_border_breaks_the_segment():
    assert resample(hours(8, close=[1.1] * 4 + [1100] * 4), "4h").segment.tolist() == [0, 1]


@pytest.mark.parametrize(("interval", "opens"), [("1w", "2024-02-26"), ("1mo", "2024-02-01"), ("3d", "2024-02-27")])
def test_grid_of_long_bars(interval, opens):
    at = np.datetime64("2024-02-29T12:00", "ms").astype(np.int64)
    assert str(floor_open(at, interval).astype("datetime64[ms]").astype("datetime64[D]")) == opens


@pytest.mark.parametrize(
    ("fine", "coarse", "message"),
    [
        ("1h", "15m", "15m bars cannot be made from 1h bars"),
        ("3d", "1w", "1w is no multiple of 3d"),
        ("2h", "3m", "3m bars cannot be made"),
        ("1w", "1mo", "1mo is no multiple of 1w"),
    ],
)
def test_finer_or_crooked_intervals_are_refused(fine, coarse, message):
    with pytest.raises(ValueError, match=message):
        check_coarser(fine, coarse)


def load(shared, name):
    source = File.plain(str(shared / f"{name}.csv.gz"))
    return source.fetch([], name.split("_")[1], None, None)


PAIRS = [
    (f"clean/{s}USDT_{fine}", f"clean/{s}USDT_{coarse}")
    for s in ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE")
    for fine, coarse in (("1h", "4h"), ("1h", "1d"), ("4h", "1d"))
]
PAIRS += [
    ("scale/BTCUSDT_1m", "clean/BTCUSDT_15m"),
    ("scale/BTCUSDT_1m", "clean/BTCUSDT_1h"),
    ("clean/BTCUSDT_15m", "clean/BTCUSDT_1h"),
    ("clean/SOLUSDT_5m", "clean/SOLUSDT_1h"),
    ("long/BTCUSDT_1h_2018_2025", "clean/BTCUSDT_4h"),
]


@pytest.mark.parametrize(("fine", "coarse"), PAIRS, ids=[f"{a}-{b.split('_')[1]}" for a, b in PAIRS])
def test_equals_the_exchange_bar_by_bar(shared, fine, coarse):
    real = load(shared, coarse)
    made = resample(load(shared, fine), real.interval)
    inside = (real.time >= made.time[0]) & (real.time <= made.time[-1])
    rows = np.isin(made.time, real.time[inside])
    assert rows.all() or (made.time[~rows] > real.time[-1]).all()
    for name in PRICES:
        assert np.array_equal(getattr(made, name)[rows], getattr(real, name)[inside]), name
    assert np.allclose(made.volume[rows], real.volume[inside], rtol=1e-9)


def test_thinning_keeps_the_share_the_grid_and_the_segments():
    whole = hours(1000, skip=(500,))
    out = thin(whole, share=0.8, seed=1)
    assert (~out.missing).sum() == int(999 * 0.2) and np.isnan(out.close[out.missing]).all()
    assert np.array_equal(out.time, whole.time) and np.array_equal(out.segment, whole.segment)
    assert np.array_equal(out.close[~out.missing], whole.close[~out.missing])


def test_thinning_repeats_for_a_seed_and_changes_with_it():
    one, same, other = (thin(hours(100), share=0.6, seed=s).missing for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_thinned_bars_resample_to_what_is_left():
    whole = hours(400)
    out = resample(thin(whole, share=0.95, seed=3), "4h")
    left = thin(whole, share=0.95, seed=3)
    assert np.isnan(out.close[out.missing]).all() and np.nansum(out.volume) == (~left.missing).sum()


def test_impossible_share_is_refused():
    with pytest.raises(ValueError, match=r"data.thin is 1.0"):
        thin(hours(4), share=1.0, seed=0)
