"""Breakdown of a run's scores by symbol and by test period, as sections of its report."""

from typing import Any

import pandas as pd

from candlelab.report import formats
from candlelab.report.page import Section, Table
from candlelab.report.results import MONEY, QUALITY, ReportData


def symbols(results: ReportData, per_symbol: pd.DataFrame) -> Section:
    """One row per symbol, when there are several; per_symbol as in `Scores`."""
    lead = "With many symbols one of them looks good by luck: read the intervals, not the ranking."
    return (
        Section("Symbols", lead, tables=[_apart(results, per_symbol, "symbol")])
        if len(per_symbol) > 1
        else Section("Symbols")
    )


def periods(results: ReportData, per_period: pd.DataFrame) -> Section:
    """One row per test period, when several were named; per_period as in `Scores`."""
    lead = "All periods are traded at one threshold, chosen on validation. What holds in one month alone is luck or a regime."
    return (
        Section("Test periods", lead, tables=[_apart(results, per_period, "period")])
        if len(per_period) > 1
        else Section("Test periods")
    )


def _apart(results: ReportData, scores: pd.DataFrame, name: str) -> Table:
    """One row of scores per part of the test rows."""
    money = [] if results.kind == "recognition" else ["auroc_direction", "sharpe_net_annual", "trades"]
    shown = [metric for metric in ("accuracy", "balanced_accuracy", *money) if metric in scores]
    words = QUALITY | MONEY
    body = []
    for part, row in scores.iterrows():
        interval = formats.interval(_known(row.get("accuracy_low")), _known(row.get("accuracy_high"))) or formats.DASH
        body.append(
            [
                str(part),
                formats.count(_known(row.get("n"))),
                interval,
                *(words[metric][1](_known(row[metric])) for metric in shown),
            ]
        )
    return Table([name, "test rows", "95 % of accuracy", *(words[metric][0] for metric in shown)], body)


def _known(value: Any) -> float | None:
    """A float; None for NaN."""
    return None if value is None or formats.is_missing(float(value)) else float(value)
