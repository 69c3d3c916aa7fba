"""Sealed test part: the samples without what comes after them, so that nothing can read a label before it is unsealed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.columns import EXTRAS, OHLCV
from candlelab.core.errors import UserError
from candlelab.data.prepared import Prepared
from candlelab.data.split.parts import TEST, TRAIN


def without_future(made: Prepared) -> Prepared:
    """Return the data without a bar or a label from the first test sample on: the test samples stay, with nothing to know of them.

    Bars from there on repeat the last one before, so that no code meets a number that it would not meet in a quiet market.
    Raises UserError if a sample of another part lies behind the first test sample.
    """
    tape, tested = made.candles, made.part == TEST
    first = int(tape.time[made.ends[tested]].min())
    others = made.ends[(made.part >= TRAIN) & ~tested]
    if (tape.time[others] >= first).any():
        raise UserError(
            "a sealed test part must lie behind training and validation: choose data/split=chronological or walk_forward, "
            "or evaluate.sealed=false"
        )
    hidden = tape.time >= first
    known, end = ~hidden, made.labels.label_end
    known &= (end < 0) | ~hidden[np.maximum(end, 0)]
    names = ("forward_return", "target", "sigma", "theta")
    numbers = {name: np.where(known, getattr(made.labels, name), np.nan) for name in names}
    labels = replace(
        made.labels, label=np.where(known, made.labels.label, -1), label_end=np.where(known, end, -1), **numbers
    )
    return replace(made, candles=without_moves(tape, hidden), labels=labels, tokens={})


def without_moves(tape: Candles, hidden: np.ndarray) -> Candles:
    """Return the tape with hidden bars (N,) that repeat the last one before them of their symbol; 1 where there is none."""
    rows = np.arange(len(tape))
    last = np.maximum.accumulate(np.where(hidden, -1, rows))
    last = np.where((last >= 0) & (tape.symbol[np.maximum(last, 0)] == tape.symbol), last, -1)
    columns: dict[str, Any] = {}
    for name in (*OHLCV, *EXTRAS):
        values = getattr(tape, name)
        if values is not None:
            source = tape.close if name in ("open", "high", "low") else values
            columns[name] = np.where(hidden, np.where(last < 0, 1.0, source[np.maximum(last, 0)]), values)
    return replace(tape, **columns)
