"""The report of one run: verdict first, then everything a sceptical reader asks for, in one file without links."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from candlelab.evaluate.score import Scores
from candlelab.evaluate.verdict import Answer, Verdict
from candlelab.report import answer_sections, breakdown_sections, figures, formats, money_section, sections
from candlelab.report.figures import Estimate, Reference
from candlelab.report.markdown_page import write_report_text
from candlelab.report.page import Section, write_page
from candlelab.report.results import ReportData
from candlelab.report.share_card import write_card

CARD = "card.png"  # the share image
# A recognition report itself never speaks of these: its label is drawn inside the input, so there is nothing to trade on. Its
# config, which is quoted whole, may.
MONEY_WORDS = re.compile(r"sharpe|backtest|predict", re.IGNORECASE)


def write_report(
    path: Path | str,
    *,
    scores: Scores,
    predictions: pd.DataFrame,
    card: Mapping[str, Any],
    charts: Sequence[tuple[np.ndarray, Mapping[str, Any]]],
    provenance: Mapping[str, Any],
    explained: Mapping[str, Any] | None = None,
    difficulty: Sequence[Mapping[str, Any]] = (),
    epochs: Sequence[Mapping[str, float]] = (),
) -> Path:
    """The path of a finished report.html that loads nothing from elsewhere; report.md and card.png are written beside it.

    predictions  the predictions table: all models on the same rows.
    card         `SampleSet.describe()`; `title` and `about` {name: value} may be added.
    charts       (image (C, H, W) uint8, caption) pairs; a caption holds label and answer (class names) and may hold
                 confidence (0 to 1), symbol, time (ms UTC).
    provenance   commit, versions, hardware, …, nested or flat; `config` is the yaml text.
    difficulty   {difficulty, samples, right} per level, of made-up patterns that drown in noise.
    explained    heat maps: `learnt` and `random` as pairs like charts, `likeness` their mean rank correlation.
    epochs       one mapping per epoch, column -> value: the training curves.
    """
    verdict = scores.verdict
    results = ReportData(scores.metrics, card, verdict.kind)
    recognition = verdict.kind == "recognition"
    kept = {name: value for name, value in provenance.items() if name != "config"}
    origin = {name: value for name, value in kept.items() if not (recognition and MONEY_WORDS.search(str(value)))}
    parts = [
        sections.data(results),
        sections.quality(results, predictions, difficulty),
        sections.errors(results, scores.curves, predictions),
        answer_sections.named_section(results, scores.threshold),
        answer_sections.forecast(results),
        Section("Money")
        if recognition
        else money_section.money(results, scores.curves, scores.threshold, scores.trades),
        sections.charts(pictures=charts),
        sections.explained(explained or {}),
        breakdown_sections.symbols(results, scores.per_symbol),
        breakdown_sections.periods(results, scores.per_period),
        sections.training_section(results, epochs),
        sections.provenance(origin),
    ]
    box = _verdict(results, verdict, Path(path).parent.name)
    context = {
        "sections": [part for part in parts if part.filled],
        "config": escape(str(provenance.get("config", "")).rstrip("\n")),  # to be copied letter by letter
        **box,
    }
    return _written(Path(path), context, verdict)


def _written(path: Path, context: Mapping[str, Any], verdict: Verdict) -> Path:
    """Write the page, and beside it what is shared of it."""
    write_report_text(path.with_suffix(".md"), context)
    write_card(path.with_name(CARD), context, _measured(verdict))
    return write_page(path, "report.html.j2", context)


def _measured(verdict: Verdict) -> list[tuple[str, Answer]]:
    """The three answers with the names of what they rest on."""
    first = "balanced accuracy" if verdict.kind == "recognition" else "AUROC"
    if verdict.information.answer == "volatility only":
        first = "AUROC of move"
    every = [(first, verdict.information), ("lead", verdict.beyond_baseline), ("Sharpe", verdict.money)]
    return [(name, answer) for name, answer in every if answer is not None]


def _verdict(results: ReportData, verdict: Verdict, name: str) -> dict[str, Any]:
    """What the box at the top shows."""
    headline, explanation = headline_of(results, verdict)
    notes = [
        ("How small an edge could have been seen", [verdict.smallest_edge]),
        ("Missing for trust", [_capital(words) for words in verdict.missing_for_trust]),
        *([("How this test was conducted", [_capital(words) for words in verdict.conduct])] if verdict.conduct else []),
    ]
    if verdict.kind == "recognition":
        notes = [("What this is worth", [verdict.smallest_edge])]
    return {
        "title": str(results.card.get("title", name)),
        "kind": verdict.kind,
        "subtitle": subtitle_of(results),
        "headline": headline,
        "explanation": f"{explanation} {_simulated(results)}".strip(),
        "answers": answer_boxes(results, verdict),
        "suspicions": [_capital(words) for words in verdict.suspicions],
        "notes": notes,
        "footer": ""
        if verdict.kind == "recognition"
        else "Research, not advice. Past rows say little about future ones.",
    }


def answer_boxes(results: ReportData, verdict: Verdict) -> list[dict[str, Any]]:
    """What the boxes of a verdict show: question, answer, sentence, and the interval as a drawn bar."""
    return [
        {"question": each.question, "answer": each.answer, "sentence": each.sentence, "bar": _bar(each, *against)}
        for each, against in _answers(results, verdict)
    ]


def _answers(results: ReportData, verdict: Verdict) -> list[tuple[Answer, tuple[str, Any]]]:
    """Each answer with the name of the value that would mean nothing is there, and how to say its number."""
    area = "chance", lambda value: "AUROC " + formats.number(value)
    lead = (
        "as good",
        formats.points if verdict.kind == "recognition" else lambda value: "AUROC " + formats.signed(value),
    )
    every = [
        (verdict.information, ("chance", formats.percent) if verdict.kind == "recognition" else area),
        (verdict.volatility, area),
        (verdict.beyond_baseline, lead),
        (verdict.money, ("nothing earned", lambda value: "Sharpe " + formats.number(value, 1))),
    ]
    return [(answer, against) for answer, against in every if answer is not None]


def _simulated(results: ReportData) -> str:
    """How the run compares with what the simulated market allows; empty for real markets."""
    best, reached = results.get("bayes/accuracy"), results.get("bayes/reached")
    if best is None:
        return ""
    if best <= 0.5005:
        return "This market is simulated and holds nothing to find."
    way = "all" if (reached or 0.0) >= 1 else formats.percent(max(reached or 0.0, 0.0), 0)
    part = "" if reached is None else f", and the model went {way} of the way there from chance"
    return f"This market is simulated: in the long run the best possible is to be right {formats.percent(best)} of the time{part}."


def _capital(words: str) -> str:
    """The sentence with a capital letter and a full stop."""
    return words[:1].upper() + words[1:].rstrip(".") + "."


def subtitle_of(results: ReportData) -> str:
    """Market, bars, window and dates in one line."""
    card = results.card
    symbols = [str(symbol) for symbol in card.get("symbols", [])]
    words = [
        ", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else ""),
        f"{card.get('interval')} bars",
        f"window {card.get('window')}",
    ]
    if card.get("horizon"):
        words.append(f"horizon {card['horizon']}")
    test = card["parts"].get("test", {})
    if test.get("first"):
        words.append(f"tested {test['first'][:10]} to {test['last'][:10]}")
    return " · ".join(words)


def headline_of(results: ReportData, verdict: Verdict) -> tuple[str, str]:
    """The verdict in one phrase, and what the phrase means."""
    knows, beyond = verdict.information.answer == "yes", verdict.beyond_baseline.answer == "yes"
    if verdict.kind == "recognition":
        return ("The model reads what is drawn" if knows else "The model does not read what is drawn"), RECOGNITION
    if not results.get("test/n"):
        return "Nothing to judge", "No test row has a label."
    if verdict.information.answer == "volatility only":
        return VOLATILITY
    if not knows:
        if verdict.money is not None and verdict.money.answer == "yes":
            return MONEY_ALONE
        return SILENCE[verdict.instrument.answer if verdict.instrument else "not shown"]
    if verdict.suspicions:
        return SUSPICIOUS
    return HEADLINES[beyond, verdict.money is not None and verdict.money.answer == "yes"]


RECOGNITION = (
    "This is recognition: the label is a function of the picture itself, so a high score says that the eye works, "
    "and nothing about the future."
)
SILENCE = {
    "yes": (
        "No edge found",
        "The answers cannot be told apart from chance. That is a result, not a failure: the first answer says how large an edge "
        "this net would have found.",
    ),
    "no": (
        "Nothing found, by a net that could not have found anything",
        "The answers cannot be told apart from chance, and this net would not have seen an edge if there were one: nothing is shown.",
    ),
    "not shown": (
        "Nothing found, by a net that nobody tested",
        "The answers cannot be told apart from chance. Whether this net could have seen an edge was not tested: "
        "evaluate.positive_control=full tests it.",
    ),
}
MONEY_ALONE = (
    "It paid here, but is not shown to know anything",
    "It earned more than its fees and more than holding, yet its answers cannot be told apart from chance. Ask for more rows.",
)
SUSPICIOUS = (
    "Too good to be believed yet",
    "Something here is better than honest models of liquid markets are. Look for a leak before reading on.",
)
VOLATILITY = (
    "It knows how much, not which way",
    "The model can tell lively bars from calm ones. Nothing is shown about the direction, and direction is what trading needs.",
)
HEADLINES = {
    (True, True): ("An edge that pays after fees", "That is rare: look for a leak before looking for a broker."),
    (False, True): (
        "It pays, but a simple rule may know as much",
        "The model is not shown to be better than the best baseline on the same rows.",
    ),
    (True, False): (
        "Information, but no money",
        "The model knows something that simple rules do not. It is not shown to earn more than fees and holding.",
    ),
    (False, False): (
        "Information, but not shown to be more than a simple rule has",
        "There is something to know here. It is not shown that this model is needed to know it, nor that it earns more than fees and holding.",
    ),
}


def _bar(answer: Answer, nothing: str, words: Any) -> Markup:
    """The interval of one answer drawn against chance or zero; empty without a value."""
    if not formats.is_known(answer.value):
        return Markup("")
    return figures.range_bar(
        Estimate(answer.question, answer.value, answer.low, answer.high, "model"),
        Reference(answer.chance, nothing),
        words,
    )
