"""Ten chart patterns and "no pattern" as knots of a path: one function each, random in all that its textbook leaves open.

A function returns `Shape(time, height, volume)`: knots at `time` from 0 to 1, `height` in units of the pattern's own height,
and how busy trade is at each knot (1 is ordinary). Nothing else about a class is fixed.
Sources: EM = Edwards & Magee, Technical Analysis of Stock Trends; B = Bulkowski (2005), Encyclopedia of Chart Patterns;
LMW = Lo, Mamaysky & Wang (2000), Journal of Finance 55(4), section II.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Rng = np.random.Generator


class Shape(NamedTuple):
    """Knots of a pattern, arrays of equal length."""

    time: np.ndarray
    height: np.ndarray
    volume: np.ndarray


def head_and_shoulders(rng: Rng) -> Shape:
    """Three tops, the middle one highest, troughs on one neckline, then a fall through it; volume dwindles from left to right.

    Source: EM on reversal patterns; LMW definition 1 (shoulders within 1.5 % of each other).
    """
    neck, tilt = rng.uniform(0.2, 0.4), rng.uniform(-0.08, 0.08)
    shoulder = neck + (1 - neck) * rng.uniform(0.4, 0.65)
    height = [
        neck - rng.uniform(0.1, 0.4),
        shoulder + rng.uniform(-0.05, 0.05),
        neck - tilt,
        1.0,
        neck + tilt,
        shoulder + rng.uniform(-0.05, 0.05),
        neck - rng.uniform(0.1, 0.4),
    ]
    return _shape(rng, [1.2, 0.9, 1.0, 1.0, 0.9, 1.2], height, [1.1, 1.5, 1.0, 1.2, 0.8, 0.7, 1.4])


def double_top(rng: Rng) -> Shape:
    """Two tops at one level with a valley between, then a fall below the valley; the second top on lighter volume.

    Source: EM on double and triple tops; B, double tops; LMW definition 5.
    """
    valley = rng.uniform(0.35, 0.6)
    height = [
        valley - rng.uniform(0.2, 0.4),
        1.0,
        valley,
        1.0 + rng.uniform(-0.04, 0.04),
        valley - rng.uniform(0.2, 0.4),
    ]
    return _shape(rng, [1.2, 1.0, 1.0, 1.2], height, [1.0, 1.5, 0.8, 1.0, 1.4], leap=0.5)


def double_bottom(rng: Rng) -> Shape:
    """Two bottoms at one level with a peak between, then a rise above the peak on heavier volume.

    Source: EM on double bottoms; B, double bottoms; LMW definition 5.
    """
    top = double_top(rng)
    return Shape(top.time, 1.0 - top.height, top.volume)


def ascending_triangle(rng: Rng) -> Shape:
    """Tops along a level line, bottoms along a rising one; volume shrinks as they meet.

    Source: EM on triangles; B, ascending triangles; LMW definition 3 and after.
    """
    count = int(rng.integers(6, 9))
    bottoms = np.linspace(0.0, rng.uniform(0.7, 0.85), count)
    tops = 1.0 + rng.uniform(-0.03, 0.03, count)
    low_first = rng.random() < 0.5
    height = np.where(np.arange(count) % 2 == (0 if low_first else 1), bottoms, tops)
    legs = np.linspace(1.3, 0.7, count - 1)
    return _shape(rng, legs, height, np.linspace(1.4, 0.6, count))


def descending_triangle(rng: Rng) -> Shape:
    """Bottoms along a level line, tops along a falling one; volume shrinks as they meet.

    Source: EM on triangles; B, descending triangles.
    """
    up = ascending_triangle(rng)
    return Shape(up.time, 1.0 - up.height, up.volume)


def cup_and_handle(rng: Rng) -> Shape:
    """A rounded bottom between two lips at one level, then a short, shallow drift down; volume dries up in cup and handle.

    Source: O'Neil (1988), How to Make Money in Stocks; B, cup with handle.
    """
    cup = np.linspace(-1.0, 1.0, 15)
    flatness = rng.uniform(1.8, 3.0)
    bowl = np.abs(cup) ** flatness
    bowl[-1] = 1.0 + rng.uniform(-0.06, 0.06)
    dip = rng.uniform(0.18, 0.35)
    height = [bowl[0] - rng.uniform(0.3, 0.6), *bowl, bowl[-1] - dip, bowl[-1] - dip * rng.uniform(0.2, 0.6)]
    volume = [1.1, *(0.6 + 0.8 * np.abs(cup)), 0.7, 0.9]
    legs = [rng.uniform(1.5, 3.0), *np.ones(14), *rng.uniform(1.5, 2.8, 2)]
    return _shape(rng, legs, height, volume)


def bullish_flag(rng: Rng) -> Shape:
    """A steep rise on heavy volume, then a narrow channel that slopes gently down on light volume.

    Source: EM on consolidation formations; B, flags.
    """
    swings = int(rng.integers(4, 7))
    retrace, width = rng.uniform(0.2, 0.4), rng.uniform(0.1, 0.16)
    middle = 1.0 - np.linspace(0.0, retrace, swings + 1)[1:]
    flag = middle + width / 2 * np.where(np.arange(swings) % 2 == 0, -1.0, 1.0)
    pole = rng.uniform(0.25, 0.4)
    legs = [pole, *np.full(swings, (1 - pole) / swings)]
    return _shape(rng, legs, [0.0, 1.0, *flag], [1.5, 1.6, *np.full(swings, 0.7)])


def bearish_flag(rng: Rng) -> Shape:
    """A steep fall on heavy volume, then a narrow channel that slopes gently up on light volume.

    Source: EM on consolidation formations; B, flags.
    """
    bull = bullish_flag(rng)
    return Shape(bull.time, 1.0 - bull.height, bull.volume)


def support_resistance(rng: Rng) -> Shape:
    """Swings between two level lines, several touches of each, still inside at the end; volume as usual.

    Source: EM on support and resistance; LMW definition 4 (rectangles).
    """
    return _shape(rng, *_range(rng, int(rng.integers(6, 10))))


def breakout(rng: Rng) -> Shape:
    """Swings between two level lines, then a rise out of them that holds, on a burst of volume.

    Source: EM on rectangles; B, rectangle breakouts.
    """
    legs, height, volume = _range(rng, int(rng.integers(5, 8)))
    top = 1.0 + rng.uniform(0.9, 1.3)
    end = top + rng.uniform(-0.15, 0.1)
    return _shape(rng, [*legs, rng.uniform(1.0, 1.6), rng.uniform(0.8, 1.5)], [*height, top, end], [*volume, 1.9, 1.2])


def no_pattern(rng: Rng) -> Shape:
    """A few random turns: what is left when nobody planned anything."""
    count = int(rng.integers(5, 10))
    return _shape(rng, np.ones(count - 1), np.cumsum(rng.normal(0, 0.5, count)), rng.uniform(0.7, 1.5, count))


PATTERNS = (
    head_and_shoulders,
    double_top,
    double_bottom,
    ascending_triangle,
    descending_triangle,
    cup_and_handle,
    bullish_flag,
    bearish_flag,
    support_resistance,
    breakout,
    no_pattern,
)  # the place of each is its class id
NAMES = (*(pattern.__name__ for pattern in PATTERNS[:-1]), "none")
DIRECTIONS = (-1, -1, 1, 1, -1, 1, 1, -1, 0, 1, 0)  # what the textbooks expect to follow: 1 a rise, -1 a fall


def _range(rng, count) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Legs, heights and volume of swings between 0 and 1."""
    side = (np.arange(count) + int(rng.integers(0, 2))) % 2
    return np.ones(count - 1), side + rng.uniform(-0.05, 0.05, count), rng.uniform(0.8, 1.2, count)


def _shape(rng, legs, height, volume, *, leap=0.35) -> Shape:
    """Knots whose legs take about the given times; `leap` is how unequal they may become (0: exactly as given)."""
    legs = np.asarray(legs, float) * np.exp(rng.uniform(-leap, leap, len(legs)))
    time = np.concatenate(([0.0], np.cumsum(legs))) / legs.sum()
    height = np.asarray(height, float)
    height = (height - height.min()) / np.ptp(height)
    return Shape(time, height, np.asarray(volume, float))
