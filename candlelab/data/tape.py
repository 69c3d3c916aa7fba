"""The tape of a data set as configured: fetched at one interval or several, coarsened, thinned."""

from __future__ import annotations

import numpy as np

from candlelab.core.candles import Candles, concat
from candlelab.core.contracts import Source
from candlelab.core.errors import UserError
from candlelab.core.interval import check_asked, to_time
from candlelab.data.thin import thin
from candlelab.market.resample import resample


def checked_intervals(asked: str | list[str], coarser: str | None) -> tuple[str, ...]:
    """Return the interval or intervals of data.interval; raises UserError for unknown, repeated or missing ones."""
    names = (asked,) if isinstance(asked, str) else tuple(asked)
    found = tuple(check_asked(name) for name in names)
    if not found or len(set(found)) < len(found):
        raise UserError(f"interval is {list(names)}: give one, or several different ones of which the first is tested")
    if len(found) > 1 and coarser is not None:
        raise UserError(
            f"resample is {coarser} and interval has {len(found)} entries: a tape is coarsened to one interval, so give one"
        )
    return found


def fetch_tape(
    source: Source,
    symbols: list[str],
    intervals: tuple[str, ...],
    span: tuple[str | None, str | None],
    *,
    coarser: str | None,
    holes: float,
    seed: int,
) -> Candles:
    """Return the bars of every symbol at every interval from span's start to its end; "BTCUSDT 4h" where there are several.

    coarser  an interval to build from the fetched one, or None; holes: share of bars removed at random (seeded).
    """
    start, end = (to_time(date) for date in span)
    tapes = [
        source.fetch(symbols, interval, start, end) for interval in reversed(intervals)
    ]  # a source remembers its last
    tape = tapes[0] if len(tapes) == 1 else concat(tapes)
    if coarser is not None:
        tape = resample(tape, coarser, start=start)
    return thin(tape, share=holes, seed=seed) if holes else tape


def at_interval(tape: Candles, interval: str) -> np.ndarray:
    """Return which rows of a tape are bars of one interval; (N,) bool."""
    return np.array([name == interval for name in tape.intervals])[tape.symbol]
