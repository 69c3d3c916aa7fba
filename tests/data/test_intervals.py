"""Several intervals in one training set: all of them train, the first is validated, tested and predicted."""

import numpy as np
import pytest

from candlelab.config import build, compose
from candlelab.pipeline.studies.study import data_name

WORDS = ("data=simulated", "data.source.bars=2400", "data.end=2020-03-20", "data.window=8", "data/indicators=minimal")


def data(*words):
    return build(compose(*WORDS, *words), "data", None)


@pytest.fixture(scope="module")
def both():
    return data("data.interval=[1h,4h]")


def intervals(data, part):
    made = data.prepared
    return {made.candles.intervals[code] for code in made.candles.symbol[made.ends[data.samples(part)]]}


def test_windows_of_all_intervals_train(both):
    assert intervals(both, "train") == {"1h", "4h"}


@pytest.mark.parametrize("part", ["validation", "test"])
def test_only_the_first_interval_is_scored(both, part):
    assert intervals(both, part) == {"1h"}


def test_no_training_window_of_any_interval_reaches_into_the_scored_ones(both):
    made = both.prepared
    first, last = (made.ends[both.samples(part)] for part in ("validation", "train"))
    hours = np.array([1, 4])[[("1h", "4h").index(name) for name in made.candles.intervals]][made.candles.symbol[last]]
    ends = made.candles.time[last] + 2 * hours * 3_600_000  # close of the bar that the label looks at
    assert ends.max() <= made.candles.time[first - 7].max() and ends.max() <= made.candles.time[first].min() + 3_600_000


def test_a_symbol_is_told_apart_by_its_interval(both):
    assert both.prepared.candles.symbols == ("SIM 1h", "SIM 4h") and both.interval == "1h"


def test_the_data_card_names_what_was_trained_on_too(both):
    assert (both.describe()["interval"], both.describe()["also_trained_on"]) == ("1h", ["4h"])


def test_the_scored_windows_are_those_of_the_first_interval_alone(both):
    alone = data("data.interval=1h")
    times = [d.prepared.candles.time[d.prepared.ends[d.samples("test")]] for d in (both, alone)]
    assert np.isin(times[1][-200:], times[0]).all()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("data.interval=[1h,1h]", "several different ones"),
        ("data.interval=[]", "give one"),
        ("data.interval=[1h,7h]", "interval '7h' is unknown"),
    ],
)
def test_intervals_that_cannot_be_are_refused(words, says):
    with pytest.raises(ValueError, match=says):
        data(words)


def test_several_intervals_are_not_coarsened():
    with pytest.raises(ValueError, match="coarsened to one interval"):
        data("data.interval=[1h,4h]", "data.resample=1d")


def test_a_study_names_both():
    assert "1h+4h" in data_name(compose(*WORDS, "data.interval=[1h,4h]").data)
