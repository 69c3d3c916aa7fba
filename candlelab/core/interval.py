"""Interval names ("1m", "1h", "1d", "1w", "1mo") as arithmetic on open times."""

from __future__ import annotations

import numpy as np

from candlelab.core.errors import UserError

MINUTE = 60_000
DAY = 1440 * MINUTE
FIXED = {
    "1s": 1000,
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": 60 * MINUTE,
    "2h": 120 * MINUTE,
    "4h": 240 * MINUTE,
    "6h": 360 * MINUTE,
    "8h": 480 * MINUTE,
    "12h": 720 * MINUTE,
    "1d": DAY,
    "3d": 3 * DAY,
    "1w": 7 * DAY,
}
MONTH = "1mo"
AUTO = "auto"  # as data.interval: what the files hold
INTERVALS = (*FIXED, MONTH)
YEAR = 365 * DAY


def check_interval(interval: str) -> str:
    """Return the interval's name ("1M" becomes "1mo"); raise ValueError if the exchange has no such interval."""
    name = MONTH if interval == "1M" else interval
    if name not in INTERVALS:
        raise UserError(f"interval '{interval}' is unknown: choose one of {' '.join(INTERVALS)}")
    return name


def check_asked(interval: str) -> str:
    """Return what data.interval asks for: a known interval, or auto, which is for sources that read files."""
    return AUTO if interval == AUTO else check_interval(interval)


def interval_ms(interval: str) -> int:
    """Return the length of an interval in ms; a month counts 365/12 days."""
    name = check_interval(interval)
    return YEAR // 12 if name == MONTH else FIXED[name]


def bars_per_year(interval: str) -> float:
    """Return how many bars a 24x7 market makes in 365 days."""
    return YEAR / interval_ms(interval)


def next_open(time: np.ndarray, interval: str) -> np.ndarray:
    """Return the open time of the bar after each bar; shape of `time`, ms UTC."""
    if check_interval(interval) != MONTH:
        return time + FIXED[interval]
    months = time.astype("datetime64[ms]").astype("datetime64[M]")
    inside = time - months.astype("datetime64[ms]").astype(np.int64)
    return np.asarray((months + 1).astype("datetime64[ms]").astype(np.int64) + inside)


def grid_offset(interval: str) -> int:
    """Return the ms by which the exchange's grid is shifted from the epoch: 3d bars by one day, weeks open on Monday."""
    return {"3d": DAY, "1w": 4 * DAY}.get(check_interval(interval), 0)


def infer_interval(symbol: np.ndarray, time: np.ndarray) -> str:
    """Return the interval whose length is the commonest step between neighbouring bars of a symbol.

    Raises UserError if there are fewer than two bars or the step is no interval of the exchange.
    """
    order = np.lexsort((time, symbol))
    steps = np.diff(np.asarray(time)[order])[np.diff(np.asarray(symbol)[order]) == 0]
    steps = steps[steps > 0]
    if not len(steps):
        raise UserError("the interval cannot be told from fewer than two bars: set data.interval")
    lengths, counts = np.unique(steps, return_counts=True)
    step = int(lengths[counts.argmax()])
    if 28 * DAY <= step <= 31 * DAY:
        return MONTH
    for name, length in FIXED.items():
        if length == step:
            return name
    raise UserError(
        f"the commonest time step is {step / MINUTE:g} minutes, which is no known interval: resample the file"
    )


def check_steps(time: np.ndarray, interval: str, bars: int = 1, fewest: int = 8) -> None:
    """Raise UserError unless the commonest step of ascending times (n,), ms UTC, is `bars` intervals; a few rows tell nothing."""
    steps = np.diff(time)
    steps = steps[steps > 0]
    if len(steps) < fewest:
        return
    lengths, counts = np.unique(steps, return_counts=True)
    asked = bars * interval_ms(interval)
    allowed = (
        (28 * DAY * bars <= lengths) & (lengths <= 31 * DAY * bars)
        if check_interval(interval) == MONTH
        else lengths == asked
    )
    if counts[allowed].sum() < counts[~allowed].max(initial=0):
        step = int(lengths[counts.argmax()])
        raise UserError(
            f"the commonest step between two times is {step / MINUTE:g} minutes where {bars} x {interval} "
            f"({asked / MINUTE:g}) was said: give the interval that the times have, or times in milliseconds"
        )


def floor_open(time: np.ndarray | int, interval: str) -> np.ndarray:
    """Return the open time of the exchange's bar that holds each time; int64 ms UTC."""
    time = np.asarray(time, np.int64)
    if check_interval(interval) == MONTH:
        return time.astype("datetime64[ms]").astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64)
    offset, length = grid_offset(interval), FIXED[interval]
    return (time - offset) // length * length + offset


def last_closed(interval: str, now: int) -> str:
    """Return when the last bar closed before a moment (ms UTC), as the config writes it: 2025-03-01T12:00.

    Where the interval is known only to the data, the last midnight.
    """
    known = interval if interval in INTERVALS else "1d"
    return str(floor_open(np.array(now), known).astype("datetime64[ms]").astype("datetime64[m]"))


FIRST_YEAR, LAST_YEAR = np.datetime64("1900-01-01", "ms"), np.datetime64("9999-12-31", "ms")


def to_time(date: str | None) -> int | None:
    """Return a date or datetime of the config as ms UTC, None for no limit; raises UserError for anything else."""
    if date is None:
        return None
    try:
        if not date[:4].isdigit():  # NumPy reads now and today, which would be another date tomorrow
            raise ValueError
        stamp = np.datetime64(date.removesuffix("Z").replace(" ", "T"), "ms")
        if not FIRST_YEAR <= stamp < LAST_YEAR:  # NaT, an empty text, or a number read as a year
            raise ValueError
        return int(stamp.astype(np.int64))
    except ValueError:
        raise UserError(
            f"'{date}' is no date: write data.start and data.end as 2024-01-31 or 2024-01-31T12:00"
        ) from None
