"""The part of a report about what the signals earned: threshold, equity, drawdown, and everyone's Sharpe ratio."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from candlelab.core.times import day
from candlelab.evaluate import ledger
from candlelab.report import figures, formats, money_figures
from candlelab.report.figures import Figure
from candlelab.report.page import Section, Table
from candlelab.report.results import FACTS_OF_MONEY, MONEY, ReportData
from candlelab.report.sections import side_by_side

THRESHOLD_OF = {
    "confidence": "trade when confidence is at least",
    "margin": "trade when |p up − p down| is at least",
    "forecast": "trade when |forecast| is at least",
}


def money(
    results: ReportData, curves: Mapping[str, Any], threshold: Mapping[str, Any], trades: pd.DataFrame
) -> Section:
    """What the signals earned after fees, trade by trade and in all, and how the threshold was chosen; trades as in `Scores`."""
    plots = _plots(curves, threshold)
    fee, slippage, spread = (threshold.get(name) or 0.0 for name in ("fee_bps", "slippage_bps", "spread_bps"))
    paid = fee + slippage + spread / 2
    plots += money_figures.plots_of(curves, paid, results.get("test/breakeven_cost_bps"))
    tables = [_money_table(results), *_trades(trades), *_drawdowns(curves.get("drawdowns") or {})]
    return Section("Money", _lead(threshold), facts=_money_facts(results, threshold), figures=plots, tables=tables)


def _lead(threshold: Mapping[str, Any]) -> str:
    """How positions are taken and what they cost; what is odd about the threshold."""
    costs = [
        f"{formats.number(threshold[name], 0)} bp {word}"
        for name, word in (("fee_bps", "fee"), ("slippage_bps", "slippage"), ("spread_bps", "spread (half of it)"))
        if threshold.get(name) is not None and (threshold[name] or name != "spread_bps")
    ]
    lead = f"Decided at the close of a bar, held until the next one, {' and '.join(costs) or 'fees'} on every change of position. "
    if threshold.get("funding_bps"):
        lead += f"A long position pays {formats.number(threshold['funding_bps'], 1)} bp of funding in eight hours, a short one receives it. "
    lead += _held(threshold)
    if threshold.get("flat"):
        lead += f"Nothing is traded: {threshold['flat']}. "
    return lead + " ".join(
        f"{warning[0].upper()}{warning[1:].rstrip('.')}." for warning in threshold.get("warnings", ())
    )


def _held(threshold: Mapping[str, Any]) -> str:
    """How positions follow from scores, where not by the threshold alone."""
    held = threshold.get("held") or {}
    if threshold.get("position") == "proportional" and "full" in held:
        return f"Sized by confidence: the whole position from a score of {formats.number(held['full'], 3)}, chosen on validation. "
    if threshold.get("position") == "hysteresis" and "exit" in held:
        bars, leave = formats.number(held.get("hold"), 0), formats.number(held["exit"], 3)
        return f"Held for {bars} rows at least and until the score is below {leave}, both chosen on validation. "
    return ""


def _plots(curves: Mapping[str, Any], threshold: Mapping[str, Any]) -> list[Figure]:
    """Sharpe ratio by threshold, equity and drawdown."""
    plots = []
    if curve := curves.get("threshold"):
        across = THRESHOLD_OF.get(threshold.get("score", ""), "threshold")
        plots.append(
            figures.threshold_curve(curve["threshold"], curve["val"], curve["test"], threshold.get("threshold"), across)
        )
    if curve := curves.get("equity"):
        named = [
            ("hold", "buy and hold", curve["buy_and_hold"]),
            ("base", "this model before fees", curve["gross"]),
            ("model", "this model after fees", curve["net"]),
        ]
        plots.append(figures.equity(curve["time"], named))
        plots.append(
            figures.drawdown(
                curve["time"], [(kind, name, _fall(values)) for kind, name, values in named if kind != "base"]
            )
        )
    return plots


def _trades(trades: pd.DataFrame) -> list[Table]:
    """Statistics of the trades, long and short ones apart; none without trades."""
    if not len(trades):
        return []
    columns = {
        "trades": formats.count,
        "win_rate": formats.percent,
        "profit_factor": _two,
        "holding_bars": _one,
        "mean_trade_pct": _percentage,
        "best_pct": _percentage,
        "worst_pct": _percentage,
    }
    body = [
        [row["side"], *(words(row.get(name)) for name, words in columns.items())]
        for row in ledger.by_side(trades)
        if row["trades"]
    ]
    head = ["", "trades", "won", "profit factor", "bars held", "mean", "best", "worst"]
    note = (
        "Each trade after the fees of opening and closing; profit factor: gains over losses. One by one in trades.csv."
    )
    return [Table(head, body, "Trades.", note)]


def _drawdowns(falls: Mapping[str, Any]) -> list[Table]:
    """The deepest falls of the account below an earlier peak."""
    body = (
        [
            [formats.percent(depth / 100), _day(peak), _day(bottom), _day(back), formats.count(bars)]
            for depth, peak, bottom, back, bars in zip(
                *(falls[name] for name in ("depth_pct", "peak", "bottom", "recovered", "bars")), strict=True
            )
        ]
        if falls
        else []
    )
    if not body:
        return []
    return [
        Table(
            ["depth", "peak", "bottom", "recovered", "bars below"],
            body,
            "Drawdowns.",
            "The deepest falls below an earlier peak, after fees.",
        )
    ]


def _day(time: float | None) -> str:
    """The day of a time in milliseconds UTC; a dash for never."""
    return day(int(time)) if formats.is_known(time) else formats.DASH


def _two(value: float | None) -> str:
    return formats.number(value, 2)


def _one(value: float | None) -> str:
    return formats.number(value, 1)


def _percentage(value: float | None) -> str:
    return formats.percent(value / 100 if formats.is_known(value) else None, 2)


def _fall(values: np.ndarray) -> np.ndarray:
    """Drawdown of an equity curve that started at 1."""
    return values / np.maximum.accumulate(np.maximum(values, 1.0)) - 1


def _money_facts(results: ReportData, threshold: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What makes a Sharpe ratio believable, or not."""
    facts = [("right this often", formats.percent(results.get("test/accuracy")))]
    facts += [(label, words(results.get(f"test/{name}"))) for name, (label, words) in FACTS_OF_MONEY.items()]
    delayed, net, annual = (
        results.get(f"test/{name}") for name in ("sharpe_net_delayed", "sharpe_net", "sharpe_net_annual")
    )
    if delayed is not None and net and annual is not None:
        facts.append(("Annualised Sharpe if acting one bar late", formats.number(delayed * annual / net, 2)))
    chosen = "threshold, given" if threshold.get("chosen_on") == "given" else "threshold, chosen on validation"
    facts.append((chosen, formats.percent(threshold.get("threshold"), 2)))
    facts.append(("Annualised Sharpe on validation", formats.number(threshold.get("validation_sharpe_annual"), 2)))
    facts.append(("… less what choosing adds by luck", formats.number(threshold.get("corrected_sharpe_annual"), 2)))
    return [fact for fact in facts if fact[1] != formats.DASH]


def _money_table(results: ReportData) -> Table:
    """The model, the baselines at their own thresholds, buy-and-hold and always flat."""
    note = "Each baseline trades at its own threshold, chosen on validation as the model's was."
    return side_by_side(results, MONEY, _interval, "After fees.", note)


def _interval(low: float | None, high: float | None) -> str:
    """Two Sharpe ratios; empty when missing."""
    return "" if low is None or high is None else f"{formats.number(low, 1)} to {formats.number(high, 1)}"
