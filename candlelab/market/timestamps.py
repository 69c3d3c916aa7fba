"""Open times of files as int64 ms UTC: epoch numbers of any unit, timestamps, text in ISO or another format."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from candlelab.core.errors import UserError

UNITS = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
EPOCH = r"^1(?:\d{9}|\d{12}|\d{15}|\d{18})$"  # 2001 to 2033 in s, ms, us, ns; 2024013113 is a date
STYLES = (
    "ISO8601",
    "%Y-%m-%d %I-%p",
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%b %d, %Y",
    "%d %b %Y",
    "%d %b %Y %H:%M",
)
DAY_MONTH = re.compile(r"^\s*(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})\b(.*)$")
CLOCKS = {0: "", 1: " %H:%M", 2: " %H:%M:%S"}
EARLIEST, LATEST = 315_532_800_000, 4_102_444_800_000  # 1980 and 2100


def check_timezone(name: str) -> str:
    """Return an IANA zone name; raises UserError if there is no such zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(f"timezone is {name!r}: give UTC or a name like Europe/Berlin") from None
    return name


def read_times(
    column: pa.ChunkedArray, place: str, *, timezone: str = "UTC", time_format: str | None = None
) -> np.ndarray:
    """Return int64 ms UTC of numbers (s, ms, us or ns, told per value by magnitude), timestamps or text; shape (n,).

    timezone     the zone of text and timestamps that name none; epoch numbers are UTC.
    time_format  strptime's codes for text, or s, ms, us, ns for numbers; None: told from the values.
    Raises UserError naming the first row that is no time between 1980 and 2100.
    """
    column = _plain(column, place)
    if column.null_count:
        raise UserError(
            f"{place} has {column.null_count} rows without a time (the first is row {_first_null(column)}): remove them"
        )
    if time_format is None or time_format in UNITS:
        column = _epochs_in_text(column)
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        times = column.cast(pa.timestamp("ms", getattr(kind, "tz", None)), safe=False).cast(pa.int64()).to_numpy()
        times = (
            times if getattr(kind, "tz", None) else _to_utc(pd.Series(times.astype("datetime64[ms]")), timezone, place)
        )
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        times = _numbers(column.to_numpy(), time_format, place)
    else:
        times = _parse_text(column.cast(pa.string()), place, timezone, time_format)
    return _in_range(times, place)


def _epochs_in_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text as numbers where every value is an epoch of seconds, ms, us or ns, as exchanges quote them in JSON."""
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if text and pc.all(pc.match_substring_regex(column, EPOCH)).as_py():
        return column.cast(pa.int64())
    return column


def _plain(column: pa.ChunkedArray, place: str) -> pa.ChunkedArray:
    """Return the column without dictionary or decimal; raises UserError for a type that holds no times."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), place)
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    fit = (
        pa.types.is_timestamp,
        pa.types.is_date,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_string,
        pa.types.is_large_string,
    )
    if not any(check(kind) for check in fit):
        raise UserError(
            f"{place} keeps its times as {str(kind)[:60]}: write epoch milliseconds, timestamps or ISO text"
        )
    return column


def _numbers(values: np.ndarray, unit: str | None, place: str) -> np.ndarray:
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        raise UserError(
            f"{place} has a row without a time (row {int(np.flatnonzero(~np.isfinite(values))[0]) + 1}): remove it"
        )
    if np.abs(values.astype(np.float64)).max(initial=0) > 9e18:
        raise UserError(
            f"{place} has a time of {np.abs(values.astype(np.float64)).max():g}, far beyond 2100: which column is the open time?"
        )
    if unit in UNITS:
        return np.rint(values * UNITS[unit]).astype(np.int64)
    if unit is not None:
        raise UserError(
            f"{place} holds times as numbers and data.source.time_format is {unit!r}: give s, ms, us, ns or null"
        )
    if len(values) and values.min() >= 1980_01_01 and values.max() <= 2099_12_31:  # days written as 20240131
        return _parse_text(pa.chunked_array([pa.array(values.astype(np.int64).astype(str))]), place, "UTC", "%Y%m%d")
    return stamps_to_ms(values)


def stamps_to_ms(times: np.ndarray) -> np.ndarray:
    """Return int64 ms of epoch numbers whose unit (s, ms, us, ns) is told per value by its magnitude."""
    if np.issubdtype(times.dtype, np.floating):
        size = np.abs(times)
        seconds = size < 1e11
        return np.where(seconds, np.rint(times * 1000), _scale_down(np.rint(times).astype(np.int64), size)).astype(
            np.int64
        )
    times = times.astype(np.int64, copy=False)
    if len(times) and times.min() >= 10**11 and times.max() < 10**14:
        return times  # all ms: the usual case, without the temporary arrays
    size = np.abs(times)
    return np.where(size < 10**11, times * 1000, _scale_down(times, size)).astype(np.int64)


def _scale_down(times, size):
    return np.select([size < 10**14, size < 10**17], [times, times // 1000], times // 1_000_000)


def _parse_text(column: pa.ChunkedArray, place: str, timezone: str, given: str | None) -> np.ndarray:
    text = pd.Series(column.to_numpy(zero_copy_only=False)).str.strip()
    if given is not None:
        return _with_format(text, given, place, timezone)
    for style in (*STYLES, *_day_month_styles(text, place)):
        stamps = _stamps(text, style)
        if stamps is not None and stamps.notna().all():
            return _to_utc(stamps, timezone, place)
    best = _stamps(text, "ISO8601")
    row = 0 if best is None else int(np.flatnonzero(best.isna())[0])
    raise UserError(
        f"{place}, row {row + 1} has the time '{text[row][:40]}', which is neither an epoch number nor ISO (2024-01-31 13:00): "
        "convert it or set data.source.time_format"
    )


def _stamps(text: pd.Series, style: str) -> pd.Series | None:
    """Return the text as datetimes (NaT where it does not fit), None where the style makes none at all."""
    zoned = style == "ISO8601" and text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True, na=False).any()
    try:
        return pd.to_datetime(text, format=style, utc=zoned, errors="coerce")
    except (ValueError, OverflowError):
        return None


def _with_format(text: pd.Series, given: str, place: str, timezone: str) -> np.ndarray:
    if given in UNITS:
        raise UserError(
            f"{place} holds times as text ('{text[0][:40]}') and data.source.time_format is {given!r}: give strptime codes"
        )
    stamps = _stamps(text, given)
    if stamps is None or stamps.isna().any():
        row = 0 if stamps is None else int(np.flatnonzero(stamps.isna())[0])
        raise UserError(
            f"{place}, row {row + 1} has the time '{text[row][:40]}', which does not fit data.source.time_format={given}: mend one of them"
        )
    return _to_utc(stamps, timezone, place)


def _day_month_styles(text: pd.Series, place: str) -> list[str]:
    """Return the strptime formats of 31/01/2024-like text; raises UserError where day and month cannot be told apart."""
    values = text.drop_duplicates()
    hits = [hit for hit in map(DAY_MONTH.match, values) if hit]
    if not hits or len(hits) < len(values):
        return []
    firsts, seconds = [int(h[1]) for h in hits], [int(h[3]) for h in hits]
    mark, clock = hits[0][2], CLOCKS.get(hits[0][5].count(":"), "")
    orders = {"day first": f"%d{mark}%m{mark}%Y", "month first": f"%m{mark}%d{mark}%Y"}
    if max(firsts) > 12 or max(seconds) > 12 or firsts == seconds:
        return [orders["month first" if max(seconds) > 12 else "day first"] + clock]
    hit = next(h for h in hits if int(h[1]) != int(h[3]))
    day = mark.join((hit[1], hit[3], hit[4]))
    readings = " or ".join(
        f"{pd.to_datetime(day, format=code).strftime('%d %B %Y')} (data.source.time_format='{code}{clock}')"
        for code in orders.values()
    )
    raise UserError(f"{place} has the time '{hit[0][:40]}', which may be {readings}: say which")


def _to_utc(stamps: pd.Series, timezone: str, place: str) -> np.ndarray:
    """Return ms UTC of datetimes, those without a zone read in `timezone`."""
    if stamps.dt.tz is None and timezone != "UTC":
        zone = ZoneInfo(timezone)
        try:
            stamps = stamps.dt.tz_localize(zone, ambiguous="infer", nonexistent="raise")
        except ValueError as error:
            raise UserError(
                f"{place} has a time that {timezone} has twice or never, where clocks change "
                f"({str(error)[:60]}): convert the times to UTC"
            ) from None
    if stamps.dt.tz is not None:
        stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None)
    return stamps.to_numpy("datetime64[ms]").astype(np.int64)


def _in_range(times: np.ndarray, place: str) -> np.ndarray:
    wrong = (times < EARLIEST) | (times >= LATEST)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        what = "times before 1980 (row numbers?)" if times[row] < EARLIEST else "times after 2100"
        raise UserError(f"{place} holds {what}, first in row {row + 1}: which column is the open time?")
    return times


def _first_null(column: pa.ChunkedArray) -> int:
    return int(np.flatnonzero(column.is_null().to_numpy())[0]) + 1
