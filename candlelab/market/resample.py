"""Coarser bars from finer ones, exactly as the exchange builds them."""

from __future__ import annotations

import numpy as np

from candlelab.core.candles import EXTRAS, Candles, concat
from candlelab.core.errors import UserError
from candlelab.core.interval import check_interval, floor_open, interval_ms, next_open
from candlelab.market.quality import break_at_relistings, relisted


def resample(candles: Candles, interval: str, *, start: int | None = None) -> Candles:
    """Return the tape in coarser bars: first open, highest high, lowest low, last close, sums of the rest.

    As on the exchange, a bar is made of the trades in its interval: the first bar of a listing and bars cut by an
    outage are built from fewer fine bars, and fine bars without volume count only where all are without. Left out are
    a last bar whose fine bars do not reach its end, a first bar that opens before `start` (the asked range cuts it, ms
    UTC) and a bar in which the symbol became another asset. Removed bars (`missing`) are ignored; a bar of nothing but
    them is missing itself. Raises UserError if the interval is not coarser or no multiple of the tape's.
    """
    interval = check_interval(interval)
    parts = [_one(_symbol(candles, code), interval, start) for code in range(len(candles.symbols))]
    parts = [p for p in parts if len(p)]
    if not parts:
        raise UserError(f"no {interval} bar is complete in this tape: ask for a longer range")
    return break_at_relistings(parts[0] if len(parts) == 1 else concat(parts))


def check_coarser(fine: str, coarse: str) -> None:
    """Raise ValueError unless bars of `coarse` can be made of whole bars of `fine`."""
    if interval_ms(coarse) < interval_ms(fine):
        raise UserError(f"{coarse} bars cannot be made from {fine} bars: fetch a finer interval")
    days = 86_400_000
    step = days if coarse == "1mo" else interval_ms(coarse)
    if step % interval_ms(fine) or (coarse == "1w" and fine == "3d"):
        raise UserError(f"{coarse} is no multiple of {fine}: fetch an interval that divides it")


def _symbol(candles: Candles, code: int) -> Candles:
    part = candles.select(candles.symbol == code)
    return Candles(
        **{
            **{k: getattr(part, k) for k in part.__dataclass_fields__},
            "symbol": np.zeros(len(part), np.int32),
            "symbols": (candles.symbols[code],),
            "intervals": (candles.intervals[code],),
        }
    )


def _one(tape: Candles, interval: str, start: int | None) -> Candles:
    fine = tape.intervals[0]
    if fine == interval or not len(tape):
        return tape
    check_coarser(fine, interval)
    group = floor_open(tape.time, interval)
    starts = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    time = group[starts]
    here = np.ones(len(tape), bool) if tape.missing is None else ~tape.missing
    columns = _aggregate(tape, starts, _counting(tape.volume, here, starts))
    keep = np.ones(len(time), bool)
    keep[-1] = next_open(tape.time[-1:], fine)[0] >= next_open(time[-1:], interval)[0]
    keep &= ~_mixed(tape, here, starts)
    if start is not None:
        keep &= time >= start
    missing = None if tape.missing is None else ~np.logical_or.reduceat(here, starts)[keep]
    return Candles.build(
        symbols=tape.symbols,
        intervals=(interval,),
        symbol=np.zeros(keep.sum(), np.int32),
        time=time[keep],
        missing=missing,
        **{name: column[keep] for name, column in columns.items()},
    )


def _counting(volume: np.ndarray, here: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return (n,) bool: the fine bars whose prices count: traded ones, or all that exist where none was."""
    traded = here & (volume > 0)
    lengths = np.diff(starts, append=len(volume))
    return np.where(np.repeat(np.logical_or.reduceat(traded, starts), lengths), traded, here)


def _aggregate(tape: Candles, starts: np.ndarray, here: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of the coarse bars; NaN prices and zero sums where every fine bar is missing."""
    ends = np.append(starts[1:], len(tape)) - 1
    rows = np.arange(len(tape))
    first = np.minimum.reduceat(np.where(here, rows, len(tape)), starts)
    last = np.maximum.reduceat(np.where(here, rows, -1), starts)
    empty = last < 0
    first, last = np.where(empty, ends, first), np.where(empty, ends, last)
    columns = {
        "open": tape.open[first],
        "high": np.fmax.reduceat(np.where(here, tape.high, np.nan), starts),
        "low": np.fmin.reduceat(np.where(here, tape.low, np.nan), starts),
        "close": tape.close[last],
    }
    for name in ("volume", *EXTRAS):
        column = getattr(tape, name)
        if column is not None:
            columns[name] = np.add.reduceat(np.where(here, column, 0.0), starts)
    return columns


def _mixed(tape: Candles, here: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return (bars,) bool: inside the coarse bar the symbol was re-listed or re-denominated."""
    rows = np.flatnonzero(here)
    bars = {name: getattr(tape, name)[rows] for name in ("time", "open", "close")}
    cut = relisted(bars, tape.intervals[0])
    owner = np.searchsorted(starts, rows[1:][cut], side="right") - 1
    previous = np.searchsorted(starts, rows[:-1][cut], side="right") - 1
    mixed = np.zeros(len(starts), bool)
    mixed[owner[owner == previous]] = True
    return mixed
