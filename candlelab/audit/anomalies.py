"""Anomaly detection in OHLCV bars: interpolated, forward-filled and off-tick bars, bars of another venue.

Every detector takes the bars of one symbol in time order (`SymbolBars`) and returns a mask (n,) bool. They judge by what an
exchange cannot do: repeat a bar with its volume, trade between two ticks, move all four prices on a straight line. False
alarms were tried on 40 files of real bars, minutes to days, 2017 to 2025.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from candlelab.core.candles import Candles, rows_of
from candlelab.core.columns import PRICES
from candlelab.core.interval import next_open

FEWEST = 3  # bars: fewer may be chance
MOST_DECIMALS = 12
BLOCK = 1000  # bars whose gaps are alike
SEAM = 3.0  # times the 99 % quantile of its surroundings that a jump between two bars must be
SURE_SEAM = 4.0
PREMIUM = 3e-4  # a smaller difference between two venues changes no verdict
SURE_PREMIUM = 5e-4
LONGEST = 2000  # bars of another venue inside a series
SHIFT = 0.7  # of the median log volume: a factor of two


@dataclass(frozen=True)
class SymbolBars:
    """Columns of one symbol's bars in time order, (n,) each; follows: True where a bar opens when the one before it ended."""

    time: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    follows: np.ndarray

    @classmethod
    def of(cls, candles: Candles, code: int) -> SymbolBars:
        """The bars of symbol number `code` that are not missing."""
        rows: slice | np.ndarray = rows_of(candles.symbol, code)
        if candles.missing is not None:
            rows = np.arange(len(candles))[rows][~candles.missing[rows]]
        time, segment = candles.time[rows], candles.segment[rows]
        follows = np.append(False, next_open(time[:-1], candles.intervals[code]) == time[1:])[: len(time)]
        follows[1:] &= segment[1:] == segment[:-1]
        opened, high, low, close, volume = (getattr(candles, name)[rows] for name in (*PRICES, "volume"))
        return cls(time, opened, high, low, close, volume, follows)

    @cached_property
    def decimals(self) -> np.ndarray:
        """(n,) decimals that each close is written with; asked for by every detector, so it is kept."""
        return decimals(self.close)

    @cached_property
    def made(self) -> np.ndarray:
        """(n,) whether a bar was made by a computer."""
        return interpolated(self) | repeated(self) | untraded(self)

    @property
    def prices(self) -> np.ndarray:
        """(4, n) open, high, low, close."""
        return np.stack([getattr(self, name) for name in PRICES])


def interpolated(bars: SymbolBars) -> np.ndarray:
    """Bars whose four prices lie half way between those of their neighbours, as nothing but a computer draws them.

    Their volume does so too, or is 0 though the price moved, or their close lies between two ticks. One tick and a half is
    allowed for rounding.
    """
    inside = np.zeros(len(bars.time), bool)
    if len(inside) < 3:
        return inside
    tick = local_tick(bars.decimals)[1:-1]
    bend = np.abs(np.diff(bars.prices, 2)).max(0)
    volume = bars.volume
    even = np.abs(np.diff(volume, 2)) <= 1e-6 * volume[1:-1]
    drawn = even | (volume[1:-1] == 0) | off_tick(bars)[1:-1]
    moved = np.abs(np.diff(bars.close))[:-1] > 3 * tick
    inside[1:-1] = (
        (bend <= 1.5 * tick + 1e-9 * bars.close[1:-1]) & moved & drawn & bars.follows[1:-1] & bars.follows[2:]
    )
    return inside


def repeated(bars: SymbolBars) -> np.ndarray:
    """Bars that equal the bar before them in all prices and in a volume above 0: filled forward."""
    same = np.zeros(len(bars.time), bool)
    columns = np.vstack([bars.prices, bars.volume])
    same[1:] = (columns[:, 1:] == columns[:, :-1]).all(0) & ((bars.volume[1:] > 0) | (bars.high[1:] > bars.low[1:]))
    return same & bars.follows


def untraded(bars: SymbolBars) -> np.ndarray:
    """Bars without volume that stand on the close before them: nobody traded, or somebody filled a hole."""
    if not bars.volume.any():
        return np.zeros(len(bars.time), bool)
    still = (bars.volume == 0) & (bars.high == bars.low)
    still[1:] &= bars.close[1:] == bars.close[:-1]
    return still & bars.follows


def decimals(values: np.ndarray) -> np.ndarray:
    """(n,) int8 decimals that each value is written with, at most 12."""
    found = np.full(len(values), MOST_DECIMALS, np.int8)
    for places in range(MOST_DECIMALS - 1, -1, -1):
        scaled = values * 10.0**places
        found[np.abs(scaled - np.rint(scaled)) < 1e-7 * np.maximum(1.0, np.abs(scaled) * 1e-6)] = places
    return found


def local_decimals(written: np.ndarray) -> np.ndarray:
    """(n,) of the decimals (n,) that closes are written with, those that 9 of 10 closes of the same and the neighbouring blocks of 1000 bars have at most."""
    blocks, kinds = np.arange(len(written)) // BLOCK, MOST_DECIMALS + 1
    count = np.bincount((blocks + 1) * kinds + written, minlength=(blocks[-1] + 3) * kinds).reshape(-1, kinds)
    wide = count[:-2] + count[1:-1] + count[2:]
    share = wide.cumsum(1) / np.maximum(wide.sum(1, keepdims=True), 1)
    return (share >= 0.9).argmax(1)[blocks]


def local_tick(written: np.ndarray) -> np.ndarray:
    """(n,) the price step of a bar's surroundings, of the decimals (n,) that closes are written with."""
    return 10.0 ** -local_decimals(written)


def off_tick(bars: SymbolBars) -> np.ndarray:
    """Bars whose close has more decimals than nine of ten around it; none where prices have no tick at all.

    A stretch that begins or ends its segment is none: there the exchange has made its tick finer.
    """
    usual = local_decimals(bars.decimals)
    odd = (bars.decimals > usual) & (usual < MOST_DECIMALS - 3)
    if not odd.any():
        return odd
    edges = np.append(np.flatnonzero(~bars.follows), len(odd))
    for first, end in pairwise(edges):
        part = odd[first:end]
        odd[first:end] = part & ~_at_edge(part) & ~_at_edge(part[::-1])[::-1]
    return odd


def _at_edge(odd: np.ndarray) -> np.ndarray:
    """(n,) True up to the last bar until which at least half are odd, counted from the first."""
    share = np.cumsum(odd) / np.arange(1, len(odd) + 1)
    last = np.flatnonzero(odd & (share >= 0.5))
    return np.arange(len(odd)) <= (last[-1] if len(last) else -1)


def jumps(bars: SymbolBars) -> np.ndarray:
    """(n,) log of a bar's open over the close before it; 0 after a hole and beside bars that a computer made."""
    beside = bars.made | np.append(False, bars.made[:-1])[: len(bars.made)]
    jump = np.append(0.0, np.log(bars.open[1:] / bars.close[:-1]))[: len(bars.time)]
    return np.where(bars.follows & ~beside, jump, 0.0)


def elsewhere(bars: SymbolBars) -> list[tuple[int, int]]:
    """Stretches [first, end) of bars that come from another venue.

    Both ends are jumps between a close and the next open, up and down by about the same premium, several times what is usual
    around them; the nearest such pair in which the volume is on another level as well, or both jumps stand out alone.
    """
    jump = jumps(bars)
    usual = np.maximum(_usual(np.abs(jump)), 2e-5)
    seams = np.flatnonzero((np.abs(jump) > SEAM * usual) & (np.abs(jump) > PREMIUM))
    found, free = [], 0
    for first in seams.tolist():
        ends = seams[(seams > first) & (seams <= first + LONGEST)]
        fitting = [end for end in ends.tolist() if first >= free and _is_stretch(bars, jump, usual, first, end)]
        if fitting:
            found.append((first, fitting[0]))
            free = fitting[0]
    return found


def _is_stretch(bars: SymbolBars, jump: np.ndarray, usual: np.ndarray, first: int, end: int) -> bool:
    sizes = np.abs(jump[[first, end]])
    if jump[first] * jump[end] > 0 or sizes.max() > 2 * sizes.min():
        return False
    stands_out = (sizes > SURE_SEAM * usual[[first, end]]).all() and sizes.min() > SURE_PREMIUM
    return stands_out or abs(volume_shift(bars.volume, first, end)) > SHIFT


def volume_shift(volume: np.ndarray, first: int, end: int) -> float:
    """Median log volume of [first, end) less that of as many bars on both sides; 0 where one of them is unknown."""
    log = np.log(np.maximum(volume, 1e-9))
    width = max(end - first, 10)
    outside = np.r_[log[max(0, first - width) : first], log[end : end + width]]
    return float(np.median(log[first:end]) - np.median(outside)) if len(outside) else 0.0


def _usual(values: np.ndarray) -> np.ndarray:
    """(n,) the 99 % quantile of each block of 1000 bars, of the liveliest of its neighbours."""
    blocks = [np.quantile(part, 0.99) for part in np.array_split(values, max(1, len(values) // BLOCK)) if len(part)]
    sizes = [len(part) for part in np.array_split(values, max(1, len(values) // BLOCK)) if len(part)]
    padded = np.pad(np.array(blocks), 1, mode="edge")
    return np.repeat(np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:]), sizes)


def changed_feed(bars: SymbolBars) -> list[int]:
    """Rows from which on the bars come from another venue: a jump that stands out, and volumes on another level ever after."""
    jump = jumps(bars)
    usual = np.maximum(_usual(np.abs(jump)), 2e-5)
    log = np.log(np.maximum(bars.volume, 1e-9))
    found = []
    for row in np.flatnonzero((np.abs(jump) > SURE_SEAM * usual) & (np.abs(jump) > SURE_PREMIUM)):
        before, after = log[max(0, row - BLOCK) : row], log[row : row + BLOCK]
        if min(len(before), len(after)) < 100:
            continue
        low, high = sorted((np.median(before), np.median(after)))
        apart = (np.quantile(before, 0.9) < np.quantile(after, 0.1)) | (
            np.quantile(after, 0.9) < np.quantile(before, 0.1)
        )
        if apart and high - low > 2 * SHIFT:
            found.append(int(row))
    return found
