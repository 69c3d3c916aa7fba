"""A page with scripts that stays whole by itself: nothing remote, no script but those whose hash its policy names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from candlelab.report.explorer.packed import Pack
from candlelab.report.page import policy_of, write_page

HERE = Path(__file__).parent
LIBRARY = "lightweight-charts.js"
NOTICE = "lightweight-charts.NOTICE"
RUN_SCRIPTS = (
    *("unpack.js", "scoring.js", "spans.js", "run.js", "scores.js"),
    *("words.js", "stage.js", "chart.js", "panel.js", "trades.js", "explorer.js"),
)
STUDY_SCRIPTS = ("unpack.js", "words.js", "stage.js", "table.js", "overlay.js", "study.js")
# What ends a script element, or begins a comment in it, never stands in data: JSON knows all letters by number, too.
ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def write_scripted(
    path: Path,
    template: str,
    context: Mapping[str, Any],
    *,
    facts: Mapping[str, Any],
    pack: Pack,
    scripts: Sequence[str],
) -> Path:
    """Write a page of this package with its data and scripts; `facts` are plain values for the scripts, `pack` their columns."""
    library, own = script_of(LIBRARY), "\n".join(script_of(name) for name in scripts)
    told = dict(facts) | {"columns": pack.index}
    return write_page(
        path,
        template,
        {
            **context,
            "policy": policy_of(library, own),
            "facts": Markup(page_json(told)),
            "columns": Markup(pack.text),
            "library": Markup(library),
            "own": Markup(own),
            "notice": (HERE / NOTICE).read_text(encoding="utf-8").strip().splitlines(),
        },
    )


def script_of(name: str) -> str:
    """A script of this package; nothing in it ends the element that it will stand in."""
    text = (HERE / name).read_text(encoding="utf-8")
    assert "</script" not in text.lower() and "<!--" not in text, f"{name} cannot stand in a page"
    return text


def page_json(told: Mapping[str, Any]) -> str:
    """Plain values as JSON that can stand in a script element."""
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(ESCAPED)
