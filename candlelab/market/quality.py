"""What is wrong with bars: cleaning them by fixed rules and saying what was found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np

from candlelab.core.candles import Candles, rows_of
from candlelab.core.columns import PRICES
from candlelab.core.errors import DataTrouble
from candlelab.core.interval import floor_open, interval_ms, next_open

LARGEST_MOVE = (
    5.0  # no bar of the exchange ever moved further: DOGE's +392 % in a day (docs/market_formats.md, section 3)
)
LONGEST_OUTAGE = 7 * 86_400_000  # the longest halt of the whole exchange took 34 hours (February 2018)
BROKEN_SHARE = 0.01


@dataclass
class Quality:
    """What cleaning one symbol's bars found; counts of bars unless said otherwise."""

    symbol: str
    interval: str
    rows: int = 0  # bars that remain
    first: int = 0  # open time of the first bar, ms UTC
    last: int = 0
    gaps: int = 0  # number of holes
    missing_bars: int = 0  # bars that would fill them
    duplicates: int = 0  # identical copies dropped
    conflicts: int = 0  # open times with differing copies; the most complete was kept
    misaligned: int = 0
    broken: int = 0  # dropped: price not positive, body outside the range, negative volume
    unfinished: int = 0  # dropped: the interval was not over yet
    zero_volume: int = 0
    flat: int = 0  # open = high = low = close
    one_tick: float = 0.0  # share of bars whose range is at most one tick
    firsts: dict[str, int] = field(default_factory=dict)  # open time of the first bar of each count, ms UTC
    relistings: list[int] = field(default_factory=list)  # first open times after a re-listing or re-denomination
    notes: list[str] = field(default_factory=list)

    def note_first(self, count: str, time: np.ndarray) -> None:
        """Remember the earliest of the times that a count is of."""
        if len(time):
            self.firsts[count] = min(int(time.min()), self.firsts.get(count, int(time.min())))

    def row(self) -> dict[str, Any]:
        """Return plain values for a table or json."""
        return asdict(self)

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Quality:
        """Return the record a `row()` came from."""
        return cls(**{f.name: row[f.name] for f in fields(cls) if f.name in row})


def clean_bars(bars: dict[str, np.ndarray], quality: Quality, *, now: int, misaligned: str) -> dict[str, np.ndarray]:
    """Return the bars of one symbol in time order, one per grid time, fit for a tape; counts go into `quality`.

    bars        time (n,) ms UTC and float columns of the same length, in any order.
    now         ms UTC: a bar whose interval ends later is not finished and dropped.
    misaligned  what to do with bars off the commonest grid: drop, snap (to the next grid time: a bar is known when it
                has closed) or refuse.
    Raises DataTrouble if none is left, or if more than one bar in a hundred is broken: then the columns are something else.
    """
    if (np.diff(bars["time"]) < 0).any():
        order = np.argsort(bars["time"], kind="stable")
        bars = {name: column[order] for name, column in bars.items()}
    bars = _drop(bars, next_open(bars["time"], quality.interval) > now, quality, "unfinished")
    bad = broken(bars)
    if bad.sum() > max(3, BROKEN_SHARE * len(bad)):
        first = str(bars["time"][bad][0].astype("datetime64[ms]").astype("datetime64[m]")).replace("T", " ")
        raise DataTrouble(
            f"{quality.symbol}: {int(bad.sum())} of {len(bad)} bars have prices that cannot be (not positive, or outside "
            f"low-high), or a volume that is negative or infinite, the first at {first}: check which column is which"
        )
    bars = _drop(bars, bad, quality, "broken")
    bars = _align(bars, quality, misaligned)
    bars = _one_per_time(bars, quality)
    if not len(bars["time"]):
        raise DataTrouble(
            f"{quality.symbol}: no {quality.interval} bar is fit for use ({quality.unfinished} unfinished, "
            f"{quality.broken} broken, {quality.misaligned} misaligned): ask for another range"
        )
    describe_bars(bars, quality)
    return bars


def broken(bars: dict[str, np.ndarray]) -> np.ndarray:
    """Return (n,) bool: a price not finite and positive, a body outside low-high, or a volume below 0, infinite or NaN."""
    top, bottom = np.maximum(bars["open"], bars["close"]), np.minimum(bars["open"], bars["close"])
    with np.errstate(invalid="ignore"):  # comparisons with NaN are False, so a NaN anywhere is broken
        good = (bars["low"] > 0) & (bars["low"] <= bottom) & (top <= bars["high"]) & (bars["high"] < np.inf)
        return ~(good & (bars["volume"] >= 0) & (bars["volume"] < np.inf))


def _drop(bars, rows, quality: Quality, count: str):
    if not rows.any():
        return bars
    setattr(quality, count, getattr(quality, count) + int(rows.sum()))
    quality.note_first(count, bars["time"][rows])
    return {name: column[~rows] for name, column in bars.items()}


def _align(bars, quality: Quality, policy: str):
    if not len(bars["time"]):
        return bars
    interval = quality.interval
    phase = bars["time"] - floor_open(bars["time"], interval)
    values, counts = np.unique(phase, return_counts=True)
    common = int(values[counts.argmax()])
    if common:
        quality.notes.append(f"opens {common / 60000:g} minutes off the exchange's grid")
    off = phase != common
    if not off.any():
        return bars
    quality.misaligned += int(off.sum())
    quality.note_first("misaligned", bars["time"][off])
    if policy == "refuse":
        raise DataTrouble(
            f"{quality.symbol}: {int(off.sum())} bars do not open on the {interval} grid: "
            "set misaligned=drop or misaligned=snap"
        )
    if policy == "drop":
        return {name: column[~off] for name, column in bars.items()}
    return _snap(bars, off, common, interval)


def _snap(bars, off, common, interval):
    """Move bars off the grid to the next grid time unless a real bar stands there; moved ones last one interval too."""
    here = floor_open(bars["time"] - common, interval) + common
    moved = np.where(off, next_open(here, interval), bars["time"])
    keep = ~off | ~np.isin(moved, bars["time"][~off])
    bars = {name: column[keep] for name, column in (bars | {"time": moved}).items()}
    order = np.argsort(bars["time"], kind="stable")
    return {name: column[order] for name, column in bars.items()}


def _one_per_time(bars, quality: Quality):
    """Drop identical copies of a bar; of differing ones keep that with the most volume, of equal ones the later.

    If the copies of the very last bar differ, it was stored before it closed, and is dropped.
    """
    time = bars["time"]
    if not (np.diff(time) == 0).any():
        return bars
    order = np.lexsort((np.arange(len(time)), bars["volume"], time))  # a bar stored before it closed has less volume
    bars = {name: column[order] for name, column in bars.items()}
    starts = np.flatnonzero(np.diff(bars["time"], prepend=bars["time"][0] - 1))
    last = np.append(starts[1:], len(time)) - 1
    keys = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(time))))
    same = np.ones(len(time), bool)
    for name in (*PRICES, "volume"):
        column = bars[name]
        same &= column == column[last][keys]
    differing = np.unique(keys[~same])
    quality.conflicts += len(differing)
    quality.note_first("conflicts", time[starts[differing]])
    copies = np.diff(np.append(starts, len(time))) > 1
    copies[differing] = False
    quality.note_first("duplicates", time[starts[copies]])
    quality.duplicates += int(len(time) - len(starts) - (~same).sum())
    if len(differing):
        _note_conflicts(bars["time"][starts[differing]], quality)
    if (
        len(differing) and differing[-1] == len(starts) - 1
    ):  # the newest bar still changed between the copies: no copy is whole
        quality.unfinished += 1
        quality.note_first("unfinished", time[starts[-1:]])
        last = last[:-1]
    return {name: column[last] for name, column in bars.items()}


def _note_conflicts(times: np.ndarray, quality: Quality) -> None:
    shown = ", ".join(str(t).replace("T", " ") for t in times[:3].astype("datetime64[ms]").astype("datetime64[m]"))
    more = f" and {len(times) - 3} more" if len(times) > 3 else ""
    quality.notes.append(
        f"different versions of the bar of {shown}{more}: the one with the most volume was believed, "
        "as a bar stored before it closed has less"
    )


def describe_bars(bars: dict[str, np.ndarray], quality: Quality) -> Quality:
    """Fill in what can be seen in clean bars: span, gaps, re-listings, flat and empty bars; returns `quality`."""
    time = bars["time"]
    quality.rows = len(time)
    if not len(time):
        return quality
    quality.first, quality.last = int(time[0]), int(time[-1])
    here = ~np.isnan(bars["close"])
    expected = next_open(time[:-1], quality.interval)
    hole = time[1:] > expected
    quality.gaps = int(hole.sum())
    quality.note_first("missing_bars", expected[hole])
    quality.missing_bars = int(np.rint((time[1:] - expected)[hole] / interval_ms(quality.interval)).sum())
    quality.relistings = [int(t) for t in time[1:][relisted(bars, quality.interval)]]
    span = bars["high"] - bars["low"]
    quality.zero_volume = int((bars["volume"] == 0).sum())
    quality.flat = int((here & (span == 0)).sum())
    tick = tick_size(bars["close"])
    quality.one_tick = round(float((span[here] <= 1.5 * tick).mean()), 4) if here.any() else 0.0
    if quality.one_tick > 0.5:
        quality.notes.append(f"one-tick series: {quality.one_tick:.0%} of the bars span at most one tick")
    return quality


def relisted(bars: dict[str, np.ndarray], interval: str) -> np.ndarray:
    """Return (n-1,) bool: between bar i and i+1 the symbol became another asset, another unit, or was delisted.

    Rule: a price jump from close to open beyond the largest move the exchange ever made in a bar, or a gap longer than
    any outage of the exchange.
    """
    step = np.diff(bars["time"])
    with np.errstate(invalid="ignore"):
        jump = np.abs(np.log(bars["open"][1:] / bars["close"][:-1])) > np.log(LARGEST_MOVE)
        return jump | (step - interval_ms(interval) > LONGEST_OUTAGE)


def break_at_relistings(candles: Candles) -> Candles:
    """Return the tape with a new segment wherever a symbol became another asset, even if no bar is missing there."""
    cut = np.zeros(len(candles), bool)
    for code, interval in enumerate(candles.intervals):
        rows = np.flatnonzero(candles.symbol == code)
        bars = {name: getattr(candles, name)[rows] for name in ("time", "open", "close")}
        cut[rows[1:][relisted(bars, interval)]] = True
    marks = cut | (np.diff(candles.segment, prepend=candles.segment[:1]) != 0)
    return replace(candles, segment=np.cumsum(marks, dtype=np.int32))


def tick_size(close: np.ndarray) -> float:
    """Return the smallest step between two different closes (of the newest 50,000); 0 if they never move."""
    prices = np.unique(close[np.isfinite(close)][-50_000:])
    return float(np.diff(prices).min()) if len(prices) > 1 else 0.0


def of_tape(candles: Candles) -> list[Quality]:
    """Return one record per symbol of a finished tape (nothing was dropped here, so those counts are 0)."""
    records = []
    for code, (name, interval) in enumerate(zip(candles.symbols, candles.intervals, strict=True)):
        rows = rows_of(candles.symbol, code)
        bars = {n: getattr(candles, n)[rows] for n in ("time", *PRICES, "volume")}
        records.append(describe_bars(bars, Quality(name, interval)))
    return records
