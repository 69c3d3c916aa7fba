"""Limit of detection: how large a planted edge had to be for a model to find it, beside what its test rows could show.

Sizes are AUROC above one half of somebody who knows the planted rule, so that rules can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

FALSE_ALARMS = 0.025  # share of "yes" where nothing was planted: one side of a 95 % interval
POWER = 0.8
GRID = 200  # middles and widths tried


@dataclass(frozen=True)
class DetectionCurve:
    """Detection rate by size: 0.025 + 0.975 Φ((size - middle) / width), which never falls."""

    middle: float
    width: float

    def rate(self, size: np.ndarray) -> np.ndarray:
        """Detection rate at some sizes; shape of `size`."""
        return FALSE_ALARMS + (1 - FALSE_ALARMS) * ndtr((size - self.middle) / self.width)

    def limit(self, power: float = POWER) -> float:
        """The size that is found with this power."""
        return float(self.middle + self.width * ndtri((power - FALSE_ALARMS) / (1 - FALSE_ALARMS)))


@dataclass(frozen=True)
class Sensitivity:
    """What a model found of one rule planted at several sizes.

    sizes     (m,) planted; found: (m,) worlds in which the verdict said yes; worlds: (m,) trained
    smallest  the size that the test rows show with 80 % power to somebody who knows the rule
    """

    model: str
    rule: str
    sizes: tuple[float, ...]
    found: tuple[int, ...]
    worlds: tuple[int, ...]
    smallest: float

    @property
    def curve(self) -> DetectionCurve:
        """The fitted detection rate."""
        return fit_curve(np.array(self.sizes), np.array(self.found), np.array(self.worlds))

    @property
    def limit(self) -> float | None:
        """The smallest size found with 80 % power; None where it lies beyond the largest one planted."""
        found = self.curve.limit()
        return found if found <= max(self.sizes) else None

    def sentence(self) -> str:
        """What this model could have found, and what the rows could have shown."""
        could = f"though these rows could show {100 * self.smallest:.1f} to somebody who knows the rule"
        if self.limit is None:
            most = f"not even {100 * max(self.sizes):.1f} points of AUROC are found in 80 of 100 worlds"
            return f"{self.model}, {self.rule}: {most}, {could}."
        if self.limit <= 1.05 * self.smallest:
            return f"{self.model}, {self.rule}: it finds {100 * self.limit:.1f} points of AUROC or more, about all that these rows could show."
        return (
            f"{self.model}, {self.rule}: no edge of {100 * self.limit:.1f} points of AUROC or more would have been missed in 80 of 100 "
            f"worlds; smaller ones this model could not have seen, {could}."
        )


def fit_curve(size: np.ndarray, found: np.ndarray, worlds: np.ndarray) -> DetectionCurve:
    """Maximum-likelihood psychometric curve of counts `found` of `worlds` at each size; (m,) each.

    Widths are at least a twentieth of the largest size, so that a step between two sizes lies between them.
    """
    most = float(size.max())
    middles, widths = np.linspace(0, 3 * most, GRID), most * np.geomspace(0.05, 3, GRID // 4)
    middle, width = (grid.ravel() for grid in np.meshgrid(middles, widths))
    rate = FALSE_ALARMS + (1 - FALSE_ALARMS) * ndtr((size - middle[:, None]) / width[:, None])
    rate = np.clip(rate, 1e-9, 1 - 1e-9)
    fits = (found * np.log(rate) + (worlds - found) * np.log(1 - rate)).sum(1)
    best = np.flatnonzero(fits >= fits.max() - 1e-9)
    chosen = best[len(best) // 2]  # of equally likely ones, the middle
    return DetectionCurve(float(middle[chosen]), float(width[chosen]))


def all_monotone(found: Sequence[Sensitivity]) -> bool:
    """Whether no smaller edge was found more often than a larger one by more than two standard errors of the counts."""
    for each in found:
        rates = np.array(each.found) / np.array(each.worlds)
        spread = np.sqrt(0.25 / np.array(each.worlds))
        for k in range(1, len(rates)):
            if (rates[:k] - rates[k] > 2 * np.hypot(spread[:k], spread[k])).any():
                return False
    return True
