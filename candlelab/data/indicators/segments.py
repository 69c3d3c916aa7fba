"""Run a computation on each segment of the tape as if nothing else existed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from candlelab.core.columns import PRICES
from candlelab.core.compiled import compiled
from candlelab.core.errors import UserError

if TYPE_CHECKING:
    from candlelab.core.candles import Candles

TOGETHER = 2048  # rows whose indicators fit into the cache
SETTLED = 1e-3  # share of a filter's starting value that may be left when its warm-up ends


@dataclass(frozen=True)
class SegmentBars:
    """The bars of one segment that are left, columns of equal length, contiguous float64; `time` is int64 ms UTC."""

    time: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray


def per_segment(
    candles: Candles,
    compute: Callable[[SegmentBars], Iterable[np.ndarray]],
    width: int,
    *,
    warmup: int,
    kalman: float | None,
) -> np.ndarray:
    """Columns of `compute` for every row of the tape; (N, width) float64, NaN in the first `warmup` rows of a segment.

    A removed bar repeats the numbers of the last bar left before it. `kalman` filters the prices first.
    """
    out = np.full((len(candles), width), np.nan)
    starts = np.flatnonzero(candles.position == 0)
    for first, stop in zip(starts, np.append(starts[1:], len(candles)), strict=True):
        rows = np.arange(first, stop)
        if candles.missing is not None:
            rows = rows[~candles.missing[first:stop]]
        if len(rows) <= warmup:
            continue
        source = None if len(rows) == stop - first else _held(rows - first, stop - first)
        whole = slice(first, stop) if source is None else rows
        _side_by_side(list(compute(_bars(candles, whole, kalman))), source, out[first:stop])
        settled = warmup if source is None else rows[warmup] - first
        out[first : first + settled] = np.nan
    return out


def _side_by_side(columns: list[np.ndarray], source: np.ndarray | None, out: np.ndarray) -> None:
    """Write columns into out (n, F), some rows of all at a time: column by column, each would go through all of the memory."""
    for first in range(0, len(out), TOGETHER):
        rows = slice(first, first + TOGETHER)
        for k, column in enumerate(columns):
            out[rows, k] = column[rows] if source is None else column[source[rows]]


UNFILTERED = 1e6  # a ratio from which on the filter changes no digit of a price that is stored


def kalman_warmup(ratio: float | None) -> int:
    """Bars after which a share SETTLED of the filter's first price is left; 0 without a filter."""
    if ratio is None:
        return 0
    if not 0 < ratio <= UNFILTERED:
        raise UserError(
            f"kalman is {ratio}; set it above 0 and to at most {UNFILTERED:g}, or to null for unfiltered prices."
        )
    gain = (np.sqrt(ratio * ratio + 4 * ratio) - ratio) / 2
    return int(np.ceil(np.log(SETTLED) / np.log1p(-gain)))


@compiled
def kalman_filter(values: np.ndarray, ratio: float) -> np.ndarray:
    """Level of a random walk seen through noise, from the values so far; shape (n,).

    ratio  variance of the walk's step over variance of the noise. The first value is taken as it is.
    Source: Kalman (1960); the local level model of Harvey (1989), Forecasting, Structural Time Series Models, 2.3.
    """
    out = np.empty_like(values)
    level, spread = values[0], 1.0
    for t in range(values.shape[0]):
        gain = 1.0 if t == 0 else (spread + ratio) / (spread + ratio + 1.0)
        level += gain * (values[t] - level)
        spread = gain
        out[t] = level
    return out


def _bars(candles, rows, kalman) -> SegmentBars:
    columns = {name: np.ascontiguousarray(getattr(candles, name)[rows]) for name in (*PRICES, "volume")}
    if kalman is not None:  # one linear filter for all four, so high stays above low
        columns |= {name: np.exp(kalman_filter(np.log(columns[name]), kalman)) for name in PRICES}
    return SegmentBars(time=candles.time[rows], **columns)


def _held(places, count) -> np.ndarray:
    """For each of `count` rows the number of the last bar left at or before it; 0 before the first."""
    last = np.zeros(count, dtype=np.int64)
    last[places] = np.arange(len(places))
    return np.maximum.accumulate(last)
