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


def write_markdown(path: Path, context: Mapping[str, Any]) -> Path:
    """Write a page as Markdown; context: what its template is filled with. Returns the path."""
    lines = [f"# {plain_text(context['title'])}", "", plain_text(context["subtitle"]), ""]
    lines += [f"## {plain_text(context['headline'])}", "", plain_text(context["explanation"]), ""]
    lines += [
        f"- {plain_text(each['question'])} **{plain_text(each['answer']).upper()}**. {plain_text(each['sentence'])}"
        for each in context["answers"]
    ]
    lines += _list("Reasons to look for a leak", context["suspicions"])
    for name, words in context["notes"]:
        lines += _list(name, words)
    for section in context["sections"]:
        lines += _folded(section)
    lines += ["", plain_text(context["footer"])]
    write_text(path, "\n".join(lines).strip() + "\n")
    return path


def plain_text(value: Any) -> str:
    """Return words in which no letter means anything to Markdown; of markup the text alone."""
    words = Markup(BREAK.sub(r" <\1", str(value))).striptags() if isinstance(value, Markup) else str(value)
    return SPECIAL.sub(r"\\\1", " ".join(words.split()))


def _list(name: str, words: Sequence[str]) -> list[str]:
    return ["", f"**{plain_text(name)}**", "", *(f"- {plain_text(each)}" for each in words)] if words else []


def _folded(section: Section) -> list[str]:
    """One section behind its title; nothing where it has pictures alone."""
    inside = [f"- {plain_text(name)}: {plain_text(value)}" for name, value in section.facts]
    for table in section.tables:
        inside += ["", *_table(table)]
    if not inside:
        return []
    lead = [plain_text(section.lead), ""] if section.lead else []
    return ["", f"<details><summary>{plain_text(section.title)}</summary>", "", *lead, *inside, "", "</details>"]


def _table(table: Table) -> list[str]:
    title = [f"**{plain_text(table.title)}** {plain_text(table.note)}".strip(), ""] if table.title else []
    columns = max([len(table.head), *(len(row) for row in table.rows)])
    head = [plain_text(cell) for cell in table.head] or [""] * columns
    rows = [[plain_text(cell) for cell in row] for row in table.rows]
    return [*title, _line(head), "|" + "---|" * columns, *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
