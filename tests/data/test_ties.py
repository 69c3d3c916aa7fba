"""Bars whose label was dropped are still bars that a position earns on."""

import numpy as np
import pytest

from candlelab.config import build, compose
from candlelab.core.candles import Candles
from candlelab.data.label.direction import Direction
from candlelab.data.split.periods import Periods

START = 1_704_067_200_000  # 2024-01-01
HOUR = 3_600_000


class Given:
    """A source that hands out the bars it was given."""

    def __init__(self, candles):
        self.candles = candles

    def fetch(self, symbols, interval, start, end):
        return self.candles


def tape(moves):
    """Hourly bars whose closes move by the given ticks."""
    close = 100 + np.cumsum(moves).astype(float)
    one = np.ones(len(close))
    return Candles.build(
        symbols=("A",),
        intervals=("1h",),
        symbol=0 * close,
        time=START + HOUR * np.arange(len(close)),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=one,
    )


def data_of(candles, ties="drop", split=None):
    cfg = compose("data=simulated", "data.window=2", "data/indicators=none", "model=logistic")
    data = build(cfg, "data", None)
    data.source, data.label = Given(candles), Direction(horizon=1, ties=ties)
    data.split = split or data.split
    return data


COARSE = np.random.default_rng(0).choice([-1, 0, 1], 400, p=[0.3, 0.4, 0.3])


def test_unchanged_bars_are_traded_without_a_label():
    data = data_of(tape(COARSE))
    rows = data.rows("test")
    assert (np.diff(rows["time"]) == HOUR).all()
    assert ((rows["label"] == -1) == (rows["forward_return"] == 0)).all() and 0.3 < (rows["label"] == -1).mean() < 0.5


def test_unchanged_bars_earn_nothing_by_themselves():
    rows = data_of(tape(COARSE)).rows("test")
    assert rows["bar_return"].to_numpy()[:-1] == pytest.approx(rows["forward_return"].to_numpy()[:-1])


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_samples_to_learn_and_judge_by_all_have_a_label(part):
    data = data_of(tape(COARSE))
    made = data.prepared
    assert (made.labels.label[made.ends[data.samples(part)]] >= 0).all()


def test_the_card_counts_rows_without_a_label():
    data = data_of(tape(COARSE))
    part = data.describe()["parts"]["test"]
    assert part["samples"] + part["unlabelled"] == len(data.rows("test")) and part["unlabelled"] > 0
    assert sum(part["classes"].values()) == part["samples"]


def test_rows_of_periods_apart_are_chains_apart():
    split = Periods(
        train="2024-01-05",
        train_days=3,
        validation="2024-01-09",
        validation_days=1,
        tests=["2024-01-02", "2024-01-12"],
        test_days=2,
        purge="label",
        embargo=0,
    )
    rows = data_of(tape(np.where(COARSE == 0, 1, COARSE)), split=split).rows("test")
    assert rows.groupby("segment").time.agg(["min", "max"]).sub(START).div(24 * HOUR).round(2).to_numpy().tolist() == [
        [1.0, 2.96],
        [11.0, 12.96],
    ]
