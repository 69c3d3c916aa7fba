"""Synthetic markets with one planted, visible rule of known strength: what a net has to find before its silence counts.

Each bar's size comes from stochastic volatility (log AR(1)) with Student-t shocks, its shadows from exponential draws, its
volume from its range, a slow murmur and rare bursts. Its direction is a coin: P(up) = 0.5 + edge · lean of the bars before it,
with the edge that gives the asked AUROC to somebody who knows the rule.
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import Literal, get_args

import numpy as np

from candlelab.core.bayes import best_possible, expected_auroc
from candlelab.core.blocks import at_rows
from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.compiled import compiled
from candlelab.core.errors import UserError
from candlelab.core.interval import check_interval
from candlelab.data.made_up import check_bars, check_volatility, market_names, markets_side_by_side, open_times

PlantedWorld = Literal[
    "place", "reversal", "shape", "volume", "order", "mixture", "calendar", "none", "earlier_shape", "height", "colours"
]
WORLDS: tuple[PlantedWorld, ...] = get_args(PlantedWorld)
PLACE, REVERSAL, SHAPE, VOLUME, ORDER, MIXTURE, CALENDAR, NONE, EARLIER_SHAPE, HEIGHT, COLOURS = range(11)
PRICE = 100.0
MURMUR, JITTER = 0.98, 0.1  # of the log volatility
WILDER = 2.0  # times the log volatility in the world `height`: raw moves of calm and wild stretches differ by a factor of ten and more
FREEDOM = 4
LARGEST = 0.3  # cap on one bar's move
OTHERWISE = -0.12  # so that as many bars go up as down, when one bar in nine is a hammer
WEEK = 168  # entries of the hidden timetable: longer than any window shows twice
CALIBRATION, ROUNDS = 50_000, 3  # bars and rounds in which the edge is fitted to the asked AUROC


class Planted:
    """Made-up markets: the same settings always give the same bars, one independent history per symbol.

    world    place: the close near the bottom (up) or top (down) of the last `feature_window` bars. reversal: against the last candle.
             shape: a long lower shadow and a close on top (up). volume: a bar of heavy (up) or thin trade.
             order: the sign of the last bar times that of the one two before. mixture: all five at once.
             calendar: a timetable of 168 bars that no chart shows. none: nothing.
             earlier_shape: of the bar before the last, a long lower shadow and a close on top (up), or a long upper one and a
             close at the bottom (down): a chart shows it, a table of returns and ranges does not.
             height: how low the close stands in the range of the last `feature_window` bars, in proportion: a line in numbers
             scaled by that range, while calm and wild stretches differ by a factor of ten.
             colours: the product of the signs of the three newest bars; two of them say nothing.
    auroc    of somebody who knows the rule; the most that can be found.
    feature_window  bars that place, height and volume look at.
    """

    from_settings_alone = True
    symbol_by_symbol: Literal[True] = True

    seed: int
    bars: int
    volatility: float
    auroc: float
    feature_window: int

    def __init__(
        self,
        *,
        seed: int,
        bars: int,
        volatility: float,
        world: PlantedWorld,
        auroc: float,
        feature_window: int,
    ) -> None:
        check_bars(bars, "bars")
        check_volatility(volatility)
        if world not in WORLDS:
            raise UserError(f"data.source.world is {world!r}; choose one of {', '.join(WORLDS)}.")
        if not 0.5 <= auroc <= 0.65:
            raise UserError(f"data.source.auroc is {auroc}; set it between 0.5 and 0.65.")
        if feature_window < 2:
            raise UserError(f"data.source.feature_window is {feature_window} bars; set it to 2 or more.")
        self.seed, self.bars, self.volatility = seed, bars, volatility
        self.world, self.auroc, self.feature_window = world, auroc, feature_window
        self.interval: str | None = None

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Bars of each symbol from `start` on, open times before `end`, ms UTC."""
        self.interval = check_interval(interval)
        time = open_times(self.interval, start, end, self.bars)
        names = market_names(symbols, len(time))
        columns = [
            _history(self._kind, self.edge, self.feature_window, self.volatility, self._key(name), len(time))
            for name in names
        ]
        return markets_side_by_side(names, self.interval, time, columns)

    @property
    def edge(self) -> float:
        """What a full lean adds to P(up) = 0.5."""
        return 0.0 if self.world == "none" else edge_of(self._kind, self.auroc, self.feature_window, self.volatility)

    def bayes(self, candles: Candles) -> np.ndarray:
        """Probability that the next close is higher, knowing this world's rule; (N,), NaN where it cannot be told.

        It cannot be told in the first bars of a segment, or when the bars were joined to a coarser interval.
        """
        if self.interval is not None and candles.interval != self.interval:
            return np.full(len(candles), np.nan)
        lean = leans(self._kind, *prices_of(candles), candles.position, self.feature_window)
        return 0.5 + self.edge * lean

    def optimum(self, candles: Candles, rows: np.ndarray) -> dict[str, float]:
        """Best expected accuracy and AUROC on the given rows for the direction of the next bar; NaN rows are left out."""
        return best_possible(at_rows(self.bayes, candles, rows))

    @property
    def _kind(self) -> int:
        return WORLDS.index(self.world)

    def _key(self, symbol: str) -> tuple[int, int]:
        return self.seed, zlib.crc32(symbol.encode())


def prices_of(candles: Candles) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Open, high, low, close and volume of a tape."""
    return candles.open, candles.high, candles.low, candles.close, candles.volume


@cache
def edge_of(kind: int, auroc: float, feature_window: int, volatility: float) -> float:
    """The edge that gives `auroc` to somebody who knows the rule, fitted on long markets: an edge changes how often it fires."""
    edge = 0.0
    for _ in range(ROUNDS):
        columns = _history(kind, edge, feature_window, volatility, (0, kind), CALIBRATION)
        opened, high, low, close, volume = columns.values()
        lean = leans(kind, opened, high, low, close, volume, np.arange(CALIBRATION), feature_window)
        edge = _edge_for(lean[np.isfinite(lean)], auroc)
    return edge


def _edge_for(lean: np.ndarray, auroc: float) -> float:
    low, high = 0.0, 0.5
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if expected_auroc(lean, 0.5 + middle * lean) < auroc else (low, middle)
    return low


def _history(
    kind: int, edge: float, feature_window: int, volatility: float, key: tuple[int, int], count: int
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(key)
    noise = (
        rng.random(count),
        rng.standard_t(FREEDOM, count) * np.sqrt((FREEDOM - 2) / FREEDOM),
        rng.standard_exponential((count, 2)),
        rng.standard_normal((count, 2)),
        rng.random(count),
    )
    columns = tuple(np.empty(count) for _ in range(5))
    _draw_bars(kind, edge, feature_window, volatility, noise, *columns)
    return dict(zip(OHLCV, columns, strict=True))


@compiled
def leans(
    kind: int,
    open_: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
    close: np.ndarray,
    volume: np.ndarray,
    position: np.ndarray,
    feature_window: int,
) -> np.ndarray:
    """Which way the rule leans after each row, -1 to 1; (N,), NaN in the first `feature_window` rows of a segment."""
    out = np.full(close.shape[0], np.nan)
    for t in range(close.shape[0]):
        if position[t] >= feature_window:
            out[t] = lean_at(kind, open_, high, low, close, volume, t, feature_window)
    return out


@compiled
def lean_at(kind, open_, high, low, close, volume, t, feature_window):
    if kind == PLACE:
        return _place(high, low, close, t, feature_window)
    if kind == REVERSAL:
        return -np.sign(close[t] - open_[t])
    if kind == SHAPE:
        return _shape(open_[t], high[t], low[t], close[t])
    if kind == EARLIER_SHAPE:
        return _shadows(open_[t - 1], high[t - 1], low[t - 1], close[t - 1])
    if kind == HEIGHT:
        return _height(high, low, close, t, feature_window)
    if kind == COLOURS:
        return np.sign((close[t] - open_[t]) * (close[t - 1] - open_[t - 1]) * (close[t - 2] - open_[t - 2]))
    if kind == VOLUME:
        return _heavy(volume, t, feature_window)
    if kind == ORDER:
        return np.sign(close[t] - open_[t]) * np.sign(close[t - 2] - open_[t - 2])
    if kind == CALENDAR:
        return 1.0 if (t % WEEK) * 2654435761 % 4294967296 < 2147483648 else -1.0
    if kind == MIXTURE:
        total = 0.0
        for one in range(5):
            total += lean_at(one, open_, high, low, close, volume, t, feature_window)
        return total / 5
    return 0.0


@compiled
def _place(high, low, close, t, feature_window):
    top, bottom = high[t], low[t]
    for j in range(t - feature_window + 1, t):
        top, bottom = max(top, high[j]), min(bottom, low[j])
    place = (close[t] - bottom) / (top - bottom)
    return 1.0 if place <= 0.25 else (-1.0 if place >= 0.75 else 0.0)


@compiled
def _height(high, low, close, t, feature_window):
    """1 for a close at the bottom of the window's range, -1 at the top, in proportion between them."""
    top, bottom = high[t], low[t]
    for j in range(t - feature_window + 1, t):
        top, bottom = max(top, high[j]), min(bottom, low[j])
    return 1.0 - 2.0 * (close[t] - bottom) / (top - bottom)


@compiled
def _shape(opened, top, bottom, closed):
    """1 for a lower shadow of half the range or more with the close in the top 40 %, a little below 0 for any other bar."""
    span = top - bottom
    hammer = min(opened, closed) - bottom >= 0.5 * span and closed >= top - 0.4 * span
    return 1.0 if hammer else OTHERWISE


@compiled
def _shadows(opened, top, bottom, closed):
    """1 as for `_shape`, -1 for its mirror image, 0 for any other bar."""
    span = top - bottom
    if min(opened, closed) - bottom >= 0.5 * span and closed >= top - 0.4 * span:
        return 1.0
    return -1.0 if top - max(opened, closed) >= 0.5 * span and closed <= bottom + 0.4 * span else 0.0


@compiled
def _heavy(volume, t, feature_window):
    ratio = volume[t] / volume[t - feature_window + 1 : t + 1].mean()
    return 1.0 if ratio >= 1.4 else (-1.0 if ratio <= 0.5 else 0.0)


@compiled
def _draw_bars(kind, edge, feature_window, volatility, noise, open_, high, low, close, volume):
    """Fill the columns from the first row to the last."""
    coin, shock, shadow, normal, rare = noise
    level, murmur = 0.0, 0.0
    for t in range(close.shape[0]):
        level = MURMUR * level + JITTER * normal[t, 0]
        murmur = 0.7 * murmur + 0.3 * normal[t, 1]
        sigma = volatility * np.exp(level * WILDER if kind == HEIGHT else level)
        open_[t] = close[t - 1] if t else PRICE
        lean = lean_at(kind, open_, high, low, close, volume, t - 1, feature_window) if t > feature_window else 0.0
        move = min(max(sigma * abs(shock[t]), 1e-3 * volatility), LARGEST)
        close[t] = open_[t] * (1.0 + (move if coin[t] < 0.5 + edge * lean else -move))
        high[t] = max(open_[t], close[t]) * (1.0 + 0.5 * sigma * shadow[t, 0])
        low[t] = min(open_[t], close[t]) * max(1.0 - 0.5 * sigma * shadow[t, 1], 0.5)
        burst = 1.0 + 3.0 * shadow[t, 0] if rare[t] < 0.04 else 1.0
        volume[t] = 50.0 * burst * np.exp(murmur) * (0.3 + (high[t] - low[t]) / open_[t] / volatility)
