"""How often the best of many configurations was luck: combinatorially symmetric cross-validation (docs/methods.md, section 9.7)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata


@dataclass(frozen=True)
class Overfit:
    """What choosing the best on one half of the time meant on the other half.

    pbo     probability of backtest overfitting: share of splits whose winner ends in the lower half
    loss    share of splits whose winner has a negative Sharpe ratio on the other half
    slope   of the winner's Sharpe ratio on the other half against the one it was chosen by; NaN if that never varies
    logits  (splits,) ln(ω / (1-ω)) of the winner's relative rank ω, splits in lexicographic order
    """

    pbo: float
    loss: float
    slope: float
    logits: np.ndarray


def backtest_overfitting(returns: np.ndarray, *, blocks: int = 16) -> Overfit:
    """Probability of backtest overfitting of aligned per-bar net returns (T, N).

    blocks  even number of contiguous stretches; the rows left over at the end are dropped.
    Raises ValueError for fewer than two configurations, an odd number of blocks, or blocks below one row.
    Source: Bailey, Borwein, López de Prado & Zhu 2017.
    """
    bars, trials = returns.shape
    if trials < 2:
        raise ValueError(f"overfitting needs at least 2 configurations to choose from, there was {trials}")
    if blocks < 2 or blocks % 2 or bars < blocks:
        raise ValueError(f"blocks was {blocks} for {bars} bars; give an even number from 2 to the number of bars")
    parts = returns[: bars // blocks * blocks].reshape(blocks, -1, trials)
    size, sums, squares = parts.shape[1] * blocks // 2, parts.sum(1), (parts**2).sum(1)
    inside = np.array([np.isin(np.arange(blocks), chosen) for chosen in combinations(range(blocks), blocks // 2)])
    chosen = _ratios(inside @ sums, inside @ squares, size)
    rest = _ratios(~inside @ sums, ~inside @ squares, size)
    winner = chosen.argmax(1)
    every = np.arange(len(winner))
    rank = rankdata(rest.round(12), axis=1)[every, winner] / (trials + 1)
    best, after = chosen[every, winner], rest[every, winner]
    slope = np.polyfit(best, after, 1)[0] if np.ptp(best) > 1e-12 else np.nan
    logits = np.log(rank / (1 - rank))
    return Overfit(float((logits <= 1e-12).mean()), float((after < 0).mean()), float(slope), logits)


def _ratios(total: np.ndarray, squares: np.ndarray, size: int) -> np.ndarray:
    """(splits, N) Sharpe ratios from sums over the bars of a half; -inf where nothing moves."""
    mean = total / size
    variance = (squares - size * mean**2) / (size - 1)
    safe = np.sqrt(np.maximum(variance, 1e-30))
    return np.where(variance > 1e-13 * squares / size, mean / safe, -np.inf)
