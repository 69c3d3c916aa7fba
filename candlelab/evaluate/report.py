"""The report of one run: verdict first, then everything a sceptical reader asks for, in one file without links."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from candlelab.evaluate import figures, formats, sections
from candlelab.evaluate.figures import Estimate, Reference
from candlelab.evaluate.page import write_page
from candlelab.evaluate.sections import Results

# A recognition report never speaks of these: its label is drawn inside the input, so there is nothing to trade on.
MONEY_WORDS = re.compile(r"sharpe|backtest|predict", re.IGNORECASE)


def write_report(
    path: Path | str,
    *,
    scores: Any,
    predictions: pd.DataFrame,
    card: Mapping[str, Any],
    charts: Sequence[tuple[np.ndarray, Mapping[str, Any]]],
    provenance: Mapping[str, Any],
) -> Path:
    """The path of a finished report.html that loads nothing from elsewhere.

    scores       what `evaluate.score` returns: .metrics (flat), .threshold, .curves, .verdict.
    predictions  the predictions table: all models on the same rows.
    card         `ChartData.describe()`, with `title` and `about` {name: value} if there is more to say.
    charts       (image (C, H, W) uint8, caption {label, answer, confidence, symbol, time}) pairs.
    provenance   commit, versions, data hash, …; `config` is the yaml text.
    metrics.csv beside `path` gives the training curves.
    """
    verdict = scores.verdict
    results = Results(scores.metrics, predictions, card, verdict.kind)
    parts = [sections.data(results), sections.quality(results), sections.errors(results)]
    if verdict.kind != "recognition":
        parts.append(sections.money(results, scores.curves, scores.threshold))
    parts += [sections.charts(results, charts), sections.symbols(results), sections.training(results, Path(path).parent / "metrics.csv"), sections.provenance(results, provenance)]
    context = {"sections": [part for part in parts if part.filled], "config": _config(provenance.get("config", ""), verdict.kind), **_verdict(results, verdict, Path(path).parent.name)}
    return write_page(path, "report.html.j2", context)


def _verdict(results: Results, verdict: Any, name: str) -> dict[str, Any]:
    """What the box at the top shows."""
    chance = 1 / len(results.classes)
    answers = [(verdict.information, Reference(chance, "chance"), formats.percent), (verdict.beyond_baseline, Reference(0.0, "no better"), formats.points)]
    if verdict.kind != "recognition":
        answers.append((verdict.money, Reference(0.0, "nothing"), lambda value: formats.number(value, 2)))
    headline, explanation = _headline(verdict)
    notes = [("The smallest edge this test could have shown", [str(verdict.smallest_edge)]), ("Missing before anyone should trust this", list(verdict.missing_for_trust))]
    return {
        "title": str(results.card.get("title", name)),
        "kind": verdict.kind,
        "subtitle": _subtitle(results),
        "headline": headline,
        "explanation": explanation,
        "answers": [{"question": each.question, "answer": each.answer, "sentence": each.sentence, "bar": _bar(each, reference, words)} for each, reference, words in answers],
        "suspicions": list(verdict.suspicions),
        "notes": notes,
        "footer": "" if verdict.kind == "recognition" else "Research, not advice. Past rows say little about future ones.",
    }


def _subtitle(results: Results) -> str:
    """Market, bars, window and dates in one line."""
    card = results.card
    symbols = [str(symbol) for symbol in card.get("symbols", [])]
    words = [", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else ""), f"{card.get('interval')} bars", f"window {card.get('window')}"]
    if card.get("horizon"):
        words.append(f"horizon {card['horizon']}")
    test = card["parts"].get("test", {})
    if test.get("first"):
        words.append(f"tested {test['first'][:10]} to {test['last'][:10]}")
    return " · ".join(words)


def _headline(verdict: Any) -> tuple[str, str]:
    """The verdict in one phrase, and what the phrase means."""
    knows, beyond = verdict.information.answer == "yes", verdict.beyond_baseline.answer == "yes"
    if verdict.kind == "recognition":
        words = "The model reads what is drawn" if knows else "The model does not read what is drawn"
        return words, "This is recognition: the label is a function of the picture itself, so a high score says that the eye works, and nothing about the future."
    if not knows:
        return "No edge found", "The answers cannot be told apart from chance. That is a result, not a failure: see below how small an edge would have been noticed."
    if verdict.money.answer == "yes":
        return ("An edge that pays after fees" if beyond else "It pays, but a simple rule is as good"), "Rare, so look for a leak before looking for a broker."
    if beyond:
        return "Information, but no money", "The model knows something that simple rules do not, and it is too little to pay the fees."
    return "Information that a simple rule has too", "There is something to know here, but the model was not needed to know it, and it does not pay."


def _bar(answer: Any, reference: Reference, words: Any):
    """The interval of one answer drawn against what would mean nothing; empty without a value."""
    if formats.missing(answer.value):
        return ""
    return figures.range_bar(Estimate(answer.question, answer.value, answer.low, answer.high, "model"), reference, words)


def _config(text: str, kind: str) -> str:
    """The yaml as it is; for recognition without the lines about money."""
    if kind != "recognition":
        return text
    return "\n".join(line for line in text.splitlines() if not MONEY_WORDS.search(line))
