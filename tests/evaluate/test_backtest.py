"""Worked numbers of docs/methods.md, section 8."""

import numpy as np
import pandas as pd
import pytest

from candlelab.evaluate import backtest, metrics, sharpe
from candlelab.evaluate.rows import Rows

SIGNAL = np.array([0, 1, 1, -1, 0, 1])
RETURN = np.array([0.01, 0.02, -0.01, -0.03, 0.005, 0.01])
HOUR = 3_600_000


def rows_of(segment, symbol="A", time=None):
    n = len(segment)
    frame = pd.DataFrame({"symbol": symbol, "segment": segment, "time": HOUR * np.arange(n) if time is None else time})
    return Rows.of(frame, horizon=1, interval="1h")


def worked():
    """The signals with the return that follows each: rows 0 to 4 hold bars 1 to 5."""
    return backtest.run_backtest(SIGNAL[:5], RETURN[1:], rows_of(np.zeros(5)), 0.001)


def test_a_signal_earns_the_next_bar_and_pays_for_changes():
    assert worked().net == pytest.approx([0, -0.011, -0.030, -0.007, -0.001])


def test_sharpe_of_the_worked_example_counts_flat_bars():
    net = np.append(0.0, worked().net)
    assert net.mean() == pytest.approx(-0.00816667, abs=5e-9) and net.std(ddof=1) == pytest.approx(0.01158303, abs=5e-9)
    assert sharpe.sharpe(net) == pytest.approx(-0.70505, abs=5e-6)


def test_drawdown_of_the_worked_example():
    assert backtest.max_drawdown(worked().net) == pytest.approx(-0.048338, abs=5e-7)


def test_looking_ahead_would_turn_the_loss_into_a_gain():
    assert (SIGNAL * RETURN).sum() == pytest.approx(0.05)
    assert worked().gross.sum() == pytest.approx(-0.045)


def test_realised_returns_of_prices_equal_the_worked_example():
    close = 100 * np.cumprod(1 + RETURN)
    assert backtest.realised_returns(SIGNAL, close, fee_bps=10) == pytest.approx([0, -0.011, -0.030, -0.007, -0.001, 0])


def test_realised_returns_need_one_position_per_close():
    with pytest.raises(ValueError, match="position has 2 bars and close 3"):
        backtest.realised_returns(np.zeros(2), np.ones(3), fee_bps=1)


def test_a_segment_break_forces_flat_and_pays_for_it():
    net = backtest.run_backtest(np.ones(4), np.zeros(4), rows_of([0, 0, 1, 1]), 0.001).net
    assert net == pytest.approx([-0.001] * 4)


def test_flat_positions_pay_no_fee():
    flat = backtest.run_backtest(np.zeros(5), RETURN[1:], rows_of(np.zeros(5)), 0.001)
    assert not flat.net.any() and np.isnan(flat.sharpe)


def test_symbols_weigh_the_same_at_each_instant():
    rows = rows_of(np.zeros(3), symbol=["A", "A", "B"], time=[0, HOUR, HOUR])
    assert backtest.run_backtest(np.ones(3), np.array([0.01, 0.02, 0.04]), rows, 0.0).net == pytest.approx([0.01, 0.03])


def test_delayed_signals_do_not_cross_a_segment_break():
    assert list(backtest.delayed(np.array([1, 1, -1, 1]), rows_of([0, 0, 1, 1]))) == [0, 1, 0, -1]


def test_drift_turnover_of_the_worked_portfolios():
    move = np.array([[0.10, -0.10]])
    assert backtest.drift_turnover(np.array([[0.5, 0.5]] * 2), move) == pytest.approx(0.10)
    assert backtest.drift_turnover(np.array([[0.5, -0.5]] * 2), move) == pytest.approx(0.090909, abs=5e-7)


def test_break_even_accuracy_of_the_worked_moves():
    assert metrics.break_even_accuracy(0.004, 0.002) == pytest.approx(0.75)
    assert metrics.break_even_accuracy(0.02, 0.002) == pytest.approx(0.55)


def test_random_signals_keep_the_turnover():
    rng = np.random.default_rng(0)
    rows, signal = rows_of(np.zeros(300)), np.repeat(rng.choice([-1, 0, 1], 60), 5)
    null = backtest.random_signal_sharpes(signal, np.full(300, 0.0), rows, 0.001, 50, 0)
    change = np.abs(np.diff(signal)).sum()
    assert np.isfinite(null).all() and (null < 0).all() and change > 0


def test_a_planted_signal_beats_random_ones():
    rng = np.random.default_rng(0)
    signal = rng.choice([-1, 1], 400)
    gain = 0.001 * signal + rng.normal(0, 0.005, 400)
    rows = rows_of(np.zeros(400))
    null = backtest.random_signal_sharpes(signal, gain, rows, 0.0, 200, 0)
    assert backtest.run_backtest(signal, gain, rows, 0.0).sharpe > np.quantile(null, 0.99)
