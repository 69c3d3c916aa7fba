"""Counterfactual bars: the same tape with another future, another past, other symbols, another unit or time zone.

What is computed at a bar must not change when bars after it do. Every function returns a valid tape of the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.columns import EXTRAS, PRICES

LEAST_MOVE = 0.02  # of a rewritten bar: large enough to leave any neutral zone
GROUPS = {"prices": PRICES, "volume": ("volume",), "extra columns": EXTRAS}


def rewritten(candles: Candles, rows: np.ndarray, *, seed: int, groups: Sequence[str] = tuple(GROUPS)) -> Candles:
    """Return the tape with other bars at some rows, (N,) bool: a random walk of large moves, and other volumes.

    groups  of GROUPS to rewrite. Bars removed on purpose stay removed.
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {}
    if "prices" in groups:
        columns |= _other_prices(candles, rows, rng)
    for name in (name for group in groups if group != "prices" for name in GROUPS[group]):
        column = getattr(candles, name)
        if column is not None:
            columns[name] = np.where(rows, (column + 1.0) * rng.lognormal(0.0, 1.0, len(column)), column)
    kept: dict[str, Any] = {name: _kept_missing(candles, name, column) for name, column in columns.items()}
    return replace(candles, **kept)


def _other_prices(candles: Candles, rows: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Prices that wander away from where they were by a random walk which begins anew at each run of rows."""
    size = len(candles)
    step = rng.normal(0.0, LEAST_MOVE, size) + rng.choice([-1, 1], size) * LEAST_MOVE
    begins = rows & ~np.append(False, rows[:-1])
    walked = np.cumsum(np.where(rows, step, 0.0))
    start = np.maximum.accumulate(np.where(begins, np.arange(size), 0))
    away = np.exp(np.clip(walked - (walked[start] - step[start]), -6.0, 6.0))
    close = np.where(rows, candles.close * away, candles.close)
    opens = np.where(rows, candles.open * away * rng.lognormal(0.0, LEAST_MOVE, size), candles.open)
    wide = rng.lognormal(-4.0, 0.5, size)
    high = np.where(rows, np.fmax(opens, close) * (1 + wide), candles.high)
    low = np.where(rows, np.fmin(opens, close) / (1 + wide), candles.low)
    return {"open": opens, "high": high, "low": low, "close": close}


def _kept_missing(candles: Candles, name: str, column: np.ndarray) -> np.ndarray:
    return column if candles.missing is None else np.where(candles.missing, getattr(candles, name), column)


def after(candles: Candles, time: int) -> np.ndarray:
    """Return which bars open later than a time, of whatever symbol; (N,) bool."""
    return candles.time > time


def mirrored_before(candles: Candles, row: int) -> Candles:
    """Return the tape whose bars before `row` in its segment are turned upside down about that row's close.

    Sizes of moves, and with them every volatility, stay; every direction turns round.
    """
    turned = (candles.segment == candles.segment[row]) & (np.arange(len(candles)) < row)
    pivot = candles.close[row] ** 2
    flip = {"open": "open", "high": "low", "low": "high", "close": "close"}
    own = {name: getattr(candles, name).copy() for name in PRICES}
    columns = {name: np.where(turned, pivot / getattr(candles, source), own[name]) for name, source in flip.items()}
    opened = own["open"][row]
    columns["open"][row] = pivot / opened
    columns["high"][row] = max(pivot / own["low"][row], columns["open"][row], own["close"][row])
    columns["low"][row] = min(pivot / own["high"][row], columns["open"][row], own["close"][row])
    return replace(candles, **columns)


def in_unit(candles: Candles, factor: float) -> Candles:
    """Return the tape with prices in another unit, and volumes in the inverse of it."""
    columns = {name: getattr(candles, name) * factor for name in PRICES} | {"volume": candles.volume / factor}
    return replace(candles, **columns)


def at_clock(candles: Candles, shift: int) -> Candles:
    """Return the tape of the same bars, each `shift` ms later."""
    return replace(candles, time=candles.time + shift)


def renamed(candles: Candles) -> Candles:
    """Return the tape whose symbols swap their names, first with last."""
    return replace(candles, symbols=candles.symbols[::-1])


def reordered(candles: Candles) -> tuple[Candles, np.ndarray]:
    """Return the tape with its symbols in reverse order, and where each of its rows stood before; (N,) int64."""
    count = len(candles.symbols)
    order = np.lexsort((candles.time, count - 1 - candles.symbol))
    tape = candles.select(order)
    return (
        replace(
            tape,
            symbol=(count - 1 - tape.symbol).astype(np.int32),
            symbols=candles.symbols[::-1],
            intervals=candles.intervals[::-1],
        ),
        order,
    )


def pieces(candles: Candles, ends: np.ndarray, bars: int) -> tuple[Candles, np.ndarray]:
    """Return the last `bars` bars at some ascending end rows, each a segment of its own, and the new end rows.

    Ends whose bars overlap those of the end before, or touch them, are left out.
    """
    chosen, free = [], -1
    for end in ends.tolist():
        first = end - bars + 1
        if first > free:
            chosen.append(end)
            free = end + 1  # one bar is left out, so that no two pieces join
    rows = np.concatenate([np.arange(end - bars + 1, end + 1) for end in chosen])
    tape = candles.select(rows)
    piece = np.repeat(np.arange(len(chosen), dtype=np.int32), bars)
    return replace(tape, segment=piece), np.arange(1, len(chosen) + 1) * bars - 1
