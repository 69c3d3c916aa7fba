"""The page of a run under several evaluate settings: one table, and the Sharpe ratio against what was varied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from candlelab.report import formats
from candlelab.report.page import Section, Table, write_page

# column of the table -> heading and cell
SHOWN: dict[str, tuple[str, Any]] = {
    "sharpe": ("Annualised Sharpe", lambda value: formats.number(value, 2)),
    "return_pct": ("return", lambda value: formats.percent(value / 100)),
    "trades": ("trades", formats.count),
    "accuracy": ("accuracy", formats.percent),
    "balanced_accuracy": ("balanced accuracy", formats.percent),
    "named": ("windows named", formats.percent),
    "named_accuracy": ("right where named", formats.percent),
    "threshold": ("threshold", formats.number),
}
HIDDEN = ("sharpe_low", "sharpe_high", "own", "folder")
NOTE = "The marked row is the run's own score, the one that predictions and exports use. The threshold is chosen anew on validation for each row."


def write_what_if(path: Path, table: pd.DataFrame, *, title: str) -> Path:
    """Write the page; table as `pipeline.what_if.comparison` makes it. Return its path."""
    shown = readable(table)
    marked = tuple(int(place) for place in table.own.to_numpy().nonzero()[0])
    rows = Table(list(shown.columns), shown.to_numpy().tolist(), "What if.", NOTE, marked)
    section = Section("Scores", "The same answers of the same model, evaluated with other settings.", tables=[rows])
    context = {
        "title": title,
        "kind": "what if",
        "subtitle": f"{len(table)} evaluations of one set of predictions",
        "headline": "What if",
        "explanation": "Choosing the best of these rows is a choice made on the test set: read them as a curve, not as a menu.",
        "answers": [],
        "suspicions": [],
        "notes": [],
        "sections": [section],
        "config": "",
        "footer": "Research, not advice.",
    }
    return write_page(path, "report.html.j2", context)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as words, with the 95 % interval of the Sharpe ratio beside it."""
    shown = pd.DataFrame(index=table.index)
    for name in table.columns:
        if name in HIDDEN:
            continue
        heading, cell = SHOWN.get(name, (name, formats.as_text))
        shown[heading] = [formats.DASH if formats.is_missing(value) else cell(value) for value in table[name].tolist()]
        if name == "sharpe":
            ends = zip(table.sharpe_low.tolist(), table.sharpe_high.tolist(), strict=True)
            shown["95 %"] = [
                formats.DASH if formats.is_missing(low) else f"{formats.number(low, 1)} to {formats.number(high, 1)}"
                for low, high in ends
            ]
    return shown
