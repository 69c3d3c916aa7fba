"""What is wrong with bars is found, counted and never crossed."""

import numpy as np
import pytest

from candlelab.core.candles import Candles
from candlelab.core.errors import DataTrouble
from candlelab.data.label.direction import Direction
from candlelab.data.source.file import File
from candlelab.data.windows import valid_ends
from candlelab.market.outages import stood_still
from candlelab.market.quality import Quality, break_at_relistings, clean_bars, of_tape

HOUR = 3_600_000
T0 = 1_704_067_200_000
NEVER = 2**62


def bars(n=6, **changes):
    close = 100.0 + np.arange(n)
    made = {
        "time": T0 + HOUR * np.arange(n),
        "open": close - 0.5,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": np.ones(n),
    }
    return made | {k: np.asarray(v) for k, v in changes.items()}


def cleaned(table, misaligned="drop", now=NEVER):
    quality = Quality("X", "1h")
    return clean_bars(table, quality, now=now, misaligned=misaligned), quality


def take(table, rows):
    return {name: column[rows] for name, column in table.items()}


def test_identical_copies_are_dropped():
    out, quality = cleaned(take(bars(), [0, 1, 2, 3, 4, 5, 1, 2]))
    assert len(out["time"]) == 6 and (quality.duplicates, quality.conflicts) == (2, 0)


def test_of_conflicting_copies_the_one_with_more_volume_wins():
    early = take(bars(), [2]) | {"volume": np.array([0.25]), "close": np.array([101.75])}
    both = {n: np.concatenate([c, early[n]]) for n, c in bars().items()}
    out, quality = cleaned(both)
    assert out["close"][2] == 102 and (quality.duplicates, quality.conflicts) == (0, 1)
    assert quality.notes[0].startswith(
        "different versions of the bar of 2024-01-01 02:00: the one with the most volume"
    )


def test_last_bar_whose_copies_differ_was_not_finished():
    early = take(bars(), [5]) | {"volume": np.array([0.25])}
    out, quality = cleaned({n: np.concatenate([c, early[n]]) for n, c in bars().items()})
    assert len(out["time"]) == 5 and (quality.conflicts, quality.unfinished) == (1, 1)


def test_conflicting_copies_end_as_the_exchange_serves_them_today(shared):
    mixed, _ = load_dirty(shared, "BTCUSDT_1h_2024_conflicting_duplicates", "1h")
    today = File.plain(str(shared / "clean/BTCUSDT_1h.csv.gz")).fetch([], "1h", None, None)
    rows = np.searchsorted(today.time, mixed.time)
    assert all(
        np.array_equal(getattr(mixed, n), getattr(today, n)[rows])
        for n in ("time", "open", "high", "low", "close", "volume")
    )


def test_unfinished_bar_is_dropped():
    out, quality = cleaned(bars(), now=T0 + 6 * HOUR - 1)
    assert len(out["time"]) == 5 and quality.unfinished == 1


@pytest.mark.parametrize(("policy", "times"), [("drop", [0, 1, 4, 5]), ("snap", [0, 1, 3, 4, 5])])
def test_misaligned_bars_follow_the_policy(policy, times):
    shifted = bars(time=T0 + HOUR * np.array([0, 1, 2.5, 3.5, 4, 5]).astype(float))
    shifted["time"] = shifted["time"].astype(np.int64)
    out, quality = cleaned(shifted, policy)
    assert ((out["time"] - T0) // HOUR).tolist() == times and quality.misaligned == 2


def test_misaligned_bars_can_be_refused():
    with pytest.raises(DataTrouble, match=r"1 bars do not open on the 1h grid"):
        cleaned(bars(time=T0 + HOUR * np.arange(6) + np.array([0, 0, 5, 0, 0, 0])), "refuse")


@pytest.mark.parametrize(
    "change", [{"high": 50.0}, {"low": 500.0}, {"close": np.nan}, {"open": 0.0}, {"low": -1.0}, {"volume": -1.0}]
)
def test_a_broken_bar_is_dropped_and_counted(change):
    table = bars()
    for name, value in change.items():
        table[name][3] = value
    out, quality = cleaned(table)
    assert len(out["time"]) == 5 and quality.broken == 1 and quality.gaps == 1


def test_gaps_and_quiet_bars_are_counted():
    table = take(bars(8), [0, 1, 2, 5, 6, 7])
    table["volume"][1] = 0
    table["open"][1] = table["high"][1] = table["low"][1] = table["close"][1]
    _, quality = cleaned(table)
    assert (quality.gaps, quality.missing_bars, quality.zero_volume, quality.flat) == (1, 2, 1, 1)


def tape(close, time=None):
    close = np.asarray(close, float)
    time = T0 + HOUR * np.arange(len(close)) if time is None else time
    return Candles.build(
        symbols=("X",),
        intervals=("1h",),
        symbol=np.zeros(len(close), int),
        time=time,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.ones(len(close)),
    )


def test_redenomination_breaks_the_segment_even_without_a_gap():
    assert break_at_relistings(tape([1, 1.1, 1100, 1101])).segment.tolist() == [0, 0, 1, 1]


def test_the_largest_real_move_breaks_nothing():
    assert break_at_relistings(tape([1, 4.92, 1.1])).segment.tolist() == [0, 0, 0]


def test_relisting_is_a_long_gap_or_a_jump_across_one():
    long = tape([1, 1], np.array([T0, T0 + 200 * 24 * HOUR]))
    jump = tape([1, 900], np.array([T0, T0 + 5 * HOUR]))
    short = tape([1, 1], np.array([T0, T0 + 34 * HOUR]))
    assert [len(of_tape(t)[0].relistings) for t in (long, jump, short)] == [1, 1, 0]


def test_known_halts_explain_missing_bars():
    opens = np.array(["2023-03-24T12:40", "2023-03-24T13:59", "2023-03-24T14:00"], "datetime64[ms]").astype(np.int64)
    assert stood_still(opens, opens + 60_000).tolist() == [True, True, False]


# file, interval, rows, segments, (duplicates, conflicts, misaligned), re-listings
DIRTY = [
    ("BTCUSDT_1h_2017_2020_misaligned", "1h", 21_410, 14, (0, 0, 43), []),
    ("BTCUSDT_1h_2021_appended_twice", "1h", 8_747, 7, (8_747, 0, 0), []),
    ("BTCUSDT_1h_2024_conflicting_duplicates", "1h", 4_736, 1, (4_729, 8, 0), []),
    ("ETHUSDT_1h", "1h", 23_989, 6, (0, 0, 0), []),
    ("LUNAUSDT_1h", "1h", 23_551, 7, (0, 0, 0), ["2022-05-31T06:00"]),
    ("NPXSUSDT_1h", "1h", 8, 1, (0, 0, 0), []),
    ("USDCUSDT_1h", "1h", 19_993, 7, (0, 0, 0), ["2023-03-11T14:00"]),
    ("USDCUSDT_1m_one_tick", "1m", 86_400, 1, (0, 0, 0), []),
    ("USTUSDT_1h", "1h", 3_353, 1, (0, 0, 0), []),
]


def load_dirty(shared, name, interval):
    source = File.plain(str(shared / "dirty" / f"{name}.csv.gz"))
    return source.fetch([], interval, None, None), source.quality[0]


@pytest.mark.parametrize(
    ("name", "interval", "rows", "segments", "found", "relistings"), DIRTY, ids=[d[0] for d in DIRTY]
)
def test_dirty_files_load_as_this_table_says(shared, name, interval, rows, segments, found, relistings):
    tape, quality = load_dirty(shared, name, interval)
    assert (len(tape), tape.segment[-1] + 1) == (rows, segments)
    assert (quality.duplicates, quality.conflicts, quality.misaligned) == found
    assert [str(np.datetime64(t, "ms").astype("datetime64[m]")) for t in quality.relistings] == relistings


@pytest.mark.parametrize("case", DIRTY, ids=[d[0] for d in DIRTY])
def test_no_window_crosses_a_break(shared, case):
    tape, _ = load_dirty(shared, *case[:2])
    ends = valid_ends(tape, window=24, warmup=0, stride=1)
    step = {"1h": HOUR, "1m": 60_000}[case[1]]
    assert (tape.time[ends] - tape.time[ends - 23] == 23 * step).all()


@pytest.mark.parametrize("case", DIRTY, ids=[d[0] for d in DIRTY])
def test_no_return_or_label_crosses_a_break(shared, case):
    tape, _ = load_dirty(shared, *case[:2])
    labels = Direction(horizon=5, ties="down")(tape, 24)
    rows = np.flatnonzero(labels.label_end >= 0)
    assert (tape.segment[labels.label_end[rows]] == tape.segment[rows]).all()
    ends = np.flatnonzero(np.diff(tape.segment, append=-1) != 0)
    assert np.isnan(labels.forward_return[ends]).all() and (labels.label[ends] == -1).all()


def test_every_dirty_file_is_in_the_table(shared):
    assert {p.name.removesuffix(".csv.gz") for p in (shared / "dirty").glob("*.csv.gz")} == {d[0] for d in DIRTY}
