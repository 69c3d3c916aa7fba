"""The part of a report about what the signals earned: threshold, equity, drawdown, and everyone's Sharpe ratio."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from candlelab.report import figures, formats
from candlelab.report.page import Section, Table
from candlelab.report.results import FACTS_OF_MONEY, MONEY, Results
from candlelab.report.sections import side_by_side

THRESHOLD_OF = {
    "confidence": "trade when confidence is at least",
    "margin": "trade when |p up − p down| is at least",
    "forecast": "trade when |forecast| is at least",
}


def money(results: Results, curves: Mapping[str, Any], threshold: Mapping[str, Any]) -> Section:
    """What the signals earned after fees, and how the threshold was chosen."""
    plots = []
    if curve := curves.get("threshold"):
        plots.append(
            figures.threshold_curve(
                curve["threshold"],
                curve["val"],
                curve["test"],
                threshold.get("threshold"),
                THRESHOLD_OF.get(threshold.get("score"), "threshold"),
            )
        )
    if curve := curves.get("equity"):
        named = [
            ("hold", "buy and hold", curve["buy_and_hold"]),
            ("base", "this model before fees", curve["gross"]),
            ("model", "this model after fees", curve["net"]),
        ]
        plots.append(figures.equity(curve["time"], named))
        plots.append(figures.drawdown(curve["time"], [(kind, name, _fall(values)) for kind, name, values in named if kind != "base"]))
    costs = [
        f"{formats.number(threshold[name], 0)} bp {word}"
        for name, word in (("fee_bps", "fee"), ("slippage_bps", "slippage"))
        if threshold.get(name) is not None
    ]
    lead = f"Decided at the close of a bar, held until the next one, {' and '.join(costs) or 'fees'} on every change of position. "
    if threshold.get("flat"):
        lead += f"Nothing is traded: {threshold['flat']}. "
    lead += " ".join(f"{warning[0].upper()}{warning[1:].rstrip('.')}." for warning in threshold.get("warnings", ()))
    return Section("Money", lead, facts=_money_facts(results, threshold), figures=plots, tables=[_money_table(results)])


def _fall(values: np.ndarray) -> np.ndarray:
    """Drawdown of an equity curve that started at 1."""
    return values / np.maximum.accumulate(np.maximum(values, 1.0)) - 1


def _money_facts(results: Results, threshold: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What makes a Sharpe ratio believable, or not."""
    facts = [("right this often", formats.percent(results.get("test/accuracy")))]
    facts += [(label, words(results.get(f"test/{name}"))) for name, (label, words) in FACTS_OF_MONEY.items()]
    delayed, net, annual = (results.get(f"test/{name}") for name in ("sharpe_net_delayed", "sharpe_net", "sharpe_net_annual"))
    if delayed is not None and net and annual is not None:
        facts.append(("Sharpe a year if acting one bar late", formats.number(delayed * annual / net, 2)))
    chosen = "threshold, given" if threshold.get("chosen_on") == "given" else "threshold, chosen on validation"
    facts.append((chosen, formats.percent(threshold.get("threshold"), 2)))
    facts.append(("Sharpe a year on validation", formats.number(threshold.get("validation_sharpe_annual"), 2)))
    facts.append(("… less what choosing adds by luck", formats.number(threshold.get("corrected_sharpe_annual"), 2)))
    return [fact for fact in facts if fact[1] != formats.DASH]


def _money_table(results: Results) -> Table:
    """The model, the baselines at their own thresholds, buy-and-hold and always flat."""
    note = "Each baseline trades at its own threshold, chosen on validation as the model's was."
    return side_by_side(results, MONEY, _interval, "After fees.", note)


def _interval(low: float | None, high: float | None) -> str:
    """Two Sharpe ratios; empty when missing."""
    return "" if low is None or high is None else f"{formats.number(low, 1)} to {formats.number(high, 1)}"
