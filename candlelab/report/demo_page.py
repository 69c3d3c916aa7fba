"""The page of the demo: markets of known truth side by side, what the same net found in each, and what that teaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from candlelab.evaluate.score import Scores
from candlelab.report import formats
from candlelab.report.figures import Estimate, Figure, Reference, comparison_figure
from candlelab.report.page import png_uri, write_page
from candlelab.report.results import ReportData
from candlelab.report.run_report import headline_of

Truth = Literal["nothing", "simple", "shape"]
SIMPLE = {"last_direction": "last direction", "reversal": "reversal", "logistic": "logistic regression"}
ROWS = SIMPLE | {"gradient_boosting": "boosted trees"}
TITLES: Mapping[Truth, str] = {
    "nothing": "Nothing to find",
    "simple": "A simple edge",
    "shape": "An edge that only the shape shows",
}
HIDDEN: Mapping[Truth, str] = {
    "nothing": "Every bar goes up or down by the toss of a coin.",
    "simple": "After a falling candle the next one tends to rise, and the other way round.",
    "shape": "One bar after a candle with a long lower shadow prices tend to rise, one bar after a long upper shadow to fall. Rules of one line "
    "do not look at shadows, and the numbers that logistic regression and trees read (returns and ranges of every bar, the shape of the last one "
    "alone) hold only a trace of it.",
}
LINES = (
    "Three questions, one after the other: does the net know anything? More than a rule of one line, a regression or trees? Does it pay after fees?",
    "“Nothing found” is a result only where the net was shown to find an edge that is there: each report says how large an edge it would have found.",
    "A simple edge is no reason for a net: ask for the second yes, not for the first.",
    "In a market of nothing a verdict of 95 % says yes in up to one of forty; try other seeds with data.source.seed=1.",
    "Intervals are 95 %. The best possible is what somebody would reach who knows the market's rule.",
)


@dataclass(frozen=True)
class Market:
    """One market of the demo: what was hidden, the run's scores and card, the best possible AUROC, a chart (C, H, W) and its report."""

    truth: Truth
    scores: Scores
    card: Mapping[str, Any]
    best: float | None
    chart: np.ndarray | None
    link: str


def write_demo_page(path: Path, markets: Sequence[Market]) -> Path:
    """Write the page; links lead to the reports beside it."""
    return write_page(
        path,
        "demo.html.j2",
        {
            "title": "Three markets whose secret is known",
            "subtitle": "The same small net, on charts of five bars, with the same settings; each market hides something else.",
            "markets": [_told(market) for market in markets],
            "lines": LINES,
        },
    )


def lesson_of(market: Market) -> str:
    """Return in one sentence what came out, held against what was hidden: also where it is not what it should be."""
    verdict = market.scores.verdict
    found, beyond = verdict.information.answer == "yes", verdict.beyond_baseline.answer == "yes"
    if market.truth == "nothing":
        return (
            "Something was found where nothing is: a false alarm, as one market in forty gives by luck."
            if found
            else "Nothing was there, and nothing was found."
        )
    if not found:
        return "It was there, and this net did not find it: its silence would have been wrong."
    if market.truth == "simple":
        rule, area = max(((name, _area(market, name)) for name in SIMPLE), key=lambda each: each[1])
        return (
            "It was found, and the net is even ahead of the simple rules, by luck or by their lack of it."
            if beyond
            else f"It was found, and so it was by {SIMPLE[rule]} (AUROC {formats.number(area)}): no net is needed to know it."
        )
    return (
        "The net found it, and beyond every simple rule: this is what a chart can be good for."
        if beyond
        else "The net found it, but is not shown to be beyond every simple rule on so few rows."
    )


def _area(market: Market, name: str) -> float:
    value = market.scores.metrics.get(f"baseline/{name}/auroc_direction")
    return -np.inf if value is None else float(value)


def _told(market: Market) -> dict[str, Any]:
    verdict = market.scores.verdict
    headline, explanation = headline_of(ReportData(market.scores.metrics, market.card, verdict.kind), verdict)
    asked = [verdict.information, verdict.beyond_baseline, verdict.money]
    return {
        "title": TITLES[market.truth],
        "hidden": HIDDEN[market.truth],
        "chart": None if market.chart is None else png_uri(market.chart),
        "headline": headline,
        "lesson": lesson_of(market),
        "answers": [answer for answer in asked if answer is not None],
        "figure": _figure(market),
        "explanation": explanation,
        "link": market.link,
    }


def _figure(market: Market) -> Figure:
    """AUROC of up against down: the net beside rules, regression and trees on the same rows."""
    metrics = market.scores.metrics
    named = {"test": "the net", **{f"baseline/{name}": words for name, words in ROWS.items()}}
    rows = [
        Estimate(words, *_interval(metrics, f"{name}/auroc_direction"), "model" if name == "test" else "base")
        for name, words in named.items()
        if metrics.get(f"{name}/auroc_direction") is not None
    ]
    best = [] if market.best is None or market.best <= 0.505 else [Reference(market.best, "best possible", "bayes")]
    return comparison_figure(
        rows,
        [Reference(0.5, "chance"), *best],
        title="Up against down",
        note="How well each tells rising from falling bars, on the same test rows.",
        axis="AUROC",
        words=formats.number,
    )


def _interval(metrics: Mapping[str, Any], name: str) -> tuple[float, float | None, float | None]:
    return metrics[name], metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
