"""What the benchmark compares is comparable."""

import numpy as np
import pytest

from candlelab.evaluate.threshold.grid import Grid
from candlelab.task.bench.threshold import bench_threshold, grid_search, trades_of_noise


def test_the_bench_reports_both_searches():
    found = bench_threshold(size=3000, repeats=1)
    assert found["exact_sharpe"] >= found["grid_sharpe"] - 1e-12 and found["candidates"] > 1000


def test_the_vectorised_search_is_the_same_search():
    trades = trades_of_noise(2000, 1)
    grid = Grid(score="confidence", grid="constants", min_trades=1, smooth=0.0, n_bootstrap=0)
    assert grid_search(trades, np.array([0.5, 0.6, 0.65, 0.7, 0.75, 0.8])) == pytest.approx(
        grid.search(trades, floor=1 / 3).best
    )
