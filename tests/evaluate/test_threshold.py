"""The exact search equals brute force."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from candlelab.evaluate import backtest
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.threshold.curve import Curve, Sweep, Trades, best_threshold, expected_optimism, smoothed
from candlelab.evaluate.threshold.exact import Exact
from candlelab.evaluate.threshold.fixed import Fixed
from candlelab.evaluate.threshold.grid import Grid

COST = 0.001
EXACT = {"score": "confidence", "min_trades": 1, "smooth": 0.0, "n_bootstrap": 0}


def market(seed, *, symbols=1, bars=40, levels=12, edge=0.0):
    """Random signals with many equal scores, gaps between segments, and bars that only some symbols have."""
    rng = np.random.default_rng(seed)
    frames = [
        pd.DataFrame(
            {
                "symbol": f"S{k}",
                "time": np.sort(rng.choice(bars + 5, bars, replace=False)),
                "segment": np.arange(bars) // 17,
            }
        )
        for k in range(symbols)
    ]
    rows = Rows.of(pd.concat(frames).assign(time=lambda f: f["time"] * 3_600_000), horizon=1, interval="1h")
    side = rng.choice([-1, 0, 1], len(rows)).astype(np.int8)
    score = rng.integers(0, levels, len(rows)) / levels
    return Trades(score, side, edge * side + rng.normal(0, 0.01, len(rows)), rows, COST)


def brute_force(trades):
    """(threshold, Sharpe, entries) of every distinct score of a row that takes a side."""
    for threshold in np.unique(trades.score[trades.direction != 0]):
        signal = np.where(trades.score >= threshold, trades.direction, 0)
        test = backtest.run_backtest(signal, trades.bar_return, trades.rows, trades.cost)
        yield threshold, test.sharpe, test.entries


@pytest.mark.parametrize("symbols", [1, 2, 5])
@pytest.mark.parametrize("seed", range(8))
def test_every_threshold_equals_brute_force(seed, symbols):
    trades = market(seed, symbols=symbols, levels=[3, 12, 10_000][seed % 3])
    threshold, sharpe, entries = zip(*brute_force(trades), strict=True)
    curve = Sweep.over(trades).curve()
    assert (curve.threshold == threshold).all() and (curve.entries == entries).all()
    assert curve.sharpe == pytest.approx(sharpe, rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", range(5))
def test_the_choice_equals_brute_force(seed):
    trades = market(seed, symbols=3, levels=60)
    allowed = [(sharpe, -threshold) for threshold, sharpe, entries in brute_force(trades) if entries >= 10]
    found = Exact(**EXACT | {"min_trades": 10}).search(trades, floor=0)
    ratio, threshold = max(allowed)
    assert found.best == pytest.approx(ratio) and found.threshold == (-threshold if ratio > 0 else None)


@pytest.mark.parametrize("grid", ["confidence", "constants", "report", "returns", "quantiles"])
def test_no_grid_beats_the_exact_search(grid):
    trades = market(3, symbols=2, bars=200, levels=1000)
    best = Exact(**EXACT).search(trades, floor=0).best
    assert Grid(**EXACT, grid=grid).search(trades, floor=0).best <= best + 1e-12


@pytest.mark.parametrize("grid", ["confidence", "returns", "quantiles"])
def test_grid_points_equal_brute_force(grid):
    trades = market(1, symbols=2, levels=50)
    curve = Grid(**EXACT, grid=grid).search(trades, floor=0).curve
    for threshold, ratio in zip(curve.threshold, curve.sharpe, strict=True):
        signal = np.where(trades.score >= threshold, trades.direction, 0)
        assert ratio == pytest.approx(
            backtest.run_backtest(signal, trades.bar_return, trades.rows, COST).sharpe, nan_ok=True
        )


def test_ties_go_to_the_smaller_threshold():
    curve = Curve(np.array([0.4, 0.5, 0.6]), np.array([0.1, 0.3, 0.3]), np.array([9, 9, 9]))
    assert best_threshold(curve, min_trades=1, smooth=0.0) == 1


def test_too_few_trades_leave_no_threshold():
    found = Exact(**EXACT | {"min_trades": 1000}).search(market(0), floor=0)
    assert found.threshold is None and found.candidates > 0


def test_no_rows_leave_no_threshold():
    none = Trades(np.empty(0), np.empty(0, np.int8), np.empty(0), market(0).rows.take(np.zeros(40, bool)), COST)
    assert Exact(**EXACT).search(none, floor=0).threshold is None


def test_a_plateau_is_preferred_to_a_spike():
    ratio = np.array([0.0, 0.2, 0.25, 0.2, 0.0, 0.0, 0.9, -0.5, 0.0, 0.0])
    curve = Curve(np.arange(10) / 10, ratio, np.full(10, 50))
    assert best_threshold(curve, min_trades=1, smooth=0.0) == 6 and best_threshold(curve, min_trades=1, smooth=0.1) == 1


def test_smoothing_is_the_median_of_the_neighbours():
    assert smoothed(np.array([1.0, 2.0, np.nan, 4.0]), 0.25) == pytest.approx([1.5, 1.5, np.nan, 4.0], nan_ok=True)


def test_confidences_below_one_over_k_are_reported_as_inert():
    trades = market(0)
    (warning,) = Grid(**EXACT, grid="returns").search(trades, floor=1 / 3).warnings
    assert warning.startswith("14 of 14 thresholds (0.01 to 0.14) do nothing")
    assert Grid(**EXACT, grid="confidence").search(trades, floor=1 / 3).warnings == ()


@pytest.mark.parametrize("wrong", [{"min_trades": 0}, {"smooth": 0.5}, {"n_bootstrap": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} was"):
        Exact(**EXACT | wrong)


def normal_scores(seed, bars, edge=0.0):
    """Independent normal scores and returns, as in docs/methods.md, section 8.1."""
    rng = np.random.default_rng(seed)
    side = rng.choice([-1, 1], bars).astype(np.int8)
    frame = pd.DataFrame({"symbol": "A", "segment": 0, "time": 3_600_000 * np.arange(bars)})
    rows = Rows.of(frame, horizon=1, interval="1h")
    return Trades(np.abs(rng.normal(size=bars)), side, edge * side + rng.normal(0, 0.01, bars), rows, 0.0)


@pytest.mark.parametrize(("bars", "best"), [(1000, 2.6), (4000, 1.2)])
def test_the_best_of_a_quantile_grid_looks_good_on_noise(bars, best):
    grid = Grid(**EXACT | {"min_trades": 30}, grid="quantiles")
    found = [grid.search(normal_scores(seed, bars), floor=0).best for seed in range(200)]
    assert np.sqrt(8760) * np.mean(found) == pytest.approx(best, abs=0.35)


def test_on_noise_the_corrected_sharpe_is_within_noise_of_zero():
    exact = Exact(**EXACT | {"min_trades": 30, "n_bootstrap": 40})
    trades = [normal_scores(100 + seed, 1000) for seed in range(20)]
    chosen = np.array([exact.search(each, floor=0).best for each in trades])
    corrected = chosen - [exact.optimism(each, seed=0) for each in trades]
    assert np.mean(chosen) > 4 * np.std(chosen) / np.sqrt(20)
    assert abs(np.mean(corrected)) < 2.5 * np.std(corrected) / np.sqrt(20)


def test_with_fees_the_corrected_sharpe_is_what_fresh_rows_give():
    exact = Exact(**EXACT | {"min_trades": 30, "n_bootstrap": 20})
    corrected, fresh = [], []
    for seed in range(40):
        trades, later = (replace(normal_scores(1000 * k + seed, bars), cost=COST) for k, bars in ((1, 1000), (2, 8000)))
        choice = exact.search(trades, floor=0)
        corrected.append(choice.best - exact.optimism(trades, seed=0))
        best = choice.curve.threshold[best_threshold(choice.curve, min_trades=30, smooth=0.0)]
        signal = np.where(later.score >= best, later.direction, 0)
        fresh.append(backtest.run_backtest(signal, later.bar_return, later.rows, COST).sharpe)
    assert abs(np.mean(corrected) - np.mean(fresh)) < 3 * np.std(corrected) / np.sqrt(40)


def test_a_real_edge_survives_the_correction():
    exact = Exact(**EXACT | {"min_trades": 30, "n_bootstrap": 40})
    trades = normal_scores(0, 2000, edge=0.002)
    assert exact.search(trades, floor=0).sharpe - exact.optimism(trades, seed=0) > 0.1


def test_optimism_needs_a_threshold():
    assert expected_optimism(market(0), min_trades=10_000, n_bootstrap=5, seed=0) is None


def test_a_nan_score_never_trades():
    trades = market(2)
    trades.score[:20] = np.nan
    assert np.isfinite(Sweep.over(trades).threshold).all()


def three_bars(*, gain):
    """One confident long row amid two that take no side: gross `gain`, opening and closing cost 0.2 %."""
    frame = pd.DataFrame({"symbol": "A", "segment": 0, "time": 3_600_000 * np.arange(3)})
    rows = Rows.of(frame, horizon=1, interval="1h")
    return Trades(np.array([0.5, 0.9, 0.5]), np.array([0, 1, 0], np.int8), np.array([0.0, gain, 0.0]), rows, COST)


def test_a_threshold_that_loses_on_validation_is_not_traded():
    found = Exact(**EXACT).search(three_bars(gain=0.001), floor=0)  # net 0, 0, -0.001 after -0.001: a mean below 0
    assert found.threshold is None and found.sharpe is None and found.best < 0


def test_a_threshold_that_earns_on_validation_is_traded():
    found = Exact(**EXACT).search(three_bars(gain=0.004), floor=0)
    net = np.array([0.0, 0.003, -0.001])
    assert found.threshold == 0.9 and found.sharpe == pytest.approx(net.mean() / net.std(ddof=1))


def test_a_fixed_threshold_trades_though_validation_loses():
    found = Fixed(score="confidence", value=0.6).search(three_bars(gain=0.001), floor=0.5)
    net = np.array([0.0, 0.0, -0.001])
    assert found.threshold == 0.6 and found.entries == 1 and found.sharpe == pytest.approx(net.mean() / net.std(ddof=1))
