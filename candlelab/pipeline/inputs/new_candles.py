"""Which candles a prediction looks at: the run's own source, another one, or a file; and the last closed bar of each symbol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from candlelab.config import ConfigError, build, plain
from candlelab.core.candles import Candles, rows_of
from candlelab.core.contracts import MadeUp, Source, SymbolBySymbol
from candlelab.core.interval import interval_ms, next_open, to_time
from candlelab.core.times import iso
from candlelab.data.source.file import File
from candlelab.data.tape import checked_intervals, fetch_tape
from candlelab.data.windows import present_in_window

MARKET = ("symbols", "interval", "start", "end")  # settings of data that say which bars, not what is made of them
NOW, NEWEST = "now", "newest"
MADE_UP = ("Simulated", "Patterns")  # markets that have no present
EXCHANGES = (
    "BinanceVision",
    "BinanceApi",
    "Ccxt",
)  # sources that fetch what they are asked for: not years for one window
SPARE = 500  # bars before the window and its warm-up, so that what fades with time has faded


def fetch_new_candles(
    cfg: DictConfig, recipe: DictConfig, given: list[str], csv: str | None, *, at: int | None, bars: int
) -> Candles:
    """Return the tape to predict on, coarsened and thinned as in training; it is open at the end, whatever the training's end was.

    cfg     of this command; recipe of the run.
    given   keys that the command line overrides: those of data/source and of MARKET replace the run's.
    csv     a file to read instead: all symbols and all times it holds.
    at      moment in ms UTC that is looked at; None: the newest bar. bars: of a window with its warm-up.
    Raises ConfigError for an override of data that belongs to the run.
    """
    data = plain(recipe)["data"]
    if csv is not None:
        source, data["symbols"], data["start"], data["end"] = File.plain(csv), [], None, None
    else:
        data |= _open_end(data, at, bars)
        data |= replacements(cfg, given)
        source = build({"data": {"source": data["source"]}}, "data.source")
    return fetch_settings(source, data)


def period_tapes(
    cfg: DictConfig, recipe: DictConfig, given: list[str], csv: str | None, *, bars: int
) -> Iterator[tuple[Candles, int | None]]:
    """Yield (tape, ms UTC from which on its windows are asked for): the run's period or that of the command, one symbol at a time.

    Of a market with a past the bars before the period are there too, for the first windows and their warm-up; a made-up one begins
    where it is told to. A source that cannot give one symbol alone gives one tape of all. Arguments as in `fetch_new_candles`.
    """
    data = plain(recipe)["data"]
    if csv is not None:
        yield fetch_settings(File.plain(csv), data | {"symbols": [], "start": None, "end": None}), None
        return
    data |= replacements(cfg, given)
    source, first = build({"data": {"source": data["source"]}}, "data.source"), to_time(data["start"])
    interval = data["resample"] or checked_intervals(data["interval"], None)[0]
    if first is not None and interval != "auto" and not isinstance(source, MadeUp):
        data["start"] = _iso_ms(first - (bars + SPARE) * interval_ms(interval))
    apart = isinstance(source, SymbolBySymbol) and data["symbols"]
    for symbols in [[name] for name in dict.fromkeys(data["symbols"])] if apart else [data["symbols"]]:
        yield fetch_settings(source, data | {"symbols": symbols}), first


def replacements(cfg: DictConfig, given: list[str]) -> dict[str, Any]:
    """Return the settings of data that a command puts in place of the run's. Raises ConfigError for those that belong to the run."""
    keys = _replaced(given)
    data = plain(cfg)["data"] if keys else {}
    return {key: data[key] for key in keys}


def fetch_settings(source: Source, data: dict[str, Any]) -> Candles:
    """Return the bars that settings of data ask of a source, coarsened and thinned as in training."""
    tested = checked_intervals(data["interval"], data["resample"])[0]
    return fetch_tape(
        source,
        data["symbols"],
        (tested,),
        (data["start"], data["end"]),
        coarser=data["resample"],
        holes=data["thin"],
        seed=data["seed"],
    )


def _open_end(data: dict[str, Any], at: int | None, bars: int) -> dict[str, Any]:
    """Return start and end for a prediction: no end, and from an exchange only what a window needs."""
    if _name(data["source"]) not in EXCHANGES:
        return {"end": None}
    step = interval_ms(data["resample"] or data["interval"])
    until = now_ms() if at is None else at
    return {"start": _iso_ms(until - (bars + SPARE) * step), "end": None if at is None else _iso_ms(at)}


def _name(source: dict[str, Any]) -> str:
    return str(source["_target_"]).rsplit(".", 1)[-1]


def has_a_present(recipe: DictConfig, given: list[str], csv: str | None) -> bool:
    """Return whether the market that is looked at goes on: made-up ones end with their newest bar."""
    return csv is not None or bool({"", "source"} & _replaced(given)) or _name(recipe.data.source) not in MADE_UP


def _replaced(given: list[str]) -> set[str]:
    """Return the keys of data that the command line replaces."""
    keys = {key.replace("/", ".") for key in given if key.split(".")[0].split("/")[0] == "data"}
    tops = {key.split(".")[1] if "." in key else "" for key in keys}
    wrong = sorted(tops - {"source", "", *MARKET})
    if wrong:
        raise ConfigError(f"data.{wrong[0]} belongs to the run and cannot change for a prediction: leave it out")
    return {"source", *MARKET} if "" in tops else tops


@dataclass(frozen=True)
class Latest:
    """The last bar of a symbol that has closed at a moment, and why no window ends there, if so."""

    symbol: str
    row: int | None
    opened: int | None  # ms UTC
    closed: int | None
    trouble: str | None
    stale: int = 0  # bars that have closed since and are not there

    @property
    def staleness(self) -> str:
        """The missing bars in words; empty if none is missing."""
        return (
            f"stale: {self.stale} bar{'s' * (self.stale > 1)} closed after the last one there is" if self.stale else ""
        )


def moment(at: str | None) -> int | None:
    """Return the moment in ms UTC at which the market is looked at; None: when its newest bar closes."""
    if at == NEWEST:
        return None
    if at is None or at == NOW:
        return now_ms()
    try:
        if not at[:4].isdigit():  # pandas reads 12:00 or today, another moment every day
            raise ValueError
        stamp = pd.Timestamp(at)
    except (ValueError, OverflowError):
        raise ConfigError(f"task.at='{at}' is no moment: write 2025-03-01T12:00 (UTC), now or newest") from None
    return int((stamp.tz_localize("UTC") if stamp.tz is None else stamp).timestamp() * 1000)


def now_ms() -> int:
    """Return the present moment, ms UTC."""
    return int(time.time() * 1000)


def newest_close(candles: Candles) -> int:
    """Return when the newest bar of a tape closes, ms UTC."""
    return int(
        max(next_open(candles.time[[row]], candles.intervals[candles.symbol[row]])[0] for row in _last_rows(candles))
    )


def latest(candles: Candles, at: int | None, *, window: int, warmup: int, max_stale: int | None = None) -> list[Latest]:
    """Return the last closed bar of every symbol at a moment, in the order of the tape's symbols.

    at          ms UTC; None: when each symbol's own newest bar closed, as in a made-up market, where none is late.
    max_stale  missing bars up to which a bar is still looked at; None: however many.
    """
    found = [_latest(candles, code, at, window, window + warmup) for code in range(len(candles.symbols))]
    if max_stale is None:
        return found
    return [
        replace(bar, trouble=bar.staleness) if bar.trouble is None and bar.stale > max_stale else bar for bar in found
    ]


def _latest(candles: Candles, code: int, at: int | None, window: int, needed: int) -> Latest:
    name, interval = candles.symbols[code], candles.intervals[code]
    own = rows_of(candles.symbol, code)
    rows = np.arange(own.start, own.stop)
    closes = next_open(candles.time[rows], interval)
    at = int(closes[-1]) if at is None else at
    rows, closes = rows[closes <= at], closes[closes <= at]
    if not len(rows):
        return Latest(name, None, None, None, f"too little history: no bar had closed by {iso(at)}")
    row, closed = int(rows[-1]), int(closes[-1])
    late = int((at - closed) // max(1, int(next_open(np.array([closed]), interval)[0]) - closed))
    return Latest(name, row, int(candles.time[row]), closed, _trouble(candles, row, rows[0], window, needed), late)


def _trouble(candles: Candles, row: int, first: int, window: int, needed: int) -> str | None:
    have = int(candles.position[row]) + 1
    if have < needed and candles.segment[row] != candles.segment[first]:
        return f"gap: {have} bars since {iso(candles.time[row - have + 1])}, {needed} without a gap are needed"
    if have < needed:
        return f"too little history: {have} bars, {needed} are needed"
    if candles.missing is not None and not present_in_window(candles, window)[row]:
        return "gap: every bar of the window was removed"
    return None


def _last_rows(candles: Candles) -> np.ndarray:
    return np.flatnonzero(np.diff(candles.symbol, append=-1))


def _iso_ms(ms: int) -> str:
    return pd.Timestamp(int(ms), unit="ms").isoformat()
