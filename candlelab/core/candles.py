"""The Candles table: one flat tape of bars, cut into segments that nothing crosses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from candlelab.core.columns import EXTRAS, PRICES
from candlelab.core.errors import UserError
from candlelab.core.interval import check_steps, infer_interval, next_open
from candlelab.core.mapped import read_ahead
from candlelab.core.notebook_html import facts
from candlelab.core.times import iso, to_ms

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(
    r"\w[\w .:/()+-]{0,63}"
)  # of a symbol: nothing that a spreadsheet, a shell or a page would take for more
REQUIRED = (*PRICES, "volume")


@dataclass(frozen=True, eq=False)
class Candles:
    """Bars of one or many symbols as NumPy columns of equal length N, sorted by symbol, then time.

    symbol   (N,) int32 codes into `symbols`.
    time     (N,) int64 open times, ms UTC.
    segment  (N,) int32, counts maximal runs of consecutive bars of one symbol.
    missing  (N,) bool or None; True where a bar was removed on purpose: its prices are NaN.
    intervals  one name per entry of `symbols`, so a tape may hold several intervals.
    """

    symbols: tuple[str, ...]
    intervals: tuple[str, ...]
    symbol: np.ndarray
    time: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    segment: np.ndarray
    quote_volume: np.ndarray | None = None
    trades: np.ndarray | None = None
    taker_buy_base: np.ndarray | None = None
    taker_buy_quote: np.ndarray | None = None
    missing: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.time)

    @property
    def interval(self) -> str:
        """The interval all symbols share, or "mixed"."""
        names = set(self.intervals)
        return names.pop() if len(names) == 1 else "mixed"

    @cached_property
    def position(self) -> np.ndarray:
        """Index of each row inside its segment; shape (N,), int32."""
        if not len(self):
            return np.zeros(0, np.int32)
        starts = np.flatnonzero(np.diff(self.segment, prepend=self.segment[0] - 1))
        lengths = np.diff(starts, append=len(self))
        return (np.arange(len(self)) - np.repeat(starts, lengths)).astype(np.int32)

    @classmethod
    def build(
        cls,
        *,
        symbols: Sequence[str],
        intervals: Sequence[str],
        symbol: ArrayLike,
        time: Any,
        missing: np.ndarray | None = None,
        **columns: Any,
    ) -> Candles:
        """Return a checked, sorted and segmented tape from columns in any order.

        time  datetimes of any unit, or epoch integers: see `core.times.to_ms`.
        Raises UserError on unequal lengths, repeated times, a commonest step that is not the interval, non-positive prices
        or high/low violations.
        """
        symbol, time = np.asarray(symbol, np.int32), to_ms(time)
        columns = {k: np.asarray(v, np.float64) for k, v in columns.items() if v is not None}
        _check_lengths(time, symbol=symbol, **columns)
        order = np.lexsort((time, symbol))
        if not np.array_equal(order, np.arange(len(order))):
            symbol, time = symbol[order], time[order]
            columns = {k: v[order] for k, v in columns.items()}
            missing = None if missing is None else np.asarray(missing, bool)[order]
        for code, interval in enumerate(intervals):
            check_steps(time[rows_of(symbol, code)], interval)
        segment = find_segments(symbol, time, tuple(intervals))
        tape = cls(
            symbols=tuple(symbols),
            intervals=tuple(intervals),
            symbol=symbol,
            time=time,
            segment=segment,
            missing=missing,
            **columns,
        )
        tape.check()
        return tape

    def check(self) -> None:
        """Raise UserError in one sentence if a symbol is no name or a bar breaks the invariants."""
        for name in self.symbols:
            if not NAME.fullmatch(name):
                raise UserError(f"{name[:40]!r} cannot be a symbol: write it in letters and digits, like BTCUSDT")
        repeated = (np.diff(self.time) == 0) & (np.diff(self.symbol) == 0)
        self._refuse(np.append(False, repeated), "the same open time as the bar before it", "drop one of the two")
        here = np.ones(len(self), bool) if self.missing is None else ~self.missing
        prices = np.stack([getattr(self, name) for name in PRICES])
        self._refuse(
            here & ~(np.isfinite(prices) & (prices > 0)).all(0),
            "a price that is not positive and finite",
            "remove the bar",
        )
        body = np.maximum(self.open, self.close), np.minimum(self.open, self.close)
        self._refuse(
            here & ((self.high < body[0]) | (self.low > body[1])),
            "a body outside its low-high range",
            "check the column order",
        )
        self._refuse(
            here & ~((self.volume >= 0) & (self.volume < np.inf)),
            "a volume that is negative, infinite or not a number",
            "set it to 0",
        )

    def _refuse(self, bad: np.ndarray, what: str, cure: str) -> None:
        if not bad.any():
            return
        row = int(np.flatnonzero(bad)[0])
        when = np.datetime_as_string(self.time[row : row + 1].astype("datetime64[ms]"), unit="s")[0]
        more = int(bad.sum()) - 1
        also = f" (and {more} more bars)" if more else ""
        raise UserError(f"the bar of {self.symbols[self.symbol[row]]} at {when} has {what}{also}: {cure}")

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, interval: str | None = None, symbol: str = "SYMBOL") -> Candles:
        """Return the tape of a pandas table.

        frame     columns open_time (ms or datetime), open, high, low, close, volume, optional symbol and EXTRAS.
        interval  inferred from the commonest time step if None.
        """
        import pandas as pd

        absent = [name for name in ("open_time", *REQUIRED) if name not in frame]
        if absent:
            raise UserError(f"the table has no column {', '.join(absent)}: it has {', '.join(map(str, frame.columns))}")
        if not len(frame):
            raise UserError("the table has no rows: give at least one bar")
        time = to_ms(frame["open_time"])
        names = frame["symbol"].astype(str) if "symbol" in frame else pd.Series(symbol, index=frame.index)
        codes, symbols = pd.factorize(names, sort=True)
        if interval is None:
            interval = infer_interval(codes, time)
        columns = {name: frame[name].to_numpy(np.float64) for name in (*REQUIRED, *EXTRAS) if name in frame}
        return cls.build(symbols=symbols, intervals=(interval,) * len(symbols), symbol=codes, time=time, **columns)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas table with columns symbol, open_time (ms), open … volume and the extras that exist."""
        import pandas as pd

        table = {"symbol": np.asarray(self.symbols, object)[self.symbol], "open_time": self.time}
        table |= {name: getattr(self, name) for name in (*REQUIRED, *EXTRAS) if getattr(self, name) is not None}
        return pd.DataFrame(table)

    def _repr_html_(self) -> str:
        """Return the tape as a notebook shows it: whose bars, how many, from when to when."""
        told: dict[str, Any] = {
            "symbols": ", ".join(self.symbols[:8]),
            "interval": self.interval,
            "bars": f"{len(self):,}",
        }
        if len(self):
            told |= {"first": iso(int(self.time.min())), "last": iso(int(self.time.max()))}
            told["segments"] = f"{int(self.segment[-1]) + 1:,}"
        return facts("candles", told)

    def rows(self, block: slice) -> Candles:
        """Return the tape of a stretch of whole segments, a view of the same columns and numbers of segments."""
        cut: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                cut[field.name] = value[block]
                read_ahead(cut[field.name])
        return replace(self, **cut)

    def select(self, rows: Any) -> Candles:
        """Return the tape of some rows (a slice, a mask or sorted row numbers), segmented anew."""
        columns = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("symbols", "intervals", "segment")
        }
        picked: dict[str, Any] = {name: None if value is None else value[rows] for name, value in columns.items()}
        segment = find_segments(picked["symbol"], picked["time"], self.intervals)
        return replace(self, segment=_cut_where(segment, self.segment[rows]), **picked)


def rows_of(symbol: np.ndarray, code: int) -> slice:
    """Return where the rows of a symbol lie among ascending codes (N,); of many symbols each costs a search, not a scan."""
    first, stop = np.searchsorted(symbol, np.array([code, code + 1], symbol.dtype))
    return slice(int(first), int(stop))


def find_segments(symbol: np.ndarray, time: np.ndarray, intervals: tuple[str, ...]) -> np.ndarray:
    """Return (N,) int32 numbers of the maximal runs in which each bar opens where the bar before it ends."""
    follows = np.zeros(len(time), bool)
    for code, interval in enumerate(intervals):
        own = time[rows_of(symbol, code)]
        follows[rows_of(symbol, code)][1:] = own[1:] == next_open(own[:-1], interval)
    marks = ~follows
    return (np.cumsum(marks) - 1).astype(np.int32)


def concat(tapes: list[Candles]) -> Candles:
    """Return one tape of several; symbols that occur with two intervals are told apart as "BTCUSDT 15m"."""
    seen: dict[str, set[str]] = {}
    for tape in tapes:
        for name, interval in zip(tape.symbols, tape.intervals, strict=True):
            seen.setdefault(name, set()).add(interval)
    keys = sorted({(n, i) for t in tapes for n, i in zip(t.symbols, t.intervals, strict=True)})
    code = {key: k for k, key in enumerate(keys)}
    symbols = tuple(f"{n} {i}" if len(seen[n]) > 1 else n for n, i in keys)
    codes = [
        np.array([code[key] for key in zip(t.symbols, t.intervals, strict=True)], np.int32)[t.symbol] for t in tapes
    ]
    shared = [n for n in (*REQUIRED, *EXTRAS) if all(getattr(t, n) is not None for t in tapes)]
    columns = {name: np.concatenate([getattr(t, name) for t in tapes]) for name in shared}
    missing = None
    if any(t.missing is not None for t in tapes):
        missing = np.concatenate([np.zeros(len(t), bool) if t.missing is None else t.missing for t in tapes])
    symbol, time = np.concatenate(codes), np.concatenate([t.time for t in tapes])
    whole = Candles.build(
        symbols=symbols, intervals=tuple(i for _, i in keys), symbol=symbol, time=time, missing=missing, **columns
    )
    old = np.concatenate([t.segment.astype(np.int64) + (k << 32) for k, t in enumerate(tapes)])[
        np.lexsort((time, symbol))
    ]
    return replace(whole, segment=_cut_where(whole.segment, old))


def _cut_where(segment: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the segments that begin wherever either numbering changes; shape (N,), int32."""
    breaks = np.zeros(len(segment), bool)
    breaks[1:] = (np.diff(segment) != 0) | (np.diff(other) != 0)
    return np.cumsum(breaks, dtype=np.int32)


def _check_lengths(time: np.ndarray, **columns: np.ndarray) -> None:
    for name in REQUIRED:
        if name not in columns:
            raise UserError(f"the candles have no column {name}: give {', '.join(REQUIRED)}")
    for name, column in columns.items():
        if column.shape != time.shape:
            raise UserError(f"column {name} has {len(column)} rows where time has {len(time)}: give equal lengths")
