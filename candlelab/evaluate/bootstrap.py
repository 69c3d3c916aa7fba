"""Resampling whole stretches of time, so that what hangs together stays together.

A draw is written as counts: how often each instant or block occurs in it. Sums over a resampled
series are then products with these counts, and no series is ever copied.
"""

from __future__ import annotations

import numpy as np


def stationary_indices(size: int, mean_block: float, rng: np.random.Generator) -> np.ndarray:
    """(T,) indices of one stationary-bootstrap draw: geometric blocks, wrapped at the end.

    mean_block  mean block length in instants, at least 1. Source: Politis & Romano 1994.
    """
    fresh = rng.random(size) < 1 / max(1.0, mean_block)
    fresh[0] = True
    begin = np.flatnonzero(fresh)
    start = rng.integers(size, size=len(begin))
    return (np.arange(size) + np.repeat(start - begin, np.diff(np.r_[begin, size]))) % size


def stationary_counts(size: int, mean_block: float, rng: np.random.Generator) -> np.ndarray:
    """(T,) how often each instant occurs in one stationary-bootstrap draw; sums to T."""
    return np.bincount(stationary_indices(size, mean_block, rng), minlength=size)


def block_of(instant: np.ndarray, instants: int, at_least: int, blocks: int = 500) -> np.ndarray:
    """(n,) number of the calendar block of each row: about `blocks` equal stretches, none shorter than `at_least`."""
    return instant // max(1, at_least, -(-instants // blocks))


def block_counts(blocks: int, n_bootstrap: int, rng: np.random.Generator) -> np.ndarray:
    """(n_bootstrap, blocks) how often each block occurs in each draw with replacement."""
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=n_bootstrap)


def sharpe_error(returns: np.ndarray, mean_block: float, n_bootstrap: int, rng: np.random.Generator) -> float:
    """Standard error of the Sharpe ratio by stationary bootstrap."""
    size = len(returns)
    ratios = np.empty(n_bootstrap)
    for draw in range(n_bootstrap):
        sample = returns[stationary_indices(size, mean_block, rng)]
        ratios[draw] = sample.mean() / max(sample.std(ddof=1), 1e-15)
    return float(ratios.std(ddof=1))
