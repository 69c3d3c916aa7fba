"""Forward returns and class labels: what every label rule is made of.

A rule is called with the tape and the window length and answers for every row of the tape. Forecast rules are pure functions
of the row's close and the bars after it, inside one segment; recognition rules are functions of the drawn window. Rows
that have no label carry -1: the last `horizon` rows of every segment, ties that are dropped, bars that are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from candlelab.core.contracts import Labels as Labels
from candlelab.core.errors import UserError
from candlelab.core.volatility import running_volatility

if TYPE_CHECKING:
    from candlelab.core.candles import Candles

Number = TypeVar("Number", int, float)
NOISE = 1e-12  # a return this close to a threshold lies on it: 99.5 / 100 - 1 is below -0.005 in float64


def forward_returns(candles: Candles, horizon: int) -> np.ndarray:
    """Simple return from each close to the close `horizon` rows later in the same segment; (N,), NaN where there is none."""
    out = np.full(len(candles.close), np.nan)
    if horizon < len(out):
        np.divide(candles.close[horizon:], candles.close[:-horizon], out=out[:-horizon])
        out[:-horizon] -= 1.0
        out[:-horizon][candles.segment[horizon:] != candles.segment[:-horizon]] = np.nan
    return out


def labels_of(
    candles: Candles, label: np.ndarray, forward: np.ndarray, horizon: int, theta: np.ndarray | float
) -> Labels:
    sigma = running_volatility(candles)
    end = np.where(np.isnan(forward), -1, np.arange(len(forward)) + horizon)
    theta = np.broadcast_to(np.asarray(theta, dtype=np.float64), forward.shape)
    return Labels(label, forward, standardised(forward, sigma), sigma, theta, end)


def recognition_labels(candles: Candles, start: np.ndarray, stop: np.ndarray, last: np.ndarray, ties: str) -> Labels:
    """Labels of a rule that reads the picture: 1 where `stop` is above `start`; `last` is -1 where nothing is drawn."""
    label = np.where(stop > start, 1, 0)
    label[last < 0] = -1
    if ties == "drop":
        label[stop == start] = -1
    none = np.broadcast_to(np.nan, label.shape)
    end = np.where(label >= 0, np.arange(len(label)), -1)
    return Labels(label, none, none, running_volatility(candles), np.broadcast_to(0.0, label.shape), end)


def three_way(returns: np.ndarray, theta: np.ndarray | float) -> np.ndarray:
    label = np.ones(len(returns), dtype=np.int64)
    label[returns > theta + NOISE] = 2
    label[returns < -(theta + NOISE)] = 0
    label[np.isnan(returns) | np.isnan(theta)] = -1
    return label


def standardised(forward: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Forward log return in units of sigma; NaN where sigma is 0 or unknown."""
    out = np.log1p(forward)
    return np.divide(out, sigma, out=np.full_like(out, np.nan), where=sigma > 0)


def returns_to(close: np.ndarray, row: np.ndarray) -> np.ndarray:
    forward = close[row] / close - 1.0
    forward[row < 0] = np.nan
    return forward


def last_rows(segment: np.ndarray) -> np.ndarray:
    """Last row of every row's segment, (N,) int64."""
    starts = np.flatnonzero(np.diff(segment, prepend=segment[:1] - 1))
    counts = np.diff(starts, append=len(segment))
    return np.repeat(starts + counts - 1, counts)


def drawn_bars(candles: Candles, window: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last row of the window ending at each row that is not missing, (N,) int64; -1 where no such bar is drawn."""
    rows = np.arange(len(candles.close))
    first, last = rows - (window - 1), rows.copy()
    if candles.missing is not None:
        left = np.where(candles.missing, -1, rows)
        last = np.maximum.accumulate(left)
        right = np.where(candles.missing, len(rows), rows)
        following = np.minimum.accumulate(right[::-1])[::-1]
        first = following[np.maximum(first, 0)]
    nothing = (candles.position < window - 1) | (first > last) | (last < rows - (window - 1))
    first[nothing] = -1
    last[nothing] = -1
    return first, last


def at_least(name: str, value: Number, least: Number) -> Number:
    if not value >= least:
        raise UserError(f"{name} is {value}; set it to {least} or more.")
    return value


def above_zero(name: str, value: float) -> float:
    if not value > 0:
        raise UserError(f"{name} is {value}; set it above 0.")
    return value


def one_of(name: str, value: Any, allowed: Sequence[str]) -> Any:
    if value not in allowed:
        raise UserError(f"{name} is {value!r}; choose one of {', '.join(allowed)}.")
    return value
