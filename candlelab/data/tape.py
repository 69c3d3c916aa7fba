"""The tape of a data set as configured: fetched at one interval or several, coarsened, thinned, in memory or in mapped files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from candlelab.core.candles import Candles, concat
from candlelab.core.columns import EXTRAS
from candlelab.core.contracts import Inspected, Prefetches, Source, SymbolBySymbol
from candlelab.core.errors import UserError
from candlelab.core.interval import check_asked, interval_ms, to_time
from candlelab.core.machine import memory
from candlelab.core.mapped import Arrays, Column, Mapped, Ram
from candlelab.data.thin import thin
from candlelab.market.resample import resample

Span = tuple[str | None, str | None]
Where = Literal["auto", "mapped", "ram"]
PER_BAR = 250  # bytes in memory while a data set is prepared: columns, labels and what is computed on the way
SHARE = 0.5  # of the memory, beyond which auto maps


def checked_intervals(asked: str | list[str], coarser: str | None) -> tuple[str, ...]:
    """Return the interval or intervals of data.interval; raises UserError for unknown, repeated or missing ones."""
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    found = tuple(check_asked(name) for name in names)
    if not found or len(set(found)) < len(found):
        raise UserError(f"interval is {list(names)}: give one, or several different ones of which the first is tested")
    if len(found) > 1 and coarser is not None:
        raise UserError(
            f"resample is {coarser} and interval has {len(found)} entries: a tape is coarsened to one interval, so give one"
        )
    return found


def fetch_tape(
    source: Source,
    symbols: list[str],
    intervals: tuple[str, ...],
    span: Span,
    *,
    coarser: str | None,
    holes: float,
    seed: int,
) -> Candles:
    """Return the bars of every symbol at every interval from span's start to its end; "BTCUSDT 4h" where there are several.

    coarser  an interval to build from the fetched one, or None; holes: share of bars removed at random (seeded).
    """
    start, end = (to_time(date) for date in span)
    tapes = [
        source.fetch(symbols, interval, start, end) for interval in reversed(intervals)
    ]  # a source remembers its last
    tape = tapes[0] if len(tapes) == 1 else concat(tapes)
    if coarser is not None:
        tape = resample(tape, coarser, start=start)
    return thin(tape, share=holes, seed=seed) if holes else tape


def fetch_held(
    source: Source,
    symbols: list[str],
    intervals: tuple[str, ...],
    span: Span,
    *,
    coarser: str | None,
    holes: float,
    seed: int,
    where: Where,
    folder: Path,
) -> tuple[Candles, Arrays]:
    """Return the same tape, and where arrays of its length are kept: in memory, or (where=mapped) in files of a folder.

    auto maps what would take more than half of the memory. A source that can is asked for one symbol after another then, so that
    no more than one is in memory; of others the whole tape is, while it is read.
    """
    fetch = partial(fetch_tape, source, span=span, coarser=coarser, holes=holes, seed=seed)
    many = where == "mapped" or (where == "auto" and _too_many(_expected(symbols, intervals, span)))
    if many and symbols and isinstance(source, SymbolBySymbol):
        if isinstance(source, Prefetches):
            _prefetch(source, symbols, intervals, span)
        parts = _one_by_one(source, fetch, sorted(set(symbols)), intervals)
        return _gathered(parts, Mapped(folder)), Mapped(folder)
    tape = fetch(symbols, intervals)
    if many or (where == "auto" and _too_many(len(tape))):
        return _gathered(iter([tape]), Mapped(folder)), Mapped(folder)
    return tape, Ram()


def _prefetch(source: Prefetches, symbols: list[str], intervals: tuple[str, ...], span: Span) -> None:
    for interval in intervals:
        source.prefetch(symbols, interval, *(to_time(date) for date in span))


def at_interval(tape: Candles, interval: str) -> np.ndarray:
    """Return which rows of a tape are bars of one interval; (N,) bool."""
    return np.array([name == interval for name in tape.intervals])[tape.symbol]


def _expected(symbols: list[str], intervals: tuple[str, ...], span: Span) -> float:
    """How many bars there may be, at most; 0 where the span does not say."""
    start, end = (to_time(date) for date in span)
    if start is None or end is None or "auto" in intervals:
        return 0
    return len(symbols) * sum((end - start) / interval_ms(interval) for interval in intervals)


def _too_many(bars: float) -> bool:
    return bars * PER_BAR > SHARE * memory()


def _one_by_one(source: Source, fetch: Any, symbols: list[str], intervals: tuple[str, ...]) -> Iterator[Candles]:
    """Yield the tape of each symbol at each interval, in the order and with the names that `concat` gives them."""
    found: list[Any] = []
    for name in symbols:
        for interval in sorted(intervals):
            yield _named(fetch([name], (interval,)), several=len(intervals) > 1)  # held by nobody here
            if isinstance(source, Inspected) and interval == intervals[0]:
                found += source.quality
    if isinstance(source, Inspected):
        source.quality = found


def _named(tape: Candles, *, several: bool) -> Candles:
    return replace(tape, symbols=(f"{tape.symbols[0]} {tape.interval}",)) if several else tape


class _Gathering:
    """Several tapes that follow each other, their columns put behind each other in `arrays`."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays, self._columns = arrays, dict[str, Column]()
        self._symbols: list[str] = []
        self._intervals: list[str] = []
        self._segments = 0

    def add(self, tape: Candles) -> None:
        parts = _columns(tape)
        parts |= {"symbol": tape.symbol + len(self._symbols), "segment": tape.segment + self._segments}
        self._columns = self._columns or {name: self._arrays.column(values.dtype) for name, values in parts.items()}
        self._columns = {name: column for name, column in self._columns.items() if name in parts or name not in EXTRAS}
        for name, column in self._columns.items():
            column.append(parts[name])
        self._symbols += tape.symbols
        self._intervals += tape.intervals
        self._segments += int(tape.segment[-1]) + 1

    def whole(self) -> Candles:
        _check_order(self._symbols)
        made: dict[str, Any] = {name: column.whole() for name, column in self._columns.items()}
        return Candles(symbols=tuple(self._symbols), intervals=tuple(self._intervals), **made)


def _gathered(tapes: Iterator[Candles], arrays: Arrays) -> Candles:
    """Return one tape of several that follow each other, its columns kept in `arrays`; one of them at a time is in memory."""
    gathering = _Gathering(arrays)
    while True:
        try:
            gathering.add(next(tapes))
        except StopIteration:
            return gathering.whole()


def _columns(tape: Candles) -> dict[str, np.ndarray]:
    named = {field.name: getattr(tape, field.name) for field in fields(tape)}
    return {name: values for name, values in named.items() if isinstance(values, np.ndarray)}


def _check_order(symbols: list[str]) -> None:
    for before, after in pairwise(symbols):
        if after <= before:
            raise UserError(
                f"data.symbols names {after} after {before}: with data.memory=mapped write each symbol once, as the exchange does"
            )
