"""The cost map agrees with the backtest where it must, and delay and cap do what they say."""

import numpy as np
import pytest

from candlelab.evaluate import backtest
from candlelab.evaluate.cost_map import CAPS, DELAYS, FEES, cost_map
from candlelab.evaluate.rows import Rows

HOUR = 3_600_000


def rows_of(n=400, symbols=2) -> Rows:
    time = np.tile(np.arange(n) * HOUR, symbols)
    symbol = np.repeat(np.arange(symbols), n)
    return Rows(time, symbol, symbol, 1, "1h")


@pytest.fixture(scope="module")
def market():
    """Rows, returns and signals that know something of them."""
    rng, rows = np.random.default_rng(0), rows_of()
    gain = rng.normal(0, 0.01, len(rows))
    return rows, gain, np.where(rng.random(len(rows)) < 0.3, np.sign(gain + rng.normal(0, 0.01, len(rows))), 0)


@pytest.fixture(scope="module")
def table(market):
    rows, gain, signal = market
    return {name: values.reshape(len(DELAYS), len(CAPS), FEES) for name, values in drawn(signal, gain, rows).items()}


def drawn(signal, gain, rows, cost=0.001):
    return cost_map(signal, gain, rows, cost, seed=1)


def test_without_delay_and_cap_it_is_the_backtest_at_each_fee(market, table):
    rows, gain, signal = market
    for k, bps in enumerate(table["bps"][0, 0]):
        made = backtest.run_backtest(signal, gain, rows, bps / 1e4)
        assert table["sharpe"][0, 0, k] == pytest.approx(made.sharpe * np.sqrt(rows.per_year), rel=1e-9)


def test_one_late_is_the_backtest_of_the_delayed_signals(market, table):
    rows, gain, signal = market
    late = backtest.run_backtest(backtest.delayed(signal, rows), gain, rows, 0.001)
    here = np.flatnonzero(table["bps"][1, 0] == 10.0)[0]
    assert table["sharpe"][1, 0, here] == pytest.approx(late.sharpe * np.sqrt(rows.per_year), rel=1e-9)


def test_a_cap_leaves_no_more_than_its_share_of_the_turnover(table):
    own = table["turnover"][0, 0, 0]
    for place, cap in enumerate(CAPS):
        assert table["turnover"][0, place, 0] <= cap * own * 1.02 + 2 * 2 / 400
    assert (np.diff(table["turnover"][0, :, 0]) < 0).all()


def test_the_ratio_is_nothing_at_the_break_even(market, table):
    rows, gain, signal = market
    even = table["breakeven_bps"][0, 0, 0]
    assert backtest.run_backtest(signal, gain, rows, even / 1e4).net.mean() == pytest.approx(0, abs=1e-15)


def test_signals_that_know_lie_above_the_band_and_random_ones_inside(market, table):
    rows, gain, _ = market
    assert (table["sharpe"][0, 0] > table["high"][0, 0]).all()
    blind = np.sign(np.random.default_rng(5).normal(size=len(rows)))
    told = drawn(blind, gain, rows)
    assert told["low"][0] < told["sharpe"][0] < told["high"][0]


def test_positions_of_a_half_cost_and_earn_half(market):
    rows, gain, signal = market
    whole, half = drawn(signal, gain, rows), drawn(signal / 2, gain, rows)
    assert half["turnover"][0] == pytest.approx(whole["turnover"][0] / 2)
    np.testing.assert_allclose(half["sharpe"][:FEES], whole["sharpe"][:FEES], rtol=1e-9)


def test_there_is_no_map_where_nothing_is_traded(market):
    rows, gain, signal = market
    assert drawn(0 * signal, gain, rows) == {}
