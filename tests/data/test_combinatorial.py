"""Combinatorial purged cross-validation: nothing shared, every group tested equally often, complete paths."""

import re
from math import comb

import numpy as np
import pandas as pd
import pytest

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.data.split.combinatorial import Combinatorial

SIX = {"groups": 6, "tests": 2, "combination": 0, "validation": 0.2, "purge": "full", "embargo": 0}


def tape(n, symbol="A"):
    time = np.arange(n) * 3_600_000
    frame = {"symbol": symbol, "open_time": time, "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    return Candles.from_frame(pd.DataFrame(frame), interval="1h")


def cut(combination, *, n=600, window=5, horizon=3, **changed):
    end = np.arange(window - 1, n - horizon)
    split = Combinatorial(**SIX | {"combination": combination} | changed)
    return end, split(tape(n), end, end + horizon, end - window + 1)


@pytest.mark.parametrize("combination", range(15))
def test_no_two_parts_share_a_bar_on_either_side(combination):
    end, part = cut(combination)
    seen = [{row for i in np.flatnonzero(part == k) for row in range(end[i] - 4, end[i] + 4)} for k in (0, 1, 2)]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


def test_every_row_is_tested_as_often_as_there_are_paths():
    times = sum((cut(k)[1] == 2).astype(int) for k in range(15))
    assert set(times) == {comb(5, 1)}


def test_the_second_combination_tests_the_first_and_the_third_group():
    end, part = cut(1, n=607)
    assert set((end[part == 2] - 4) // 100) == {0, 2}


def test_an_embargo_widens_the_gap_on_both_sides():
    end, part = cut(7, embargo=10)
    tested, learnt = end[part == 2], end[(part >= 0) & (part < 2)]
    gaps = learnt[:, None] - tested
    assert -gaps[gaps < 0].max() == gaps[gaps > 0].min() == 5 + 3 + 10  # window, horizon, embargo


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"combination": 15}, "combination is 15; choose from 0 to 14."),
        ({"tests": 6}, "tests is 6 of 6 groups; leave at least one group to learn from."),
        ({"groups": 1}, "groups is 1; choose from 2 to 20 stretches of time."),
    ],
)
def test_settings_out_of_range_are_refused_in_words(changed, said):
    with pytest.raises(UserError, match=re.escape(said)):
        Combinatorial(**SIX | changed)
