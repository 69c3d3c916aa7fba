"""Files of bars as people really have them (any header, any time unit), read into one shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from candlelab.core.columns import NUMBERS
from candlelab.core.errors import UserError
from candlelab.market.columns import check_columns
from candlelab.market.reading import RawTable, read_raw
from candlelab.market.symbols import symbol_of, tidy_names, tidy_symbol
from candlelab.market.timestamps import check_timezone, read_times

INTERVAL = re.compile(r"(?<![A-Za-z0-9])(\d{1,2}(?:s|mo|m|h|d|w|M))(?![A-Za-z0-9])")
LARGEST_FILE = 1_000_000_000


@dataclass(frozen=True)
class Reading:
    """How files are read where they do not speak for themselves.

    columns      meaning -> the file's own name of a column; empty: told from the names.
    timezone     of times that name none.
    time_format  strptime codes, or s, ms, us, ns; None: told from the values.
    max_bytes    of one file, unpacked.
    Raises UserError for a meaning, a zone or a size that cannot be.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    time_format: str | None = None
    max_bytes: int = LARGEST_FILE

    def __post_init__(self) -> None:
        check_columns(self.columns)
        check_timezone(self.timezone)
        if self.max_bytes < 1:
            raise UserError(f"max_bytes is {self.max_bytes}: give 1 or more")


@dataclass(frozen=True)
class BarTable:
    """Raw rows of one file in the order of the file: time (n,) int64 ms UTC, NUMBERS (n,) float64, symbol names or None."""

    path: Path
    columns: dict[str, np.ndarray]
    symbol: np.ndarray | None  # (n,) object
    interval: str | None  # as the file name says it

    def __len__(self) -> int:
        return len(self.columns["time"])


def read_tables(path: Path, reading: Reading) -> list[BarTable]:
    """Return the bars of a csv, json, parquet or feather file, packed or not, one table per file in a zip; raises UserError."""
    return [_table(raw, path, reading) for raw in read_raw(path, dict(reading.columns), reading.max_bytes)]


def _table(raw: RawTable, path: Path, reading: Reading) -> BarTable:
    if not len(raw.table):
        raise UserError(f"{raw.place} has a header but no bars: give a file with bars")
    columns = {"time": read_times(_moments(raw), raw.place, timezone=reading.timezone, time_format=reading.time_format)}
    columns |= {n: _numbers(raw.table.column(raw.found[n]), raw.found[n], raw.place) for n in NUMBERS if n in raw.found}
    columns.setdefault("volume", np.zeros(len(raw.table)))
    member = Path(raw.place).name
    named = INTERVAL.search(member)
    return BarTable(path.parent / member, columns, _symbols(raw, member), named.group(1) if named else None)


def _moments(raw: RawTable) -> pa.ChunkedArray:
    """Return the column of times; a file with a date and a time of day has them in two."""
    column = raw.table.column(raw.found["time"])
    if "day" not in raw.found:
        return column
    try:
        texts = [raw.table.column(raw.found[name]).cast(pa.string()) for name in ("day", "time")]
    except pa.ArrowException:
        raise UserError(
            f"{raw.place} has a date and a time column that are neither text nor times: convert them"
        ) from None
    clock = next((value for value in texts[1].slice(0, 1).to_pylist() if value), "")
    return pc.binary_join_element_wise(*texts, " ") if re.match(r"\s*\d{1,2}:\d\d", clock) else column


def _symbols(raw: RawTable, member: str) -> np.ndarray | None:
    if "symbol" not in raw.found:
        name = tidy_symbol(raw.symbol) if raw.symbol else symbol_of(member)
        return np.full(len(raw.table), name, object) if name else None
    column = raw.table.column(raw.found["symbol"])
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)) or column.null_count:
        what = f"is {str(kind)[:60]}" if not column.null_count else f"has {column.null_count} empty cells"
        raise UserError(
            f"{raw.place}, column '{raw.found['symbol']}' of symbols {what}: fill it with names like BTCUSDT"
        )
    names = column.cast(pa.string()).to_numpy(zero_copy_only=False)
    tidy = tidy_names(list(dict.fromkeys(names.tolist())), raw.place)
    return np.array([tidy[name] for name in names], object)


def _numbers(column: pa.ChunkedArray, name: str, place: str) -> np.ndarray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _numbers(column.cast(kind.value_type), name, place)
    if pa.types.is_decimal(kind):  # Arrow's own cast is off by one in the last place: a close above its high
        return _numbers(column.cast(pa.string()), name, place)
    if pa.types.is_null(kind) or not any(
        fits(kind) for fits in (pa.types.is_integer, pa.types.is_floating, pa.types.is_string, pa.types.is_large_string)
    ):
        raise UserError(
            f"{place}, column '{name}' holds {str(kind)[:60]}, not numbers: convert it, or say which column is which with data.source.columns"
        )
    try:
        return pc.cast(column, pa.float64(), safe=False).to_numpy().astype(np.float64)
    except pa.ArrowInvalid:
        row, value = next((i, v) for i, v in enumerate(column.to_pylist()) if v is not None and not _is_number(v))
        raise UserError(
            f"{place}, row {row + 1}, column '{name}' holds '{value[:40]}', which is no number: write plain digits, "
            "decimals with a point and no thousands separator"
        ) from None


def _is_number(text: str) -> bool:
    try:
        pc.cast(pa.scalar(text), pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
