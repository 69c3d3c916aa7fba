"""How long the exact threshold search takes beside a vectorised search over twenty thresholds."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from candlelab.evaluate.rows import Rows
from candlelab.evaluate.threshold.curve import Sweep, Trades

COST = 0.001


def trades_of_noise(size: int, seed: int) -> Trades:
    """Three-class softmax confidences and returns of one symbol, nothing to be found in them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([1, 1, 1], size)
    zero = np.zeros(size, np.int64)
    rows = Rows(60_000 * np.arange(size), zero, zero, 1, "1m")
    return Trades(p.max(1), (p.argmax(1) - 1).astype(np.int8), rng.normal(0, 1e-3, size), rows, COST)


def exact_search(trades: Trades) -> float:
    """Highest net Sharpe ratio of all distinct thresholds."""
    return float(np.nanmax(Sweep.over(trades).curve().sharpe))


def grid_search(trades: Trades, thresholds: np.ndarray) -> float:
    """Highest net Sharpe ratio of the given thresholds, a few array operations for each."""
    best = -np.inf
    for threshold in thresholds:
        signal = np.where(trades.score >= threshold, trades.direction, 0)
        net = signal * trades.bar_return - trades.cost * np.abs(np.diff(signal, prepend=0))
        net[-1] -= trades.cost * abs(signal[-1])
        best = max(best, net.mean() / net.std(ddof=1))
    return float(best)


def shortest_time(search: Callable[[], float], repeats: int) -> float:
    """Shortest of several runs."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        search()
        took.append(time.perf_counter() - start)
    return min(took)


def bench_threshold(
    *, size: int = 1_000_000, thresholds: int = 20, repeats: int = 5, seed: int = 0
) -> dict[str, float]:
    """Seconds of both searches over the same predictions in one run, the exact one after compilation.

    Returns predictions, candidates tried, exact_seconds, grid_seconds, ratio (below 1: exact is quicker),
    exact_sharpe and grid_sharpe per bar.
    """
    exact_search(trades_of_noise(1000, seed))
    trades = trades_of_noise(size, seed)
    values = np.quantile(trades.score, np.arange(thresholds) / thresholds)
    exact = shortest_time(lambda: exact_search(trades), repeats)
    grid = shortest_time(lambda: grid_search(trades, values), repeats)
    return {
        "predictions": size,
        "candidates": len(Sweep.over(trades).threshold),
        "exact_seconds": exact,
        "grid_seconds": grid,
        "ratio": exact / grid,
        "exact_sharpe": exact_search(trades),
        "grid_sharpe": grid_search(trades, values),
    }
