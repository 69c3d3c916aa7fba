"""What a model's signals would have earned, with everything that says how much to believe it."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from candlelab.core.signal import confidences, signal_at
from candlelab.evaluate import backtest, intervals, metrics, record, sharpe
from candlelab.evaluate.backtest import Backtest
from candlelab.evaluate.bootstrap import sharpe_error
from candlelab.evaluate.classification import Scored, put
from candlelab.evaluate.compare import paired_sharpe
from candlelab.evaluate.mean_error import automatic_lags, cosines_for, integrated_time
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.threshold.curve import Trades


def trades_of(
    p: np.ndarray, forecast: np.ndarray, bar_return: np.ndarray, rows: Rows, cost: float, kind: str
) -> Trades:
    """How sure each row is and of which side.

    kind  confidence: probability of the likeliest class; margin: |p_up - p_down|; forecast: |predicted log return|.
    """
    return Trades(*confidences(p, forecast, kind), bar_return, rows, cost)


def score_used(kind: str, forecast: np.ndarray) -> str:
    """The score that rows can be sorted by: confidence in place of a forecast that the model does not make."""
    return "confidence" if kind == "forecast" and not np.isfinite(forecast).any() else kind


def smallest_score(kind: str, classes: int) -> float:
    """The lowest score that can occur: 1/K for a confidence, else 0."""
    return 1 / classes if kind == "confidence" else 0.0


def signal_of(trades: Trades, threshold: float | None) -> np.ndarray:
    """(n,) the sides of rows at least as sure as the threshold; all 0 without a threshold."""
    return signal_at(trades.score, trades.direction, threshold)


def earnings(test: Backtest, rows: Rows, *, confidence_level: float) -> Scored:
    """Sharpe ratios per bar and annualised with intervals, PSR, track record, turnover, drawdown."""
    net, ratio = test.net, test.sharpe
    spread = sharpe.robust_error(net, cosines_of(test))
    year = np.sqrt(rows.per_year)
    low, high = intervals.around(ratio, spread.error, confidence_level, freedom=spread.freedom)
    found: Scored = {"sharpe_net_se": spread.error}
    put(found, "sharpe_net", ratio, (low, high))
    put(found, "sharpe_net_annual", ratio * year, (low * year, high * year))
    found["sharpe_net_annual_lo"] = (
        np.nan if np.isnan(ratio) else sharpe.annual_sharpe(net, rows.per_year, automatic_lags(len(net), rows.lags))
    )
    found["sharpe_gross"] = sharpe.sharpe(test.gross) if test.entries else np.nan
    found |= _probabilities(net, ratio)
    found["turnover"], found["bars"] = float(test.turnover.mean()), len(net)
    found["trades"], found["exposure"] = test.entries, test.exposure
    found["max_drawdown_pct"] = 100 * backtest.max_drawdown(net)
    found["return_net_pct"] = 100 * float(np.prod(1 + net) - 1)
    found["breakeven_cost_bps"] = 1e4 * record.breakeven_cost(test)
    found["return_gross_pct"] = 100 * float(np.prod(1 + test.gross) - 1)
    return found


def cosines_of(test: Backtest) -> int:
    """How many cosines tell the spread of mean returns: while positions last, a trend of prices is earned again and again."""
    return cosines_for(len(test.net), max(integrated_time([test.position]), integrated_time([test.net])))


def _probabilities(net: np.ndarray, ratio: float) -> Scored:
    if np.isnan(ratio):
        return {"psr": np.nan, "min_track_record": np.nan}
    skewness, raw_kurtosis = sharpe.moments(net)
    return {
        "psr": sharpe.probabilistic_sharpe(ratio, len(net), skewness, raw_kurtosis),
        "min_track_record": sharpe.minimum_track_record(ratio, skewness, raw_kurtosis),
    }


def stress(signal: np.ndarray, trades: Trades, *, n_bootstrap: int, n_permutations: int, seed: int) -> Scored:
    """The same signals one bar late, at random times, and under resampled time."""
    rows, cost, gain = trades.rows, trades.cost, trades.bar_return
    test = backtest.run_backtest(signal, gain, rows, cost)
    late = backtest.run_backtest(backtest.delayed(signal, rows), gain, rows, cost)
    found: Scored = {"sharpe_net_delayed": late.sharpe}
    if np.isnan(test.sharpe):
        return found
    null = backtest.random_signal_sharpes(signal, gain, rows, cost, n_permutations, seed)
    known = null[~np.isnan(null)]
    if len(known):
        found["random_signal/sharpe_net"] = float(known.mean())
        found["random_signal/p_value"] = float((1 + (known >= test.sharpe).sum()) / (1 + len(known)))
    block = automatic_lags(len(test.net), rows.lags) + 1
    found["sharpe_net_se_bootstrap"] = sharpe_error(test.net, block, n_bootstrap, np.random.default_rng(seed))
    return found


def at_thresholds(trades: Trades, label: np.ndarray, classes: int, values: np.ndarray) -> list[dict[str, float | None]]:
    """What is traded at each of a few thresholds, one dictionary each; None where not available.

    long, short: shares of all rows; precision_long, precision_short: how often the label agrees, rows without a
    label left out; trading_score: precisions weighted by their shares; sharpe_annual after costs.
    """
    year, told = np.sqrt(trades.rows.per_year), []
    for value in values:
        signal = signal_of(trades, value)
        test = backtest.run_backtest(signal, trades.bar_return, trades.rows, trades.cost)
        found = {
            "threshold": float(value),
            "trades": test.entries,
            "sharpe_annual": test.sharpe * year,
            "trading_score": 0.0,
        }
        for word, side, target in (("long", 1, classes - 1), ("short", -1, 0)):
            taken = signal == side
            judged = label[taken & (label >= 0)]
            right = float(np.mean(judged == target)) if len(judged) else np.nan
            found |= {word: float(taken.mean()), f"precision_{word}": right}
            found["trading_score"] += found[word] * np.nan_to_num(right)
        told.append({name: None if np.isnan(v) else v for name, v in found.items()})
    return told


def against_holding(signal: np.ndarray, trades: Trades, *, confidence_level: float) -> Scored:
    """What the signals earned beyond holding, both annualised with intervals.

    sharpe_over_holding_annual  Sharpe ratio less that of buy-and-hold on the same bars
    sharpe_timing_annual        Sharpe ratio of the net return less what each symbol, held at the mean of its signals, earned
                                after costs: what was gained by when, not by how much one held; NaN if that never varies
    """
    rows, gain, cost, year = trades.rows, trades.bar_return, trades.cost, np.sqrt(trades.rows.per_year)
    test = backtest.run_backtest(signal, gain, rows, cost)
    held = backtest.run_backtest(np.ones(len(rows), np.int8), gain, rows, cost)
    gap = paired_sharpe(test.net, held.net, confidence_level)
    found: Scored = {}
    put(found, "sharpe_over_holding_annual", gap.value * year, (gap.low * year, gap.high * year))
    timing = test.net - backtest.run_backtest(mean_by_symbol(signal, rows), gain, rows, cost).net
    ratio = sharpe.sharpe(timing)
    spread = sharpe.robust_error(timing, cosines_of(test))
    low, high = intervals.around(ratio, spread.error, confidence_level, freedom=spread.freedom)
    put(found, "sharpe_timing_annual", ratio * year, (low * year, high * year))
    return found


def mean_by_symbol(values: np.ndarray, rows: Rows) -> np.ndarray:
    """(n,) the mean over the row's symbol."""
    return (np.bincount(rows.symbol, values) / np.maximum(np.bincount(rows.symbol), 1))[rows.symbol]


def while_traded(signal: np.ndarray, trades: Trades) -> Scored:
    """How often the traded bars were right, and how often they had to be with their moves and their turnover.

    traded_right      share of positions held over a bar that moved whose side was right
    traded_breakeven  the share at which bars of that mean size would just have paid the costs; may exceed 1
    """
    taken = (signal != 0) & (trades.bar_return != 0)
    if not taken.any():
        return {"traded_right": np.nan, "traded_breakeven": np.nan}
    move = float(np.abs(trades.bar_return[taken]).mean())
    paid = trades.cost * float(backtest.position_change(signal, trades.rows).sum()) / taken.sum()
    right = float((signal * trades.bar_return > 0)[taken].mean())
    return {"traded_right": right, "traded_breakeven": metrics.break_even_accuracy(move, paid)}


def edges(forward_return: np.ndarray, rows: Rows, cost: float, confidence_level: float) -> Scored:
    """The smallest annualised Sharpe ratio the rows could show in 80 % of samples, and the accuracy that pays."""
    instants = len(rows.instants)
    known = forward_return[np.isfinite(forward_return)]
    move = float(np.mean(np.abs(known))) if len(known) else 0.0
    power = intervals.quantile(confidence_level) + ndtri(metrics.POWER)
    return {
        "smallest_sharpe_annual": float(power * sharpe.standard_error(0.0, instants) * np.sqrt(rows.per_year)),
        "mean_move_pct": 100 * move,
        "breakeven_accuracy": metrics.break_even_accuracy(move, 2 * cost),
    }
