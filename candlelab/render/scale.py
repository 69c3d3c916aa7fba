"""Prices to rows, the same on every device and whatever unit the prices are in.

Prices are decimals and pixels are integers, so float noise would decide ties. Every fractional row is therefore snapped
to a multiple of 2^-20 before it is rounded: multiplying all prices by a constant then changes no pixel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from array_api_compat import array_namespace, is_numpy_array

from candlelab.core.compiled import at_hand
from candlelab.render import numba_geometry

SNAP = 2.0**20
FLAT = 2.0**-40  # a relative range below this is float noise: averages of equal prices


class Scale(NamedTuple):
    """A linear map from price to fractional row above the bottom, in units of 2^-20 rows; arrays (B, 1)."""

    origin: Any
    factor: Any


def price_scale(low: Any, high: Any, rows: int) -> Scale:
    """Return the map low -> 0, high -> rows - 1; a flat window lies on the middle row.

    low, high  (B, 1) prices, positive.
    """
    xp = array_namespace(low)
    span = high - low
    flat = ~(span > FLAT * high)
    factor = xp.where(flat, (rows - 1) // 2 * SNAP / low, (rows - 1) * SNAP / xp.where(flat, high, span))
    return Scale(xp.where(flat, xp.zeros_like(low), low), factor)


def downward_scale(low: Any, high: Any, rows: int) -> Scale:
    """Return the map high -> 0, low -> rows - 1, counted downwards; a flat window lies on row 0."""
    xp = array_namespace(low)
    span = high - low
    flat = ~(span > 0)
    return Scale(high, xp.where(flat, xp.zeros_like(low), (1 - rows) * SNAP / xp.where(flat, high, span)))


def snapped(values: Any, scale: Scale) -> Any:
    """Return fractional rows above the bottom, multiples of 2^-20; same shape as values."""
    xp = array_namespace(values)
    fraction = values - scale.origin
    fraction *= scale.factor
    fraction = xp.round(fraction)
    fraction *= 1 / SNAP
    return fraction


def rows_above(values: Any, scale: Scale, shown: Any = None) -> Any:
    """Return rows counted from the bottom (half to even), int32; any row where nothing is shown."""
    values, xp = _numbers(values, scale, shown), array_namespace(values)
    if is_numpy_array(values) and at_hand(values.size):
        return numba_geometry.rows(values, *scale, True)
    return xp.astype(xp.round(snapped(values, scale)), xp.int32)


def rows_below(values: Any, scale: Scale, shown: Any = None) -> Any:
    """Return rows counted from the top (truncated), int32; any row where nothing is shown."""
    values, xp = _numbers(values, scale, shown), array_namespace(values)
    if is_numpy_array(values) and at_hand(values.size):
        return numba_geometry.rows(values, *scale, False)
    return xp.astype(snapped(values, scale), xp.int32)


def _numbers(values: Any, scale: Scale, shown: Any) -> Any:
    """Return the values, with a number in place of what is not shown: NaN has no row."""
    if shown is None:
        return values
    xp = array_namespace(values)
    return xp.where(shown & ~xp.isnan(values), values, scale.origin)


def extent(lows: list[Any], highs: list[Any], shown: Any = None) -> tuple[Any, Any]:
    """Return the lowest and the highest price of each window; two arrays (B, 1).

    shown  (B, n) bool or None; what is not shown, and any NaN beside it, does not count.
    Windows that show nothing get 1 and 1.
    """
    xp = array_namespace(lows[0])
    if shown is None:
        return _lowest(xp, lows), _highest(xp, highs)
    low = _lowest(xp, [xp.where(shown & ~xp.isnan(x), x, xp.inf) for x in lows])
    high = _highest(xp, [xp.where(shown & ~xp.isnan(x), x, -xp.inf) for x in highs])
    empty = ~(high >= low)
    return xp.where(empty, xp.ones_like(low), low), xp.where(empty, xp.ones_like(high), high)


def _lowest(xp: Any, columns: list[Any]) -> Any:
    lowest = xp.min(columns[0], axis=1, keepdims=True)
    for column in columns[1:]:
        lowest = xp.minimum(lowest, xp.min(column, axis=1, keepdims=True))
    return lowest


def _highest(xp: Any, columns: list[Any]) -> Any:
    highest = xp.max(columns[0], axis=1, keepdims=True)
    for column in columns[1:]:
        highest = xp.maximum(highest, xp.max(column, axis=1, keepdims=True))
    return highest


def bar_heights(volume: Any, rows: int, shown: Any = None) -> Any:
    """Return how many rows each volume bar is tall, the largest of the window taking all `rows`; int32.

    volume  (B, n), not negative; NaN and windows without volume give 0.
    """
    xp = array_namespace(volume)
    if shown is not None:
        volume = xp.where(shown & ~xp.isnan(volume), volume, xp.zeros_like(volume))
    largest = xp.max(volume, axis=1, keepdims=True)
    share = volume / xp.where(largest > 0, largest, xp.ones_like(largest))
    share *= rows * SNAP
    return xp.astype(xp.round(xp.round(share) / SNAP), xp.int32)


def moving_average(close: Any, length: int, window: int, shown: Any = None) -> Any:
    """Return the mean of the last `length` closes at each of the last `window` bars; (B, window).

    shown  bars that are not shown are left out of the mean; NaN where none is left.
    """
    xp = array_namespace(close)
    close = close[:, -(window + length - 1) :]
    if shown is None:
        return running_sum(close, length) / length
    shown = shown[:, -(window + length - 1) :] & ~xp.isnan(close)
    total = running_sum(xp.where(shown, close, xp.zeros_like(close)), length)
    count = running_sum(xp.astype(shown, xp.float64), length)
    return xp.where(count > 0, total / xp.where(count > 0, count, 1.0), xp.nan)


def running_sum(values: Any, length: int) -> Any:
    """Return sums of `length` neighbours, (B, n - length + 1), added in one fixed order on every device."""
    total, offset, power, count = None, 0, 1, values.shape[1] - length + 1
    while length:
        if length & 1:
            piece = values[:, offset : offset + count]
            total = piece if total is None else total + piece
            offset += power
        length >>= 1
        if length:
            values = values[:, :-power] + values[:, power:]
            power *= 2
    return total
