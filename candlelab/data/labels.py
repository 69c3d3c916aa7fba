"""What happened next: the one file that is allowed to look forward.

A rule is called with the tape and the window length and answers for every row of the tape. Forecast rules are pure functions
of the row's close and the bars after it, inside one segment; recognition rules are functions of the drawn window. Rows
that have no label carry -1: the last `horizon` rows of every segment, ties that are dropped, bars that are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numba
import numpy as np

from candlelab.data.source.chart_shapes import DIRECTIONS as PATTERN_DIRECTIONS
from candlelab.data.source.chart_shapes import NAMES as PATTERN_NAMES

if TYPE_CHECKING:
    from candlelab.data.candles import Candles

SIGMA_WEIGHT = 0.05  # weight of the newest squared return in the running volatility
_NOISE = 1e-12  # a return this close to a threshold lies on it: 99.5 / 100 - 1 is below -0.005 in float64


@dataclass(frozen=True)
class Labels:
    """One entry per tape row; every array has shape (N,)."""

    label: np.ndarray  # int64 class index, -1 where there is none
    forward_return: np.ndarray  # float64 simple return from this close to the close of `label_end`, NaN where there is none
    target: np.ndarray  # float64 forward log return / sigma, NaN where there is none
    sigma: np.ndarray  # float64 volatility of one bar known at this close, NaN at the start of a segment
    theta: np.ndarray  # float64 size of return that this row's class begins at, 0 for pure direction
    label_end: np.ndarray  # int64 last row the label looked at, -1 where there is none


def running_volatility(candles: Candles) -> np.ndarray:
    """Volatility of one bar known at each close, as log return; shape (N,), NaN in the first row of a segment.

    Exponentially weighted: s2[t] = 0.95 s2[t-1] + 0.05 r[t]^2, started at the first squared return of the segment. A missing
    bar leaves the value as it was.
    """
    return _running_volatility(candles.close, candles.segment, SIGMA_WEIGHT)


class Direction:
    """Up or down: is the close `horizon` bars ahead above this one?"""

    kind = "forecast"
    classes = ("down", "up")

    def __init__(self, *, horizon: int, ties: Literal["drop", "down"]):
        self.horizon = _at_least("horizon", horizon, 1)
        self.ties = _one_of("ties", ties, ("drop", "down"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        forward = forward_returns(candles, self.horizon)
        label = np.where(forward > 0, 1, 0)
        label[np.isnan(forward)] = -1
        if self.ties == "drop":
            label[forward == 0] = -1
        return _labels(candles, label, forward, self.horizon, theta=0.0)


class NextReturn(Direction):
    """The forward return in units of past volatility, as a number to regress on; the class beside it is its sign."""

    mode = "regression"


class ThreeClass:
    """Down, neutral or up: does the return over `horizon` bars leave a band around zero?"""

    kind = "forecast"
    classes = ("down", "neutral", "up")

    def __init__(self, *, horizon: int, threshold: float, unit: Literal["return", "sigma"]):
        self.horizon = _at_least("horizon", horizon, 1)
        self.threshold = _at_least("threshold", threshold, 0.0)
        self.unit = _one_of("unit", unit, ("return", "sigma"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        forward = forward_returns(candles, self.horizon)
        theta = self.threshold if self.unit == "return" else self.threshold * running_volatility(candles)
        label = _three_way(forward, theta)
        return _labels(candles, label, forward, self.horizon, theta)


class Balanced:
    """Sell, neutral or buy as in system 004: strong moves, quiet bars, and a zone between them with a fixed rule."""

    kind = "forecast"
    classes = ("down", "neutral", "up")

    def __init__(self, *, horizon: int, threshold: float, neutral: float, between: Literal["neutral", "sign", "drop"]):
        self.horizon = _at_least("horizon", horizon, 1)
        self.neutral = _at_least("neutral", neutral, 0.0)
        self.threshold = _at_least("threshold", threshold, neutral)
        self.between = _one_of("between", between, ("neutral", "sign", "drop"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        forward = forward_returns(candles, self.horizon)
        theta = self.neutral if self.between == "sign" else self.threshold
        label = _three_way(forward, theta)
        if self.between == "drop":
            label[(label == 1) & (np.abs(forward) > self.neutral + _NOISE)] = -1
        return _labels(candles, label, forward, self.horizon, theta)


class TripleBarrier:
    """Which is touched first: the profit barrier, the stop barrier, or the end of the horizon?

    Barriers stand at close * (1 + take_profit sigma) and close * (1 - stop_loss sigma). An event that the segment's end cuts
    off before any touch has no label. `forward_return` runs to the close of the bar that decided.
    Source: Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 3.
    """

    kind = "forecast"

    def __init__(
        self,
        *,
        horizon: int,
        take_profit: float,
        stop_loss: float,
        touch: Literal["close", "high_low"],
        both: Literal["stop", "drop"],
        vertical: Literal["neutral", "sign"],
    ):
        self.horizon = _at_least("horizon", horizon, 1)
        self.take_profit = _above_zero("take_profit", take_profit)
        self.stop_loss = _above_zero("stop_loss", stop_loss)
        self.touch = _one_of("touch", touch, ("close", "high_low"))
        self.both = _one_of("both", both, ("stop", "drop"))
        self.vertical = _one_of("vertical", vertical, ("neutral", "sign"))
        self.classes = ("down", "neutral", "up") if vertical == "neutral" else ("down", "up")

    def __call__(self, candles: Candles, window: int) -> Labels:
        sigma = running_volatility(candles)
        outcome, row = self.outcomes(candles, sigma)
        forward = _returns_to(candles.close, row)
        if self.vertical == "sign":
            outcome = np.where((outcome == 0) & (row >= 0), np.sign(forward), outcome)
            row = np.where(outcome == 0, -1, row)
            label = np.where(row >= 0, (outcome > 0).astype(np.int64), -1)
        else:
            label = np.where(row >= 0, outcome + 1, -1)
        forward[row < 0] = np.nan
        target = _standardised(forward, sigma)
        return Labels(label.astype(np.int64), forward, target, sigma, self.take_profit * sigma, row)

    def outcomes(self, candles: Candles, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Outcome -1, 0 or 1 and the row that decided it, both (N,) int64; the row is -1 where there is no outcome."""
        high, low = (candles.high, candles.low) if self.touch == "high_low" else (candles.close, candles.close)
        last = _last_rows(candles.segment)
        barriers = (self.take_profit, self.stop_loss)
        return _first_touch(candles.close, high, low, last, sigma, self.horizon, barriers, self.both == "stop")


class Body:
    """Recognition: is the body of the window's last candle beyond the threshold? The class rule of system 000.

    The forward return and target are those of the next bar, for a second head; rows without a next bar have no label, so
    `label_end` is the next row. What the class says stands in the picture: it forecasts nothing.
    """

    kind = "recognition"
    classes = ("bearish", "neutral", "bullish")
    horizon = 0

    def __init__(self, *, threshold: float):
        self.threshold = _at_least("threshold", threshold, 0.0)

    def __call__(self, candles: Candles, window: int) -> Labels:
        body = candles.close / candles.open - 1.0
        forward = forward_returns(candles, 1)
        label = _three_way(body, self.threshold)
        label[np.isnan(forward)] = -1
        return _labels(candles, label, forward, 1, self.threshold)


class LastCandle:
    """Recognition: the colour of the last candle left in the window. The `regular` rule of system 002."""

    kind = "recognition"
    classes = ("down", "up")
    horizon = 0

    def __init__(self, *, ties: Literal["drop", "down"]):
        self.ties = _one_of("ties", ties, ("drop", "down"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        _, last = _drawn_bars(candles, window)
        return _recognised(candles, candles.open[last], candles.close[last], last, self.ties)


class WindowDrift:
    """Recognition: last close against first open among the candles left in the window. The rule `fullimage` of system 002."""

    kind = "recognition"
    classes = ("down", "up")
    horizon = 0

    def __init__(self, *, ties: Literal["drop", "down"]):
        self.ties = _one_of("ties", ties, ("drop", "down"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        first, last = _drawn_bars(candles, window)
        return _recognised(candles, candles.open[first], candles.close[last], last, self.ties)


class PatternName:
    """Recognition: which chart pattern the candles of data/source=patterns hold; one label per sample, at its last bar.

    `directions` says what the textbook expects after each class: 1 a rise, -1 a fall, 0 neither.
    """

    kind = "recognition"
    horizon = 0

    def __init__(self, *, none: bool):
        self.classes = PATTERN_NAMES if none else PATTERN_NAMES[:-1]
        self.directions = PATTERN_DIRECTIONS[: len(self.classes)]

    def __call__(self, candles: Candles, window: int) -> Labels:
        unknown = sorted(set(candles.symbols) - set(self.classes))
        if unknown:
            raise ValueError(f"data/label=pattern does not know {unknown[0]}; use it with data/source=patterns and the same `none`.")
        rows = np.arange(len(candles.close))
        code = np.array([self.classes.index(name) for name in candles.symbols])[candles.symbol]
        end = np.where(_last_rows(candles.segment) == rows, rows, -1)
        unknown_return = np.broadcast_to(np.nan, rows.shape)
        label, theta = np.where(end >= 0, code, -1), np.broadcast_to(0.0, rows.shape)
        return Labels(label, unknown_return, unknown_return, running_volatility(candles), theta, end)


def forward_returns(candles: Candles, horizon: int) -> np.ndarray:
    """Simple return from each close to the close `horizon` rows later in the same segment; (N,), NaN where there is none."""
    out = np.full(len(candles.close), np.nan)
    if horizon < len(out):
        np.divide(candles.close[horizon:], candles.close[:-horizon], out=out[:-horizon])
        out[:-horizon] -= 1.0
        out[:-horizon][candles.segment[horizon:] != candles.segment[:-horizon]] = np.nan
    return out


def _labels(candles, label, forward, horizon, theta) -> Labels:
    sigma = running_volatility(candles)
    end = np.where(np.isnan(forward), -1, np.arange(len(forward)) + horizon)
    theta = np.broadcast_to(np.asarray(theta, dtype=np.float64), forward.shape)
    return Labels(label, forward, _standardised(forward, sigma), sigma, theta, end)


def _recognised(candles, start, stop, last, ties) -> Labels:
    """Labels of a rule that reads the picture: 1 where `stop` is above `start`; `last` is -1 where nothing is drawn."""
    label = np.where(stop > start, 1, 0)
    label[last < 0] = -1
    if ties == "drop":
        label[stop == start] = -1
    none = np.broadcast_to(np.nan, label.shape)
    end = np.where(label >= 0, np.arange(len(label)), -1)
    return Labels(label, none, none, running_volatility(candles), np.broadcast_to(0.0, label.shape), end)


def _three_way(returns, theta) -> np.ndarray:
    label = np.ones(len(returns), dtype=np.int64)
    label[returns > theta + _NOISE] = 2
    label[returns < -(theta + _NOISE)] = 0
    label[np.isnan(returns) | np.isnan(theta)] = -1
    return label


def _standardised(forward, sigma) -> np.ndarray:
    """Forward log return in units of sigma; NaN where sigma is 0 or unknown."""
    out = np.log1p(forward)
    return np.divide(out, sigma, out=np.full_like(out, np.nan), where=sigma > 0)


def _returns_to(close, row) -> np.ndarray:
    forward = close[row] / close - 1.0
    forward[row < 0] = np.nan
    return forward


def _last_rows(segment) -> np.ndarray:
    """Last row of every row's segment, (N,) int64."""
    starts = np.flatnonzero(np.diff(segment, prepend=segment[:1] - 1))
    counts = np.diff(starts, append=len(segment))
    return np.repeat(starts + counts - 1, counts)


def _drawn_bars(candles, window) -> tuple[np.ndarray, np.ndarray]:
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


@numba.njit(cache=True)
def _running_volatility(close, segment, weight):
    out = np.full(close.shape[0], np.nan)
    variance = np.nan
    for t in range(1, close.shape[0]):
        if segment[t] != segment[t - 1]:
            variance = np.nan
            continue
        step = np.log(close[t] / close[t - 1])
        if np.isfinite(step):
            variance = step * step if np.isnan(variance) else (1.0 - weight) * variance + weight * step * step
        out[t] = np.sqrt(variance)
    return out


@numba.njit(cache=True)
def _first_touch(close, high, low, last, sigma, horizon, barriers, stop_first):
    outcome = np.zeros(close.shape[0], dtype=np.int64)
    row = np.full(close.shape[0], -1, dtype=np.int64)
    for t in range(close.shape[0]):
        if not (sigma[t] > 0.0 and close[t] > 0.0):
            continue
        upper = close[t] * (1.0 + barriers[0] * sigma[t])
        lower = close[t] * (1.0 - barriers[1] * sigma[t])
        end = t + horizon
        for j in range(t + 1, min(end, last[t]) + 1):
            up, down = high[j] >= upper, low[j] <= lower
            if up or down:
                outcome[t] = -1 if down else 1
                row[t] = -1 if (up and down and not stop_first) else j
                break
        else:
            if end <= last[t] and not np.isnan(close[end]):
                row[t] = end
    return outcome, row


def _at_least(name, value, least):
    if not value >= least:
        raise ValueError(f"data.label.{name} is {value}; set it to {least} or more.")
    return value


def _above_zero(name, value):
    if not value > 0:
        raise ValueError(f"data.label.{name} is {value}; set it above 0.")
    return value


def _one_of(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"data.label.{name} is {value!r}; choose one of {', '.join(allowed)}.")
    return value
