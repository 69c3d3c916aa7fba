"""The bars of a batch of windows, gathered from a tape in the array library the tape came in."""

from __future__ import annotations

from typing import Any, NamedTuple

from array_api_compat import array_namespace, device, is_torch_array

from candlelab.core.columns import PRICES

COLUMNS = (*PRICES, "volume")


class Bars(NamedTuple):
    """Windows side by side; every array (B, n), float64, oldest bar first.

    shown  (B, n) bool, False where there is no bar to draw; None when every bar is there.
    """

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    shown: Any = None

    def last(self, window: int) -> Bars:
        """Return the last `window` bars of each window."""
        return Bars(*(None if column is None else column[:, -window:] for column in self))

    def and_number(self, column: Any) -> Any:
        """Return where a bar is shown and has a number in this column; None if every bar is shown."""
        return None if self.shown is None else self.shown & ~array_namespace(column).isnan(column)


class Tape(NamedTuple):
    """What drawing needs of the candles: columns of length N, all NumPy, all torch or all CuPy."""

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    missing: Any = None

    @classmethod
    def of(cls, candles: Any) -> Tape:
        """Return the columns of anything with the attributes open high low close volume (and maybe missing)."""
        columns = [getattr(candles, name) for name in COLUMNS]
        xp = array_namespace(*columns)
        columns = [c if c.dtype == xp.float64 else xp.astype(c, xp.float64) for c in columns]
        return cls._make((*columns, getattr(candles, "missing", None)))


def gather_bars(tape: Tape, ends: Any, length: int) -> Bars:
    """Return the `length` bars that end at each row of `ends`.

    A row whose high or low is NaN counts as missing, if the tape says that it has missing bars at all.
    """
    starts = ends - (length - 1)
    columns = [_rolling(column, length)[starts] for column in tape[:5]]
    if tape.missing is None:
        return Bars(*columns)
    return mark(Bars(*columns), ~_rolling(tape.missing, length)[starts])


def unpack(ohlcv: Any) -> Bars:
    """Return the bars of windows given as one array (B, n, 5): open, high, low, close, volume."""
    return Bars(*(ohlcv[:, :, k] for k in range(5)))


def mark(bars: Bars, present: Any) -> Bars:
    """Return bars whose `shown` is True where `present` is and high and low are numbers."""
    xp = array_namespace(bars.close)
    return bars._replace(shown=present & ~xp.isnan(bars.high) & ~xp.isnan(bars.low))


def _rolling(column, length: int):
    """Return a view (N - length + 1, length) whose row i starts at row i of the column."""
    if is_torch_array(column):
        return column.unfold(0, length, 1)
    return array_namespace(column).lib.stride_tricks.sliding_window_view(column, length)


def adjacent(bars: Bars, window: int) -> Bars:
    """Return the bars pushed together at the newest end, in order; slots left over have no bar.

    Only bars of the last `window` slots stay shown; older ones still serve the averages.
    """
    if bars.shown is None:
        return bars
    xp = array_namespace(bars.close)
    order = xp.argsort(xp.astype(bars.shown, xp.int8), axis=1, stable=True)
    kept = xp.sum(xp.astype(bars.shown[:, -window:], xp.int64), axis=1, keepdims=True)
    total = xp.sum(xp.astype(bars.shown, xp.int64), axis=1, keepdims=True)
    slots = xp.arange(bars.close.shape[1], device=device(bars.close))[None, :]
    columns = [xp.take_along_axis(column, order, axis=1) for column in bars[:5]]
    length = bars.close.shape[1]
    old = (slots < length - window) & (slots >= length - total)
    return Bars._make((*columns, (slots >= length - kept) | old))
