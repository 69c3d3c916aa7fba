"""Plausibility of earnings: are they what being right so often earns on moves of that size?"""

from __future__ import annotations

import numpy as np

from candlelab.evaluate.classification import Scored
from candlelab.evaluate.intervals import wilson
from candlelab.evaluate.threshold.curve import Trades


def earned_over_explained(
    signal: np.ndarray, trades: Trades, label: np.ndarray, classes: int, confidence_level: float
) -> Scored:
    """gross_over_explained: the mean gross return of traded bars over what the share of right labels explains.

    Explained is (2 p - 1) times the mean move, p the upper end of the interval of the share right among traded rows whose
    label is up or down, at least what luck gives. Knowing which moves are large makes it 2 at most in any honest case known;
    far above that, the returns are not those of the labels. NaN without such rows. label (n,) int, -1 where there is none.
    """
    taken = (signal != 0) & (trades.bar_return != 0) & ((label == 0) | (label == classes - 1))
    size = int(taken.sum())
    if size < 2:
        return {"gross_over_explained": np.nan}
    right = float((label[taken] == np.where(signal[taken] > 0, classes - 1, 0)).mean())
    _, high = wilson(right, size, confidence_level)
    edge = max(2 * high - 1, 1 / np.sqrt(size))
    gain, move = float((signal * trades.bar_return)[taken].mean()), float(np.abs(trades.bar_return[taken]).mean())
    return {"gross_over_explained": gain / (edge * move)}
