"""Irregular data: a seeded share of the bars taken away, their places kept on the tape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from candlelab.core.candles import EXTRAS, PRICES, Candles
from candlelab.core.errors import UserError


def thin(candles: Candles, *, share: float, seed: int) -> Candles:
    """Return the tape with `share` of each symbol's bars missing: prices NaN, volumes 0, grid and segments unchanged.

    Of n bars int(n * (1 - share)) remain, drawn without replacement, so 0.6, 0.8 and 0.95 mean what they say. The
    draw depends on the seed and the symbol's name alone, not on the other symbols. Raises UserError outside [0, 1).
    """
    if not 0 <= share < 1:
        raise UserError(f"data.thin is {share}: choose a share of bars to remove from 0 up to, not including, 1")
    if share == 0:
        return candles
    missing = np.zeros(len(candles), bool) if candles.missing is None else candles.missing.copy()
    for code, name in enumerate(candles.symbols):
        rows = np.flatnonzero((candles.symbol == code) & ~missing)
        draw = np.random.default_rng([seed, *name.encode()])
        missing[draw.permutation(rows)[int(len(rows) * (1 - share)) :]] = True
    empty: dict[str, Any] = {name: np.where(missing, np.nan, getattr(candles, name)) for name in PRICES}
    empty |= {
        name: np.where(missing, 0.0, getattr(candles, name))
        for name in ("volume", *EXTRAS)
        if getattr(candles, name) is not None
    }
    return replace(candles, missing=missing, **empty)
