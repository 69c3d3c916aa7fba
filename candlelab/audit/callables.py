"""Look-ahead test of any function of bars, on the user's own bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from candlelab.audit.probes import (
    Reader,
    across_borders,
    cuts_in,
    look_ahead,
    order_of_symbols,
    short_warmup,
    units_and_clock,
)
from candlelab.audit.record import Audit, audit_of
from candlelab.core.candles import Candles
from candlelab.core.errors import UserError

CUTS = 6
FADING = 0.01


def audit_features(
    features: Callable[[Any], Any], bars: Candles | pd.DataFrame, *, warmup: int | None = None, seed: int = 0
) -> Audit:
    """Return what is wrong with a function of bars: look-ahead, a warm-up too short, segments or symbols mixed.

    features  given what `bars` is (Candles or a table of bars), returns one row per bar: (N,) or (N, F) numbers, or a table.
    warmup    bars before the first value that counts; None: the leading rows that are NaN.
    Raises UserError if there are fewer than 30 bars or another number of rows comes back.
    """
    candles = bars if isinstance(bars, Candles) else Candles.from_frame(bars)
    if len(candles) < 30:
        raise UserError(f"{len(candles)} bars tell nothing of a function: give 30 or more")
    values, names = _numbers(features, candles, isinstance(bars, pd.DataFrame))
    known = np.isfinite(values).all(1)
    if not known.any():
        raise UserError("the function returns no complete row: give it more bars")
    if warmup is None:
        warmup = int(candles.position[known].min())
    rows = np.flatnonzero(candles.position >= warmup)

    def read(tape: Candles, at: np.ndarray) -> np.ndarray:
        return _numbers(features, tape, isinstance(bars, pd.DataFrame))[0][at]

    reader = Reader(getattr(features, "__name__", "function").replace("<lambda>", "function"), names, read, FADING)
    some = rows[:: max(1, len(rows) // 500)]
    checks = (
        ("look-ahead", look_ahead([reader], candles, rows, cuts_in(candles, rows, CUTS), seed=seed)),
        ("segment borders", across_borders([reader], candles, rows, seed=seed)),
        ("warm-up", short_warmup([reader], candles, rows, warmup + 1, count=12)),
        ("order of symbols", order_of_symbols([reader], candles, some)),
        ("units and clock", units_and_clock([reader], candles, some)),
    )
    return audit_of(reader.component, "these features cannot support a forecast claim", checks)


def _numbers(features: Callable[[Any], Any], candles: Candles, as_table: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return what a function says of a tape, (N, F) float64, and the names of its columns."""
    made = features(candles.to_frame() if as_table else candles)
    names: tuple[str, ...]
    if isinstance(made, pd.DataFrame):
        names = tuple(map(str, made.columns))
    else:
        names = (str(made.name or "value"),) if isinstance(made, pd.Series) else ()
    values = np.asarray(made, np.float64)
    values = values[:, None] if values.ndim == 1 else values.reshape(len(values), -1)
    if len(values) != len(candles):
        raise UserError(f"the function returned {len(values)} rows for {len(candles)} bars: return one row per bar")
    return values, names or tuple(f"column {k}" for k in range(values.shape[1]))
