"""Page of a diary: what was written down before its outcome, what came of it, and whether it kept what the runs promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from candlelab.core.times import iso
from candlelab.evaluate.score import Scores
from candlelab.report import figures, formats
from candlelab.report.page import Section, Table, write_page
from candlelab.report.results import ReportData
from candlelab.report.run_report import answer_boxes, headline_of

SHOWN = 60  # newest lines of each run on the page


class Reviewed(Protocol):
    """What is known of one run's lines."""

    @property
    def run(self) -> str: ...
    @property
    def scores(self) -> Scores | None: ...
    @property
    def why(self) -> str | None: ...
    @property
    def outcomes(self) -> pd.DataFrame: ...
    @property
    def counts(self) -> dict[str, int]: ...
    def power(self) -> str: ...
    def row(self) -> dict[str, Any]: ...


def write_diary_page(
    path: Path, reviews: Sequence[Reviewed], *, faults: Sequence[str], meaning: Mapping[str, str], lines: int
) -> Path:
    """Write diary.html; return its path.

    faults   what shows that the diary was changed: then nothing is judged. meaning: of each status; lines: of all runs.
    """
    headline, explanation = _headline(reviews, faults)
    alone = reviews[0].scores if len(reviews) == 1 else None
    context = {
        "title": "Diary",
        "kind": "diary",
        "subtitle": f"{formats.count(lines)} lines, {len(reviews)} run{'s' * (len(reviews) != 1)}; each line holds the hash of the one before it",
        "headline": headline,
        "explanation": explanation,
        "answers": [] if alone is None else answer_boxes(ReportData(alone.metrics, {}, "forecast"), alone.verdict),
        "suspicions": [],
        "notes": [("What was changed", list(faults))] if faults else [],
        "sections": [
            *([_overview(reviews)] if len(reviews) > 1 else []),
            *(_section(each, meaning) for each in reviews),
        ],
        "config": "",
        "footer": "Predictions written down before their outcome. Research, not advice; no orders are ever sent.",
    }
    return write_page(path, "report.html.j2", context)


def _headline(reviews: Sequence[Reviewed], faults: Sequence[str]) -> tuple[str, str]:
    if faults:
        return (
            "This diary was changed after it was written",
            "Nothing in it is judged: a line can no longer be believed.",
        )
    if not reviews:
        return "Nothing written yet", "task=watch writes the first line when the next bar closes."
    if len(reviews) > 1:
        return (
            f"{len(reviews)} runs in one diary",
            "Each is judged by itself, on the lines that were written before their outcome.",
        )
    one = reviews[0]
    if one.scores is None:
        return "Too early to say", f"{str(one.why)[:1].upper()}{str(one.why)[1:]}. {one.power()}"
    headline, explanation = headline_of(ReportData(one.scores.metrics, {}, "forecast"), one.scores.verdict)
    return headline, f"{explanation} {one.power()}"


def _overview(reviews: Sequence[Reviewed]) -> Section:
    rows = []
    for each in reviews:
        told = each.row()
        answers = [told["verdict"][name]["answer"] if told["verdict"] else "–" for name in ANSWERS]
        rows.append(
            [each.run, formats.count(each.counts.get("counted", 0)), *answers, formats.count(told["power"]["more"])]
        )
    head = ["run", "counted", "information", "beyond baselines", "money", "lines still needed"]
    return Section("Runs", tables=[Table(head, rows)])


ANSWERS = ("information", "beyond_baseline", "money")


def _section(each: Reviewed, meaning: Mapping[str, str]) -> Section:
    told = each.row()
    counted = each.counts
    facts = [(status, f"{formats.count(counted[status])} ({meaning[status]})") for status in counted]
    facts.append(
        ("restated", f"{formats.count(told['restated'])} (the bars of the window are not what they were then)")
    )
    tables = [_promise_table(told["promises"]), _lines_table(each.outcomes)]
    plots = []
    if each.scores is not None and "equity" in each.scores.curves:
        curve = each.scores.curves["equity"]
        named = [("hold", "buy and hold", curve["buy_and_hold"]), ("model", "as written, after fees", curve["net"])]
        plots = [figures.equity(curve["time"], named)]
    lead = each.power() if each.why is None else f"Not judged: {each.why}. {each.power()}"
    return Section(f"{each.run}, {told['interval']}", lead=lead, facts=facts, figures=plots, tables=tables)


def _promise_table(promised: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [each["question"], f"{_words(each['promised'])}", f"{_words(each['found'])}", each["word"]] for each in promised
    ]
    note = "The run's own verdict on its test rows, beside the same question asked of the diary, with 95 % intervals."
    return Table(["question", "promised", "diary", "together"], rows, title="Promised and kept", note=note, prose=True)


def _words(value: Sequence[float | None]) -> str:
    middle, low, high = (formats.number(each) for each in value)
    return middle if low == formats.DASH else f"{middle} ({low} to {high})"


def _lines_table(outcomes: pd.DataFrame) -> Table:
    newest = outcomes.tail(SHOWN).iloc[::-1]
    rows = [
        [
            str(row.line),
            str(row.symbol),
            iso(row.bar),
            formats.seconds(row.delay) if row.delay >= 0 else f"{row.delay:.0f} s",
            str(row.signal) or "–",
            "–" if row.status != "counted" else formats.percent(row.forward_return, 2),
            f"{row.status}{', restated' if row.restated else ''}",
        ]
        for row in newest.itertuples()
    ]
    head = ["line", "symbol", "bar opened (UTC)", "written after its close", "signal", "what came", "status"]
    note = (
        "Newest first."
        if len(outcomes) <= SHOWN
        else f"The newest {SHOWN} of {len(outcomes):,}; all are in outcomes.csv."
    )
    return Table(head, rows, title="Lines", note=note)
