"""A window as plain numbers: what a chart shows, without the chart. For baselines, controls and captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from candlelab.core.volatility import volatility_at

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


CHUNK = 16_384  # windows worked on at a time
LARGEST = 20.0


def present_rows(candles: Candles, ends: np.ndarray, window: int) -> np.ndarray:
    """Tape rows of each window, (n, window) int64; a removed bar is replaced by the last one before it that is left.

    Bars removed at the start of a window are replaced by the first one left. A window must have at least one bar left.
    """
    rows = ends[:, None] + np.arange(1 - window, 1)
    if candles.missing is None:
        return rows
    left = np.maximum.accumulate(np.where(candles.missing[rows], -1, rows), axis=1)
    first = np.where(left < 0, len(candles), left).min(axis=1)
    return np.where(left < 0, first[:, None], left)


def window_numbers(candles: Candles, ends: np.ndarray, window: int) -> np.ndarray:
    """Open, high, low, close and their moving average, scaled by the window's lowest and highest of them, and V / max V.

    (n, window, 6) float32 in [0, 1]; prices are 0.5 in a window without range, volumes 0 in one without trade. The average is
    that of the last `window` closes, of fewer where the segment begins.
    Source: the image-scaled controls of Jiang, Kelly & Xiu (2023), Journal of Finance 78(6), Table IX.
    """
    out = np.empty((len(ends), window, 6), dtype=np.float32)
    average = _moving_average(candles, window)
    for first in range(0, len(ends), CHUNK):
        rows = present_rows(candles, ends[first : first + CHUNK], window)
        columns = (candles.open, candles.high, candles.low, candles.close, average)
        prices = np.stack([column[rows] for column in columns], axis=-1)
        lowest, highest = prices.min(axis=(1, 2), keepdims=True), prices.max(axis=(1, 2), keepdims=True)
        span = highest - lowest
        scaled = np.divide(prices - lowest, span, out=np.full_like(prices, 0.5), where=span > 0)
        out[first : first + CHUNK, :, :5] = scaled
        volume = candles.volume[rows]
        most = volume.max(axis=1, keepdims=True)
        out[first : first + CHUNK, :, 5] = np.divide(volume, most, out=np.zeros_like(volume), where=most > 0)
    return out


def plain_numbers(candles: Candles, ends: np.ndarray, window: int) -> np.ndarray:
    """What a table model is given of a window: (n, 2 window + 5) float32.

    Log returns of its bars (the first from its own open), their log ranges, both in units of the volatility known at the
    window's end; then the last bar's body (signed), upper and lower shadow as shares of its range, the place of its close in
    the window's range (0 to 1), and ln of its volume against the window's mean (floored at ln 0.01). All are clipped to
    LARGEST: after a long standstill any move is thousands of volatilities.
    """
    sigma = volatility_at(candles, ends)
    out = np.empty((len(ends), 2 * window + 5), dtype=np.float32)
    for first in range(0, len(ends), CHUNK):
        some = ends[first : first + CHUNK]
        rows = present_rows(candles, some, window)
        unit = sigma[first : first + CHUNK]
        unit = np.where(unit > 0, unit, 1.0)[:, None]
        part = out[first : first + CHUNK]
        part[:, :window] = _returns(candles, rows) / unit
        part[:, window:-5] = np.log(candles.high[rows] / candles.low[rows]) / unit
        part[:, -5:] = _last_bar(candles, rows)
        np.clip(part, -LARGEST, LARGEST, out=part)
    return out


def _returns(candles, rows) -> np.ndarray:
    close = np.log(candles.close[rows])
    return np.diff(close, axis=1, prepend=np.log(candles.open[rows[:, :1]]))


def _last_bar(candles, rows) -> np.ndarray:
    last = rows[:, -1]
    opened, closed = candles.open[last], candles.close[last]
    high, low = candles.high[last], candles.low[last]
    span = high - low
    bottom, top = candles.low[rows].min(axis=1), candles.high[rows].max(axis=1)
    upper, lower = high - np.maximum(opened, closed), np.minimum(opened, closed) - low
    shares = [_divided(part, span, 0.0) for part in (closed - opened, upper, lower)]
    traded = _divided(candles.volume[last], candles.volume[rows].mean(axis=1), 1.0)
    busy = np.log(np.maximum(traded, 0.01))
    return np.stack([*shares, _divided(closed - bottom, top - bottom, 0.5), busy], axis=1)


def _divided(part, whole, otherwise) -> np.ndarray:
    return np.divide(part, whole, out=np.full_like(part, otherwise), where=whole > 0)


def _moving_average(candles, window) -> np.ndarray:
    """Mean of the last `window` closes that are left in the row's segment; (N,), NaN while none is left."""
    here = ~np.isnan(candles.close)
    total = np.concatenate(([0.0], np.cumsum(np.where(here, candles.close, 0.0))))
    count = np.concatenate(([0], np.cumsum(here)))
    stop = np.arange(1, len(candles) + 1)
    start = np.maximum(stop - window, stop - 1 - candles.position)
    bars = count[stop] - count[start]
    return np.divide(total[stop] - total[start], bars, out=np.full(len(candles), np.nan), where=bars > 0)
