"""A market whose secret is known: made-up bars with an edge of chosen size behind a feature anybody can see.

Each bar's size comes from a volatility that clusters (GARCH(1,1) with Student-t shocks), its highs and lows from a path
inside the bar, its volume follows the size of its move. Its direction is a coin: P(up) = 0.5, and 0.5 + edge or 0.5 - edge
where the feature of the bars before it fires. Prices are a martingale at edge 0 and no close ever repeats the one before.
"""

from __future__ import annotations

import math
import zlib
from typing import Literal

import numpy as np

from candlelab.core.bayes import best_possible
from candlelab.core.blocks import at_rows
from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.compiled import compiled
from candlelab.core.errors import UserError
from candlelab.core.interval import check_interval
from candlelab.data.made_up import check_bars, check_volatility, market_names, markets_side_by_side, open_times

FEATURES = ("close_position", "sequence")
PRICE = 10_000.0
STEPS = 12  # steps of the path inside a bar
BLOCK = 4096  # bars drawn at a time; a longer history begins with the same bars
ARCH, GARCH, FREEDOM = 0.06, 0.92, 5
LARGEST = 0.3  # cap on one bar's move


class Simulated:
    """Made-up markets: the same settings always give the same bars, one independent history per symbol.

    bars            bars per symbol at most; None takes all from start to end.
    volatility      standard deviation of one bar's return in the long run.
    edge            what the feature adds to P(up) = 0.5 of the next bar; negative turns it round; 0 is a random walk.
    feature         close_position: the close lies in the bottom (up) or top (down) quarter of the range of the last
                    `feature_window` bars. sequence: more of the last `feature_window` moves were up in their first half
                    than in their second (up), or fewer (down): only their order tells.
    """

    from_settings_alone = True
    symbol_by_symbol: Literal[True] = True

    seed: int
    bars: int | None
    volatility: float
    edge: float
    feature_window: int

    def __init__(
        self,
        *,
        seed: int,
        bars: int | None,
        volatility: float,
        edge: float,
        feature: Literal["close_position", "sequence"],
        feature_window: int,
    ):
        check_bars(math.inf if bars is None else bars, "bars")
        check_volatility(volatility)
        if not -0.5 <= edge <= 0.5:
            raise UserError(f"edge is {edge}; set it between -0.5 and 0.5.")
        if feature not in FEATURES:
            raise UserError(f"feature is {feature!r}; choose one of {', '.join(FEATURES)}.")
        if feature_window < 2:
            raise UserError(f"feature_window is {feature_window} bars; set it to 2 or more.")
        self.seed, self.bars, self.volatility, self.edge = seed, bars, volatility, edge
        self.feature, self.feature_window = feature, feature_window
        self.interval: str | None = None

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Bars of each symbol from `start` on, open times before `end`, ms UTC.

        Raises UserError if neither `bars` nor `end` says where to stop, if no symbol is asked, or for more bars than can be held.
        """
        self.interval = check_interval(interval)
        time = open_times(self.interval, start, end, self.bars)
        names = market_names(symbols, len(time))
        columns = [self._history(name, len(time)) for name in names]
        return markets_side_by_side(names, self.interval, time, columns)

    def bayes(self, candles: Candles) -> np.ndarray:
        """Probability that the next close is higher, knowing this world's rule; (N,), NaN where it cannot be told.

        It cannot be told in the first bars of a segment, where a bar the feature needs was removed, or when the bars were
        joined to a coarser interval.
        """
        if self.interval is not None and candles.interval != self.interval:
            return np.full(len(candles), np.nan)
        sides = _sides(self._kind, candles.high, candles.low, candles.close, candles.position, self.feature_window)
        return 0.5 + self.edge * sides

    def optimum(self, candles: Candles, rows: np.ndarray) -> dict[str, float]:
        """Best expected accuracy and AUROC on the given rows for the direction of the next bar; NaN rows are left out."""
        return best_possible(at_rows(self.bayes, candles, rows))

    @property
    def _kind(self) -> int:
        return FEATURES.index(self.feature)

    def _history(self, symbol: str, count: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.seed, zlib.crc32(symbol.encode())])
        columns = [np.empty(count) for _ in range(5)]
        variance = self.volatility**2
        for first in range(0, count, BLOCK):
            noise = (
                rng.random(BLOCK),
                rng.standard_t(FREEDOM, BLOCK) * np.sqrt((FREEDOM - 2) / FREEDOM),
                rng.standard_normal((BLOCK, STEPS)),
                rng.standard_normal(BLOCK),
            )
            stop = min(first + BLOCK, count)
            rule = (self._kind, self.feature_window, self.edge, self.volatility)
            variance = _draw_bars(first, stop, variance, rule, noise, *columns)
        return dict(zip(OHLCV, columns, strict=True))


@compiled
def _side(kind, high, low, close, t, window):
    """1, -1 or 0: which way the last bars up to row t point; NaN if one of them is missing."""
    if kind == 0:
        top, bottom = high[t - window + 1], low[t - window + 1]
        for j in range(t - window + 1, t + 1):
            if np.isnan(close[j]):
                return np.nan
            top, bottom = max(top, high[j]), min(bottom, low[j])
        place = (close[t] - bottom) / (top - bottom)
        return 1.0 if place <= 0.25 else (-1.0 if place >= 0.75 else 0.0)
    half = window // 2
    balance = 0.0
    for k in range(half):
        early, late = t - window + 1 + k, t - k
        balance += np.sign(close[early] - close[early - 1]) - np.sign(close[late] - close[late - 1])
    return np.sign(balance)


@compiled
def _rows_needed(kind, window):
    """Rows before the newest one that the feature reads."""
    return window - 1 if kind == 0 else window


@compiled
def _sides(kind, high, low, close, position, window):
    out = np.full(close.shape[0], np.nan)
    for t in range(close.shape[0]):
        if position[t] >= _rows_needed(kind, window):
            out[t] = _side(kind, high, low, close, t, window)
    return out


@compiled
def _draw_bars(first, stop, variance, rule, noise, open_, high, low, close, volume):
    """Fill rows first..stop-1 of the columns; returns the variance of the bar after them."""
    kind, window, edge, volatility = rule
    coin, shock, path, murmur = noise
    ordinary = volatility * volatility
    for t in range(first, stop):
        i = t - first
        open_[t] = close[t - 1] if t else PRICE
        up = 0.5 + (edge * _side(kind, high, low, close, t - 1, window) if t > _rows_needed(kind, window) else 0.0)
        sigma = np.sqrt(variance)
        move = min(max(sigma * abs(shock[i]), 1e-3 * volatility), LARGEST)
        close[t] = open_[t] * (1.0 + (move if coin[i] < up else -move))
        high[t], low[t] = _extremes(open_[t], close[t], sigma, path[i])
        volume[t] = 100.0 * (0.3 + move / volatility) * np.exp(0.35 * murmur[i])
        variance = (1.0 - ARCH - GARCH) * ordinary + ARCH * move * move + GARCH * variance
    return variance


@compiled
def _extremes(start, stop, sigma, steps):
    """Highest and lowest price of a random path inside the bar that begins at `start` and ends at `stop`."""
    total, so_far = steps.sum(), 0.0
    drift, scale = np.log(stop / start), sigma / np.sqrt(steps.shape[0])
    highest, lowest = max(start, stop), min(start, stop)
    for k in range(steps.shape[0]):
        so_far += steps[k]
        share = (k + 1.0) / steps.shape[0]
        price = start * np.exp(share * drift + scale * (so_far - share * total))
        highest, lowest = max(highest, price), min(lowest, price)
    return highest, lowest
