"""Times: datetimes of any unit as integer milliseconds since the epoch (UTC), and as text."""

from __future__ import annotations

from typing import Any

import numpy as np

MICROSECONDS = 10**14  # as ms this is the year 5138, as us 1973
NANOSECONDS = 10**17


def to_ms(times: Any) -> np.ndarray:
    """Return int64 ms UTC from datetimes of any unit and zone (naive means UTC), epoch integers or ISO text.

    Integers are ms; from 1e14 on us and from 1e17 on ns, told per value by magnitude.
    """
    import pandas as pd

    column = pd.Series(times)
    if pd.api.types.is_integer_dtype(column):
        return _scaled(column.to_numpy(np.int64))
    stamps = pd.to_datetime(column, utc=True)
    return np.asarray(stamps.dt.tz_localize(None).to_numpy("datetime64[ms]"), "datetime64[ms]").astype(np.int64)


def _scaled(times: np.ndarray) -> np.ndarray:
    if not len(times) or times.max() < MICROSECONDS:
        return times
    return np.select([times < MICROSECONDS, times < NANOSECONDS], [times, times // 1000], times // 1_000_000)


def iso(ms: int) -> str:
    """Return ms UTC as "2024-01-31 13:00"."""
    return str(np.datetime64(int(ms), "ms").astype("datetime64[m]")).replace("T", " ")


def day(ms: int) -> str:
    """Return ms UTC as "2024-01-31"."""
    return iso(ms)[:10]
