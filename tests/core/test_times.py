"""Time columns of every unit, and steps that are not the interval."""

import numpy as np
import pandas as pd
import pytest

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.interval import to_time
from candlelab.core.times import to_ms

HOURS = 1_700_000_000_000 // 3_600_000 * 3_600_000 + 3_600_000 * np.arange(20)


def units(ms):
    """The same instants as people hand them over."""
    stamps = pd.Series(pd.to_datetime(ms, unit="ms"))
    named = {f"datetime64[{unit}]": stamps.astype(f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")}
    return named | {
        "zone": stamps.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        "us": ms * 1000,
        "ns": ms * 1_000_000,
        "ms": ms,
        "text": stamps.astype(str),
    }


@pytest.mark.parametrize("name", units(HOURS))
def test_times_of_every_unit_are_the_same_milliseconds(name):
    assert to_ms(units(HOURS)[name]).tolist() == HOURS.tolist()


def tape(time, interval="1h"):
    one = np.ones(len(HOURS))
    return Candles.build(
        symbols=("A",),
        intervals=(interval,),
        symbol=0 * HOURS,
        time=time,
        open=one,
        high=one,
        low=one,
        close=one,
        volume=one,
    )


@pytest.mark.parametrize("name", ["datetime64[us]", "us", "ns"])
def test_a_tape_of_microseconds_is_one_segment(name):
    assert tape(units(HOURS)[name]).segment.max() == 0


@pytest.mark.parametrize(("time", "interval"), [(HOURS, "1m"), (HOURS, "4h"), (HOURS // 1000, "1h")])
def test_a_tape_whose_commonest_step_is_not_the_interval_is_refused(time, interval):
    with pytest.raises(UserError, match="commonest step"):
        tape(time, interval)


@pytest.mark.parametrize("text", ["now", "today", "NaT", "-1", "01/02/2020", "2020-13-01", ""])
def test_words_and_odd_dates_are_no_date(text):
    with pytest.raises(UserError, match=r"write data.start and data.end as"):
        to_time(text)
