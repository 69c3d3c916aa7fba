"""Audit report: the verdict, each finding with number, picture and cure, what was clean and what could not be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from candlelab.report import figures, formats
from candlelab.report.figures import Estimate, Reference
from candlelab.report.page import AnsweredChart, Gallery, Section, Table, png_uri, write_page

WORDS = {"leak": "no", "doubt": "not shown", "note": "yes"}  # the colours of answers
LARGEST = 360  # pixels of a picture's side on the page


def write_audit(
    path: Path, told: Mapping[str, Any], pictures: Sequence[Sequence[tuple[np.ndarray, str]]], *, title: str
) -> Path:
    """Write audit.html; return its path.

    told      an audit as plain values: subject, verdict, findings, clean, unchecked.
    pictures  for each finding its (uint8 (C, H, W), caption) pairs.
    """
    findings = told["findings"]
    leaks = [each for each in findings if each["severity"] == "leak"]
    shown = [
        _section(number, each, images) for number, (each, images) in enumerate(zip(findings, pictures, strict=True), 1)
    ]
    context = {
        "title": title,
        "kind": "audit",
        "subtitle": told["subject"],
        "headline": _headline(leaks, findings),
        "explanation": _capital(told["verdict"]),
        "answers": [_answer(each) for each in findings if each["severity"] != "note" and each["value"] is not None][:4],
        "suspicions": [f"{each['name']}: {each['place']}" for each in leaks],
        "notes": [],
        "sections": [*shown, _checks(told)],
        "config": "",
        "footer": "A clean audit shows that these leaks were not found, not that there is none.",
    }
    return write_page(path, "report.html.j2", context)


def _headline(leaks: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]) -> str:
    if leaks:
        return f"{len(leaks)} leak{'s' * (len(leaks) > 1)} found"
    return "No leak found" if not any(each["severity"] == "doubt" for each in findings) else "No leak, but a doubt"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _answer(finding: Mapping[str, Any]) -> dict[str, Any]:
    """The box of a finding that has a number."""
    return {
        "question": _capital(finding["name"]),
        "answer": WORDS[finding["severity"]],
        "sentence": _capital(finding["evidence"]),
        "bar": _bar(finding),
    }


def _bar(finding: Mapping[str, Any]) -> Markup:
    if finding["low"] is None or finding["chance"] is None:
        return Markup("")
    value = Estimate(finding["name"], finding["value"], finding["low"], finding["high"], "model")
    return figures.range_bar(value, Reference(finding["chance"], "without it"), formats.percent)


def _section(number: int, finding: Mapping[str, Any], pictures: Sequence[tuple[np.ndarray, str]]) -> Section:
    facts = [
        ("severity", finding["severity"]),
        ("place", finding["place"]),
        ("what was seen", _capital(finding["evidence"])),
        ("cure", _capital(finding["cure"])),
    ]
    if finding["value"] is not None:
        facts.insert(2, ("number", _number(finding)))
    charts = [_chart(image, words) for image, words in pictures]
    galleries = [Gallery("To look at", charts)] if charts else []
    return Section(f"{number}. {finding['name'][:1].upper()}{finding['name'][1:]}", facts=facts, galleries=galleries)


def _number(finding: Mapping[str, Any]) -> str:
    told = formats.number(finding["value"])
    if finding["low"] is not None:
        told += f" ({formats.number(finding['low'])} to {formats.number(finding['high'])})"
    return told + (f", {formats.number(finding['chance'])} without it" if finding["chance"] is not None else "")


def _chart(image: np.ndarray, words: str) -> AnsweredChart:
    _, height, width = image.shape
    times = max(1, min(6, LARGEST // max(height, width)))
    return AnsweredChart(png_uri(image), width * times, height * times, words, (), False)


def _checks(told: Mapping[str, Any]) -> Section:
    rows = [(name, "found nothing") for name in told["clean"]]
    rows += [(name, f"could not be made: {why}") for name, why in told["unchecked"]]
    return Section("What was checked", tables=[Table(["check", "outcome"], rows, prose=True)])
