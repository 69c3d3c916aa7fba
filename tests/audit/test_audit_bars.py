"""Bars that no exchange can have made are named with the first of them; real bars raise no alarm."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from candlelab.audit.findings import of_reader, order_of_parts, suspicious_bars
from candlelab.core.candles import Candles

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ohlcv"
PRICES = ["open", "high", "low", "close"]
COLUMNS = [*PRICES, "volume"]
START, HOUR = 1_704_067_200_000, 3_600_000


def market(size=3000, seed=0):
    """Hourly bars with a tick of 0.01 around 40,000, as an exchange makes them."""
    rng = np.random.default_rng(seed)
    close = 40_000 * np.exp(np.cumsum(rng.normal(0, 0.005, size)))
    opens = np.append(close[0], close[:-1]) * (1 + 1e-6 * rng.normal(size=size))
    high, low = (
        np.maximum(opens, close) * (1 + 0.002 * rng.random(size)),
        np.minimum(opens, close) * (1 - 0.002 * rng.random(size)),
    )
    bars = np.stack([opens, high, low, close], 1).round(2)
    return pd.DataFrame(bars, columns=PRICES).assign(
        volume=rng.lognormal(7, 0.8, size).round(3), open_time=START + HOUR * np.arange(size)
    )


def found(frame):
    """(kind, bars, number of the first bar) of everything found."""
    return [
        (each.kind, each.bars, (each.first - START) // HOUR)
        for each in suspicious_bars(Candles.from_frame(frame, symbol="BTCUSDT"))
    ]


def holes(size, each, count, start):
    """Row numbers of `count` holes of `each` bars, 20 bars apart from `start`."""
    return np.array([start + 20 * k + j for k in range(count) for j in range(each)])


def refilled(frame, rows, method):
    frame = frame.astype(dict.fromkeys(COLUMNS, float))
    frame.loc[rows, COLUMNS] = np.nan
    return frame.assign(**getattr(frame[COLUMNS], method)())


def test_bars_of_one_exchange_raise_no_alarm():
    assert found(market()) == []


def test_113_interpolated_bars_are_named_with_the_first():
    rows = np.append(holes(3000, 4, 28, 500), 2000)
    assert ("linearly interpolated bars", 113, 500) in found(refilled(market(), rows, "interpolate"))


def test_interpolated_bars_rounded_to_the_tick_are_named_all_the_same():
    frame = refilled(market(), holes(3000, 4, 28, 500), "interpolate").round({**dict.fromkeys(PRICES, 2), "volume": 8})
    assert ("linearly interpolated bars", 112, 500) in found(frame)


def test_forward_filled_bars_are_named_with_the_first():
    assert found(refilled(market(), holes(3000, 1, 140, 77), "ffill")) == [("forward-filled bars", 140, 77)]


def test_bars_filled_with_the_last_close_and_no_volume_are_named():
    frame, rows = market(), holes(3000, 1, 140, 77)
    for name in PRICES:
        frame.loc[rows, name] = frame["close"].to_numpy()[rows - 1]
    frame.loc[rows, "volume"] = 0.0
    assert found(frame) == [("bars without a trade", 140, 77)]


@pytest.mark.parametrize("premium", [0.002, -0.004])
def test_164_bars_of_another_venue_are_named_with_the_first(premium):
    frame = market()
    frame.loc[1200:1363, PRICES] = (frame.loc[1200:1363, PRICES] * (1 + premium)).round(2)
    assert found(frame) == [("bars of another venue", 164, 1200)]


def test_more_decimals_than_the_tick_are_named():
    frame = market()
    frame.loc[1200:1363, "close"] -= 0.0037
    frame.loc[1200:1363, "low"] -= 1.0
    assert ("bars with more decimals than the tick", 164, 1200) in found(frame)


def test_a_finer_tick_from_some_day_on_is_no_alarm():
    frame = market()
    frame.loc[2900:, PRICES] = frame.loc[2900:, PRICES] + np.array([0.001, 0.002, 0.0, 0.0013])
    assert found(frame) == []


def test_a_feed_that_changes_its_exchange_is_named_where_it_does():
    frame = market()
    frame.loc[1700:, PRICES] = (frame.loc[1700:, PRICES] * 1.003).round(2)
    frame.loc[1700:, "volume"] /= 30
    assert ("bars of a changed feed", 1300, 1700) in found(frame)


def test_what_the_reader_counted_is_named_with_its_first_bar():
    record = {
        "symbol": "A",
        "rows": 100,
        "first": 0,
        "relistings": [5 * HOUR],
        "firsts": {"conflicts": 2 * HOUR},
        "conflicts": 8,
        "duplicates": 0,
        "missing_bars": 0,
        "misaligned": 0,
        "broken": 0,
        "unfinished": 0,
    }
    assert [(each.kind, each.bars, each.first // HOUR, each.shakes) for each in of_reader([record])] == [
        ("times with differing bars", 8, 2, True),
        ("new beginnings", 1, 5, True),
    ]


def test_a_test_period_before_the_training_is_told():
    parts = {
        name: {"first": first, "last": last}
        for name, first, last in (
            ("train", "2024-06-01", "2024-06-08"),
            ("validation", "2024-06-29", "2024-06-30"),
            ("test", "2024-01-01", "2024-12-08"),
        )
    }
    assert [sentence.split(",")[0] for sentence in order_of_parts(parts)] == [
        "the test period begins on 2024-01-01"
    ] * 2


FILES = [
    "clean/BTCUSDT_1h",
    "clean/XRPUSDT_4h",
    "clean/BONKUSDT_5m",
    "dirty/LUNAUSDT_1h",
    "dirty/USTUSDT_1h",
    "dirty/USDCUSDT_1h",
    "dirty/ETHUSDT_1h",
    "clean/DOGEUSDT_1d",
]


@pytest.mark.parametrize(
    "name",
    [
        *FILES,
        *(
            pytest.param(path, marks=pytest.mark.slow)
            for path in (
                "clean/BTCUSDT_15m",
                "clean/ETHUSDT_15m",
                "clean/SOLUSDT_5m",
                "long/BTCUSDT_1h_2018_2025",
                "scale/BTCUSDT_1m",
                "clean/ETHUSDT_4h",
            )
        ),
    ],
)
def test_real_bars_raise_no_alarm(name):
    path = DATA / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip("the real bars are not here")
    alarms = [each for each in suspicious_bars(Candles.from_frame(pd.read_csv(path))) if each.shakes]
    assert not alarms, alarms


@pytest.fixture(scope="module")
def real():
    path = DATA / "permissive" / "BTCUSDT_1h_2023_2025.csv.gz"
    if not path.exists():
        pytest.skip("the real bars are not here")
    return pd.read_csv(path)


def named(frame):
    return {
        each.kind: (each.bars, int(np.flatnonzero(frame["open_time"] == each.first)[0]))
        for each in suspicious_bars(Candles.from_frame(frame, symbol="BTCUSDT"))
        if each.shakes
    }


def test_113_interpolated_bars_among_real_ones_are_named(real):
    rows = np.append(holes(len(real), 4, 28, 5000), 9000)
    assert named(refilled(real, rows, "interpolate"))["linearly interpolated bars"] == (113, 5000)


def test_five_per_cent_filled_forward_among_real_ones_are_named(real):
    rows = np.arange(60, len(real), 20)
    assert named(refilled(real, rows, "ffill")) == {"forward-filled bars": (len(rows), 60)}


def test_164_bars_of_another_venue_among_real_ones_are_named(real):
    frame = real.astype(dict.fromkeys(PRICES, float))
    frame.loc[7000:7163, PRICES] = (frame.loc[7000:7163, PRICES] * 1.0025).round(2)
    frame.loc[7000:7163, "volume"] *= 0.3
    assert named(frame) == {"bars of another venue": (164, 7000)}
