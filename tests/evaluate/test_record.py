"""Trades and track records with numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from score_cases import predictions, score

from candlelab.evaluate import backtest, ledger, record
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.threshold.curve import Trades
from candlelab.evaluate.threshold.fixed import Fixed

HOUR = 3_600_000
SIGNAL = np.array([0, 1, 1, -1, 0, 1], np.int8)
MOVE = np.array([0.01, 0.02, -0.01, -0.03, 0.005, 0.01])
COST = 0.001


def rows_of(segment=0, symbol="A", size=6):
    frame = pd.DataFrame({"symbol": symbol, "segment": segment, "time": HOUR * np.arange(size)})
    return Rows.of(frame, horizon=1, interval="1h")


def could(rows=None, move=MOVE):
    rows = rows or rows_of()
    return Trades(np.ones(len(rows)), SIGNAL, move, rows, COST)


def test_trades_are_those_worked_out_by_hand():
    found = ledger.trade_list(SIGNAL, could(), ("A",))
    assert found[["entry", "exit", "side", "bars"]].to_numpy().tolist() == [
        ["1970-01-01 02:00", "1970-01-01 04:00", "long", 2],
        ["1970-01-01 04:00", "1970-01-01 05:00", "short", 1],
        ["1970-01-01 06:00", "1970-01-01 07:00", "long", 1],
    ]
    assert found["gross"].tolist() == pytest.approx([1.02 * 0.99 - 1, 0.03, 0.01])
    assert found["net"].tolist() == pytest.approx([0.0078, 0.028, 0.008]) and (found["fee"] == 0.002).all()


def test_as_many_trades_as_the_backtest_counts_and_as_much_paid():
    test = backtest.run_backtest(SIGNAL, MOVE, rows_of(), COST)
    found = ledger.trade_list(SIGNAL, could(), ("A",))
    assert len(found) == test.entries and found["fee"].sum() == pytest.approx(COST * test.turnover.sum())


def test_a_gap_ends_a_trade():
    rows = rows_of(segment=[0, 0, 1, 1, 1, 1])
    assert ledger.trade_list(SIGNAL, could(rows), ("A",))["bars"].tolist() == [1, 1, 1, 1]


def test_no_trades_are_an_empty_list_with_all_columns():
    found = ledger.trade_list(0 * SIGNAL, could(), ("A",))
    assert tuple(found) == ledger.COLUMNS and len(found) == 0 and np.isnan(ledger.trade_scores(found)["win_rate"])


def test_trade_statistics_by_hand():
    found = ledger.trade_list(SIGNAL, could(move=np.array([0, 0.01, -0.03, -0.02, 0, 0.005])), ("A",))
    net = [1.01 * 0.97 - 1 - 0.002, 0.018, 0.003]
    assert ledger.trade_scores(found) == pytest.approx(
        {
            "win_rate": 2 / 3,
            "profit_factor": 0.021 / -net[0],
            "holding_bars": 4 / 3,
            "mean_trade_pct": 100 * sum(net) / 3,
        }
    )


def test_the_break_even_fee_leaves_nothing():
    test = backtest.run_backtest(SIGNAL, MOVE, rows_of(), COST)
    even = record.breakeven_cost(test)
    assert even == pytest.approx(
        (0.02 - 0.01 + 0.03 + 0.01) / 6
    )  # gross over turnover: in 1, round 2, out 1, in and out 2
    assert backtest.run_backtest(SIGNAL, MOVE, rows_of(), even).net.mean() == pytest.approx(0, abs=1e-15)


def test_the_fee_curve_equals_the_backtest_at_each_fee():
    test = backtest.run_backtest(SIGNAL, MOVE, rows_of(), COST)
    curve = record.fee_curve(test, rows_of(), COST)
    for place in (0, 10, 40):
        again = backtest.run_backtest(SIGNAL, MOVE, rows_of(), curve["bps"][place] / 1e4)
        assert curve["sharpe"][place] == pytest.approx(again.sharpe * np.sqrt(8760))
        assert curve["return_pct"][place] == pytest.approx(100 * (again.equity[-1] - 1))


def in_months():
    """Three bars: 31 January 23:00, 1 February, 1 March of the next year."""
    time = np.array(["2023-01-31T23", "2023-02-01T00", "2024-03-01T00"], "datetime64[ms]").astype(np.int64)
    return backtest.Backtest(
        time, np.array([0.1, 0.2, -0.5]), np.array([0.1, 0.2, -0.5]), np.ones(3), 1, 1.0, np.ones(3)
    )


def test_months_are_calendar_months():
    found = record.monthly(in_months())
    assert (found["year"].tolist(), found["month"].tolist()) == ([2023, 2023, 2024], [1, 2, 3])
    assert found["return_pct"] == pytest.approx([10, 20, -50])


def test_drawdowns_by_hand():
    net = np.array([0.1, -0.2, 0.3, -0.1, -0.1])  # equity 1 1.1 .88 1.144 1.0296 .92664
    test = backtest.Backtest(HOUR * np.arange(5), net, net, np.ones(5), 1, 1.0, np.ones(5))
    found = record.drawdowns(test)
    assert found["depth_pct"] == pytest.approx([-20, -19]) and found["bars"].tolist() == [2, 2]
    assert found["recovered"].tolist()[0] == 2 * HOUR and np.isnan(found["recovered"][1])
    assert (found["peak"][0], found["bottom"][0]) == (0, HOUR)


def test_the_rolling_sharpe_is_that_of_its_window():
    net = np.random.default_rng(0).normal(0, 0.01, 200)
    test = backtest.Backtest(HOUR * np.arange(200), net, net, np.ones(200), 1, 1.0, np.ones(200))
    found = record.rolling_sharpe(test, rows_of(size=200))
    assert found["sharpe"][-1] == pytest.approx(net[-40:].mean() / net[-40:].std(ddof=1) * np.sqrt(8760))


def test_a_score_holds_its_trades():
    found = score(predictions(edge=0.3, symbols=2, rows=900), threshold=Fixed(score="confidence", value=0.5))
    assert len(found.trades) == found.metrics["test/trades"] > 0
    assert found.metrics["test/win_rate"] == (found.trades["net"] > 0).mean()
    assert found.curves["fees"]["bps"][0] == 0 and len(found.curves["months"]["year"]) > 0
