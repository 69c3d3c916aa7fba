"""Splits: the worked purge table, and the property that nothing kept overlaps anything later."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candlelab.config import build, compose
from candlelab.core.candles import Candles, concat
from candlelab.core.errors import UserError
from candlelab.data.split.chronological import Chronological
from candlelab.data.split.parts import purge, sampled
from candlelab.data.split.periods import Periods
from candlelab.data.split.walk_forward import WalkForward

HOUR = 3_600_000
DEFAULTS = {
    "train": 0.6,
    "validation": 0.2,
    "validation_start": None,
    "test_start": None,
    "purge": "label",
    "embargo": 0,
}
FOLDS = {"folds": 4, "fold": 1, "validation": 0.25, "train_bars": None, "purge": "label", "embargo": 0}


def tape(n, symbol="A", start=0, interval="1h", step=HOUR):
    time = start + np.arange(n) * step
    frame = {"symbol": symbol, "open_time": time, "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    return Candles.from_frame(pd.DataFrame(frame), interval=interval)


def cut(splitter, candles, horizon=1, window=1):
    end = np.arange(window - 1, len(candles) - horizon)
    return splitter(candles, end, end + horizon, end - window + 1)


def overlaps(candles, part, end, label_end, first_row):
    """Does any sample share a bar of time with a sample of a later part?"""
    start, stop = candles.time[first_row], candles.time[label_end]
    pairs = ((0, 1), (1, 2), (0, 2))
    return any(
        part[part == a].size and part[part == b].size and stop[part == a].max() >= start[part == b].min()
        for a, b in pairs
    )


@pytest.mark.parametrize(
    ("test", "closed", "embargo", "kept"),
    [
        (range(5), True, 0, [7, 8, 9]),
        (range(5), False, 0, [6, 7, 8, 9]),
        (range(5), True, 1, [8, 9]),
        (range(5, 10), True, 0, [0, 1, 2]),
        (range(5, 10), False, 0, [0, 1, 2, 3]),
        (range(5, 10), True, 1, [0, 1, 2]),
    ],
)
def test_purge_equals_the_worked_table_of_ten_samples(test, closed, embargo, kept):
    start = np.arange(10)
    keep = purge(start, start + 2, np.isin(start, test), embargo=embargo, closed=closed)
    assert np.flatnonzero(keep).tolist() == kept


@pytest.mark.parametrize(
    ("closed", "embargo", "kept"),
    [
        (True, 0, [*range(6), *range(14, 20)]),
        (False, 0, [*range(7), *range(13, 20)]),
        (True, 2, [*range(6), *range(16, 20)]),
    ],
)
def test_purge_equals_the_worked_table_of_twenty_samples(closed, embargo, kept):
    start = np.arange(20)
    keep = purge(start, start + 2, np.isin(start, range(8, 12)), embargo=embargo, closed=closed)
    assert np.flatnonzero(keep).tolist() == kept


def test_purging_two_separate_test_blocks_keeps_what_lies_between():
    start = np.arange(30)
    keep = purge(start, start + 1, np.isin(start, [3, 4, 20, 21]))
    assert keep[10] and keep[6:19].all()


intervals = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans()), min_size=2, max_size=40)


@given(intervals)
@settings(max_examples=200, deadline=None)
def test_purge_drops_every_overlapping_sample_and_no_other(samples):
    steps, lengths, test = (np.array(column) for column in zip(*samples, strict=True))
    start = np.cumsum(steps)
    stop, test = start + lengths, test.astype(bool)
    keep = purge(start, stop, test)
    meets = ((start[:, None] <= stop[test]) & (stop[:, None] >= start[test])).any(1)
    assert np.array_equal(keep, ~test & ~meets)


def test_shares_count_samples_in_time_order():
    part = cut(Chronological(**DEFAULTS), tape(101))
    assert [(part == k).sum() for k in (0, 1, 2, -1)] == [59, 19, 20, 2]  # the last of train and validation end later


def test_label_that_ends_in_the_next_part_is_dropped():
    part = cut(Chronological(**DEFAULTS), tape(105), horizon=5)
    assert part[55:60].tolist() == [-1] * 5 and part[54] == 0 and part[60] == 1


def test_full_purge_also_respects_the_windows_of_the_later_part():
    part = cut(Chronological(**DEFAULTS | {"purge": "full"}), tape(110), window=10)
    first_validation = np.flatnonzero(part == 1)[0]
    assert (
        np.flatnonzero(part == 0)[-1] == first_validation - 11
    )  # its label ends where the 10-bar window has not begun


def test_embargo_shortens_the_earlier_part_and_leaves_the_test_alone():
    without, with_gap = (cut(Chronological(**DEFAULTS | {"embargo": e}), tape(101)) for e in (0, 3))
    assert np.array_equal(without == 2, with_gap == 2)
    assert (with_gap == 0).sum() == (without == 0).sum() - 3


def test_symbols_are_cut_at_the_same_instants():
    candles = concat([tape(100), tape(60, symbol="B", start=40 * HOUR)])
    end = np.flatnonzero(candles.position < np.where(candles.symbol == 0, 99, 59))
    part = Chronological(**DEFAULTS)(candles, end, end + 1, end)
    time = candles.time[end]
    assert time[part == 0].max() < time[part == 1].min() < time[part == 1].max() < time[part == 2].min()


def test_dates_replace_the_shares():
    dates = {"validation_start": "1970-01-02", "test_start": "1970-01-03"}
    part = cut(Chronological(**DEFAULTS | dates), tape(73))
    assert part[:48].tolist() == [0] * 23 + [-1] + [1] * 23 + [-1] and (part[48:] == 2).all()


def test_a_long_bar_of_another_interval_is_purged_by_its_close():
    candles = concat([tape(96), tape(24, symbol="B", interval="4h", step=4 * HOUR)])
    end = np.arange(len(candles))
    dates = {"validation_start": "1970-01-02T02:00", "test_start": "1970-01-03"}
    part = Chronological(**DEFAULTS | dates)(candles, end, end, end)
    assert part[96 + 6] == -1  # opens at 00:00, closes at 04:00, inside validation


@pytest.mark.parametrize(
    "splitter", [Chronological(**DEFAULTS), WalkForward(**FOLDS), WalkForward(**FOLDS | {"train_bars": 120})]
)
@pytest.mark.parametrize("policy", ["label", "full"])
@pytest.mark.parametrize("horizon", [1, 7])
def test_no_interval_reaches_into_a_later_part(splitter, policy, horizon):
    splitter.purge = policy
    candles = concat([tape(300), tape(200, symbol="B", start=77 * HOUR)])
    end = np.flatnonzero(
        (candles.position >= 9) & (candles.position < np.where(candles.symbol == 0, 300, 200) - horizon)
    )
    part = splitter(candles, end, end + horizon, end - 9)
    first = end if policy == "label" else end - 9
    assert not overlaps(candles, part, end, end + horizon, first)


def test_a_split_without_purge_is_caught():
    candles = tape(100)
    end = np.arange(95)
    unpurged = np.repeat([0, 1, 2], [60, 20, 15])
    assert overlaps(candles, unpurged, end, end + 5, end)


def test_walk_forward_trains_on_the_past_of_its_block_only():
    part = cut(WalkForward(**FOLDS), tape(501))
    assert np.flatnonzero(part == 2)[[0, -1]].tolist() == [200, 299]  # block 2 of 5
    assert (part[300:] == -1).all() and part[0] == 0


def test_walk_forward_blocks_tile_the_out_of_sample_path():
    tested = np.sum([cut(WalkForward(**FOLDS | {"fold": k}), tape(501)) == 2 for k in range(4)], axis=0)
    assert tested.tolist() == [0] * 100 + [1] * 400


def test_a_billion_folds_take_no_memory():
    with pytest.raises(ValueError, match="no training samples"):
        cut(WalkForward(**FOLDS | {"folds": 10**9, "fold": 0}), tape(101))


def test_sliding_window_trains_on_the_last_bars_only():
    part = cut(WalkForward(**FOLDS | {"train_bars": 40}), tape(501))
    assert np.flatnonzero(part >= 0)[0] == 160


def test_empty_part_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="no training samples"):
        cut(Chronological(**DEFAULTS | {"embargo": 90}), tape(101))


@pytest.mark.parametrize(
    "broken",
    [
        {"train": 0.8, "validation": 0.2},
        {"validation_start": "2024-01-01"},
        {"purge": "all"},
        {"embargo": -1},
        {"train": 70},
    ],
)
def test_settings_out_of_range_are_refused(broken):
    with pytest.raises(UserError, match=r"train|validation_start|purge|embargo"):
        Chronological(**DEFAULTS | broken)


MONTHS = {
    "train": "1970-01-05",
    "train_days": 2,
    "validation": "1970-01-07",
    "validation_days": 1,
    "tests": ["1970-01-02", "1970-01-10"],
    "test_days": 1,
    "purge": "full",
    "embargo": 0,
}


def test_periods_take_the_days_they_name_and_drop_the_rest():
    part = cut(Periods(**MONTHS), tape(24 * 12))
    day = np.arange(len(part)) // 24
    assert set(day[part == 0]) == {4, 5} and set(day[part == 1]) == {6} and set(day[part == 2]) == {1, 9}
    assert [(part == k).sum() for k in (0, 1, 2)] == [
        47,
        24,
        48,
    ]  # the label of the last training hour ends in validation


@pytest.mark.parametrize("window", [1, 5, 30])
@pytest.mark.parametrize("tests", [["1970-01-04"], ["1970-01-12"], ["1970-01-04", "1970-01-12"]])
def test_periods_share_no_bar_on_either_side(tests, window):
    candles = tape(24 * 14)
    end = np.arange(window - 1, len(candles) - 3)
    days = {"train_days": 4, "validation": "1970-01-09", "validation_days": 3, "tests": tests}
    part = Periods(**MONTHS | days)(candles, end, end + 3, end - window + 1)
    seen = [
        {row for i in np.flatnonzero(part == k) for row in range(end[i] - window + 1, end[i] + 4)} for k in (0, 1, 2)
    ]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


def test_periods_that_overlap_are_refused():
    with pytest.raises(ValueError, match="training period and a validation period overlap"):
        Periods(**MONTHS | {"train_days": 3})


def test_a_sample_of_dated_parts_keeps_some_of_each_and_of_every_test_period():
    part = cut(Periods(**MONTHS), tape(24 * 12))
    kept = sampled(part, np.arange(len(part)), 20)
    assert [(part[kept] == k).sum() for k in (0, 1, 2, -1)] == [14, 3, 3, 0]
    assert set(kept[part[kept] == 2] // 24) == {1, 9}


def test_a_part_smaller_than_its_share_is_kept_whole():
    part = np.repeat([0, 1, 2], [4, 50, 50])
    assert (part[sampled(part, np.arange(104), 100)] == 0).sum() == 4


@pytest.mark.parametrize(("splitter", "dated"), [(Periods(**MONTHS), True), (WalkForward(**FOLDS), False)])
def test_a_split_says_whether_dates_decide_it(splitter, dated):
    assert splitter.dated is dated


def test_a_quick_try_of_named_months_has_rows_to_train_on():
    months = ["split.train=2020-02-01", "split.validation=2020-02-20", "split.tests=[2020-01-05,2020-03-10]"]
    words = ["source.bars=2500", "max_samples=100", "window=8", *months]
    cfg = compose("data=simulated", "data/split=periods", "data/indicators=none", *(f"data.{word}" for word in words))
    made = build(cfg, "data", None).prepared
    assert [(made.part == k).sum() for k in (0, 1, 2)] == [70, 15, 15]
