"""Markdown form of a report, for pull requests and issues: the verdict in full, every table folded under it, no picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from candlelab.core.files import write_text
from candlelab.report.page import Section, Table

SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")
BREAK = re.compile(r"<(small|br)\b")


def write_report_text(path: Path, context: Mapping[str, Any]) -> Path:
    """Write a page as Markdown; context: what its template is filled with. Returns the path."""
    lines = [f"# {inert_words(context['title'])}", "", inert_words(context["subtitle"]), ""]
    lines += [f"## {inert_words(context['headline'])}", "", inert_words(context["explanation"]), ""]
    lines += [
        f"- {inert_words(each['question'])} **{inert_words(each['answer']).upper()}**. {inert_words(each['sentence'])}"
        for each in context["answers"]
    ]
    lines += _list("Reasons to look for a leak", context["suspicions"])
    for name, words in context["notes"]:
        lines += _list(name, words)
    for section in context["sections"]:
        lines += _folded(section)
    lines += ["", inert_words(context["footer"])]
    write_text(path, "\n".join(lines).strip() + "\n")
    return path


def inert_words(value: Any) -> str:
    """Return words in which no letter means anything to Markdown; of markup the text alone."""
    words = Markup(BREAK.sub(r" <\1", str(value))).striptags() if isinstance(value, Markup) else str(value)
    return SPECIAL.sub(r"\\\1", " ".join(words.split()))


def _list(name: str, words: Sequence[str]) -> list[str]:
    return ["", f"**{inert_words(name)}**", "", *(f"- {inert_words(each)}" for each in words)] if words else []


def _folded(section: Section) -> list[str]:
    """One section behind its title; nothing where it has pictures alone."""
    inside = [f"- {inert_words(name)}: {inert_words(value)}" for name, value in section.facts]
    for table in section.tables:
        inside += ["", *_table(table)]
    if not inside:
        return []
    lead = [inert_words(section.lead), ""] if section.lead else []
    return ["", f"<details><summary>{inert_words(section.title)}</summary>", "", *lead, *inside, "", "</details>"]


def _table(table: Table) -> list[str]:
    title = [f"**{inert_words(table.title)}** {inert_words(table.note)}".strip(), ""] if table.title else []
    columns = max([len(table.head), *(len(row) for row in table.rows)])
    head = [inert_words(cell) for cell in table.head] or [""] * columns
    rows = [[inert_words(cell) for cell in row] for row in table.rows]
    return [*title, _line(head), "|" + "---|" * columns, *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
