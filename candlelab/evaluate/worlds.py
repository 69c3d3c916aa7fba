"""Monte Carlo simulation of markets and answers whose truth is known, to test the intervals and the verdict.

Dimensions: S symbols, T bars, n = S T rows sorted by symbol, then time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, get_args

import numpy as np
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.special import ndtr

from candlelab.evaluate.rows import Rows

Market = Literal["plain", "ties", "drift", "calm and lively"]
MARKETS = get_args(Market)
SIGMA = 0.01  # standard deviation of a bar's log return
TOGETHER = 0.7  # share of the variance that symbols have in common
ANSWERED_TOGETHER = 0.5  # the same of what a model says of them
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class World:
    """A kind of market, and a kind of model that looks at it.

    horizon     bars the label looks ahead
    symbols     how many move together
    memory      first-order autocorrelation of what the model says from bar to bar
    market      plain; ties: prices in coarse steps, about a quarter of the moves is 0; drift: prices rise; calm and lively:
                volatility comes in stretches, and labels have a neutral class
    two_valued  whether the model says up or down only, never how sure it is
    """

    horizon: int
    symbols: int
    memory: float
    market: Market
    two_valued: bool

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""
        return ("down", "neutral", "up") if self.market == "calm and lively" else ("down", "up")

    @property
    def key(self) -> tuple[int, ...]:
        """Numbers that tell one world from another: the start of its random numbers."""
        return self.horizon, self.symbols, int(1000 * self.memory), MARKETS.index(self.market), int(self.two_valued)


@dataclass(frozen=True)
class Sample:
    """One history: rows, label (n,) with -1 for a dropped tie, forward return (n,) as a log, and each bar's own (n,) simple."""

    world: World
    rows: Rows
    label: np.ndarray
    forward: np.ndarray
    bar_return: np.ndarray

    @cached_property
    def moved(self) -> np.ndarray:
        """(n,) True where there is a direction to know."""
        return (self.label == 0) | (self.label == len(self.world.classes) - 1)


def draw_world(world: World, bars: int, rng: np.random.Generator) -> Sample:
    """A history of so many bars per symbol."""
    steps = log_returns(world, bars + world.horizon, rng)
    path = np.concatenate([np.zeros((world.symbols, 1)), np.cumsum(steps, 1)], 1)
    if world.market == "ties":
        tick = 0.6 * SIGMA * np.sqrt(world.horizon)
        path = np.round(path / tick) * tick
    forward = (path[:, world.horizon : world.horizon + bars] - path[:, :bars]).ravel()
    bar_return = np.expm1(np.diff(path)[:, :bars]).ravel()
    return Sample(world, grid(world.symbols, bars, world.horizon), labels(world, forward), forward, bar_return)


@lru_cache(maxsize=4)
def grid(symbols: int, bars: int, horizon: int) -> Rows:
    """Where the rows of so many symbols stand; the histories of one kind share it, and all that is worked out from it."""
    symbol, time = np.repeat(np.arange(symbols), bars), np.tile(HOUR_MS * np.arange(bars), symbols)
    return Rows(time, symbol, symbol, horizon, "1h")


def log_returns(world: World, bars: int, rng: np.random.Generator) -> np.ndarray:
    """(S, T) fat-tailed log returns that partly move together."""
    common, own = rng.standard_t(6, (1, bars)), rng.standard_t(6, (world.symbols, bars))
    steps = SIGMA * np.sqrt(4 / 6) * (np.sqrt(TOGETHER) * common + np.sqrt(1 - TOGETHER) * own)
    if world.market == "calm and lively":
        steps *= np.exp(0.5 * remembered(1, bars, 0.98, 0.0, rng))
    return steps + (0.1 * SIGMA if world.market == "drift" else 0.0)


def labels(world: World, forward: np.ndarray) -> np.ndarray:
    """(n,) class of each forward log return: up or down with ties dropped, or with a neutral middle."""
    if len(world.classes) == 3:
        theta = 0.5 * SIGMA * np.sqrt(world.horizon)
        return np.digitize(forward, [-theta, theta])
    return np.where(np.abs(forward) < 1e-12, -1, (forward > 0).astype(int))


def remembered(series: int, bars: int, memory: float, together: float, rng: np.random.Generator) -> np.ndarray:
    """(series, bars) standard normal with first-order memory, partly common to all series."""
    noise = np.sqrt(together) * rng.normal(size=(1, bars)) + np.sqrt(1 - together) * rng.normal(size=(series, bars))
    noise[:, 1:] *= np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], noise)


def lean(sample: Sample, skill: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) what a model says: above 0 for up, the surer the larger.

    skill  correlation with the forward return; 0 knows nothing.
    """
    world = sample.world
    bars = len(sample.label) // world.symbols
    idle = remembered(world.symbols, bars, world.memory, ANSWERED_TOGETHER, rng).ravel()
    said = np.sqrt(1 - skill**2) * idle + skill * standard_returns(sample.forward)
    return np.sign(said) if world.two_valued else said


def standard_returns(forward: np.ndarray) -> np.ndarray:
    """(n,) forward returns less their mean, in standard deviations."""
    return (forward - forward.mean()) / forward.std()


def probabilities(sample: Sample, said: np.ndarray, stir: np.ndarray | None = None) -> np.ndarray:
    """(n, K) class probabilities of what a model says; stir (n,) moves the neutral class of three."""
    up = ndtr(0.1 * said)
    if len(sample.world.classes) == 2:
        return np.stack([1 - up, up], 1)
    neutral = 0.2 + 0.2 * ndtr(stir)
    return np.stack([(1 - neutral) * (1 - up), neutral, (1 - neutral) * up], 1)


def skill_for(world: World, area: float, rng: np.random.Generator, size: int = 20_000) -> float:
    """The skill at which `lean` has this AUROC of up against down."""
    sample = draw_world(World(**{**vars(world), "symbols": 1}), size, rng)
    z = standard_returns(sample.forward)
    up, down = (rng.permutation(z[sample.label == k]) for k in (len(world.classes) - 1, 0))
    pairs = min(len(up), len(down))

    def reached(skill: float) -> float:
        unit = skill / np.sqrt(1 - skill**2)
        if world.two_valued:
            return (ndtr(unit * up).mean() + ndtr(-unit * down).mean()) / 2
        return ndtr(unit * (up[:pairs] - down[:pairs]) / np.sqrt(2)).mean()

    return float(brentq(lambda skill: reached(skill) - area, 0.0, 0.99))
