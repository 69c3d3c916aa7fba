"""Track record of a strategy: fee curve with break-even, monthly returns, rolling Sharpe ratio, drawdowns."""

from __future__ import annotations

import numpy as np

from candlelab.core.interval import YEAR
from candlelab.evaluate.backtest import Backtest
from candlelab.evaluate.rows import Rows

FEES = 41  # points of the fee curve
DEEPEST = 5  # drawdowns told
MONTH = YEAR // 12
POINTS = 600


def breakeven_cost(test: Backtest) -> float:
    """The cost per unit of position changed, as a fraction, at which the mean net return is 0; NaN where nothing is traded."""
    traded = test.turnover.sum()
    return float(test.gross.sum() / traded) if traded > 0 else np.nan


def fee_curve(test: Backtest, rows: Rows, cost: float) -> dict[str, np.ndarray]:
    """What the same positions earn at other costs: bps, sharpe (annualised), return_pct; (m,) each; empty without trades.

    From 0 to the largest of twice the cost, one and a half times the break-even (up to 200 bp) and 20 bp. The threshold stays.
    """
    even = breakeven_cost(test)
    if np.isnan(even):
        return {}
    costs = np.linspace(0, max(2 * cost, min(1.5 * even, 0.02), 0.002), FEES)
    # one at a time: each is as long as the test
    mean, spread, growth = np.array([_at_cost(test, each) for each in costs]).T
    ratio = np.divide(mean, spread, out=np.full(FEES, np.nan), where=spread > 1e-15)
    return {"bps": 1e4 * costs, "sharpe": ratio * np.sqrt(rows.per_year), "return_pct": 100 * (growth - 1)}


def _at_cost(test: Backtest, cost: float) -> tuple[float, float, float]:
    """Mean and standard deviation of the net returns at a cost, and what one has become in the end."""
    net = test.gross - cost * test.turnover
    return float(net.mean()), float(net.std(ddof=1)), float(np.prod(1 + net))


def monthly(test: Backtest) -> dict[str, np.ndarray]:
    """Net return of each calendar month with rows: year, month (1 to 12), return_pct; (m,) each."""
    months = test.time.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    values, place = np.unique(months, return_inverse=True)
    growth = np.bincount(place, np.log1p(np.maximum(test.net, -1 + 1e-12)), len(values))
    return {"year": 1970 + values // 12, "month": values % 12 + 1, "return_pct": 100 * np.expm1(growth)}


def rolling_sharpe(test: Backtest, rows: Rows) -> dict[str, np.ndarray]:
    """Annualised net Sharpe ratio of the last month's instants, or of the last fifth of a short record: time, sharpe (m,), days.

    NaN where nothing moved; empty below 20 instants a window.
    """
    width = int(min(rows.per_year / 12, len(test.net) / 5))
    if width < 20:
        return {}
    sums, squares = (np.concatenate([[0.0], np.cumsum(values)]) for values in (test.net, test.net**2))
    mean = (sums[width:] - sums[:-width]) / width
    variance = ((squares[width:] - squares[:-width]) - width * mean**2) / (width - 1)
    ratio = np.divide(mean, np.sqrt(np.maximum(variance, 0)), out=np.full(len(mean), np.nan), where=variance > 1e-16)
    keep = np.unique(np.linspace(0, len(ratio) - 1, min(len(ratio), POINTS)).astype(int))
    days = width / rows.per_year * YEAR / 86_400_000
    return {
        "time": test.time[width - 1 :][keep],
        "sharpe": ratio[keep] * np.sqrt(rows.per_year),
        "days": np.array([days]),
    }


def drawdowns(test: Backtest) -> dict[str, np.ndarray]:
    """The deepest falls of equity below an earlier peak: peak, bottom, recovered (ms UTC, NaN if never), depth_pct, bars; (m,) each.

    The peak before the first row counts as its time; bars from peak to recovery or to the end.
    """
    equity = np.concatenate([[1.0], test.equity])
    time = np.append(test.time[:1], test.time).astype(float)
    under = equity < np.maximum.accumulate(equity)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], under.astype(np.int8), [0]])))
    falls = [(first - 1, first + int(equity[first:end].argmin()), end) for first, end in edges.reshape(-1, 2)]
    falls = sorted(falls, key=lambda fall: equity[fall[1]] / equity[fall[0]])[:DEEPEST]
    ended = [end if end < len(equity) else None for *_, end in falls]
    return {
        "peak": np.array([time[peak] for peak, _, _ in falls]),
        "bottom": np.array([time[bottom] for _, bottom, _ in falls]),
        "recovered": np.array([np.nan if end is None else time[end] for end in ended]),
        "depth_pct": np.array([100 * (equity[bottom] / equity[peak] - 1) for peak, bottom, _ in falls]),
        "bars": np.array([min(end, len(equity) - 1) - peak for peak, _, end in falls]),
    }
