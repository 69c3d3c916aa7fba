"""What-if scores: a finished run under other fees, slippage or threshold rules, beside its own score and never in its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import plain
from candlelab.core.spreadsheet import neutral_table
from candlelab.pipeline.overrides import laid_over, overridden
from candlelab.pipeline.scores.looks import looks_in_words, note_look
from candlelab.pipeline.scores.passport import write_passport
from candlelab.pipeline.scores.scoring import lines_of, own_settings, score_run, with_conduct, write_scores
from candlelab.pipeline.studies.varied import flat
from candlelab.report.what_if_page import write_what_if

ANSWERS = {"information": "information", "beyond_baseline": "beyond baselines", "money": "money"}
# column -> metric of metrics.json; those of money are left out where nothing is traded
FORECAST = {
    "sharpe": "test/sharpe_net_annual",
    "sharpe_low": "test/sharpe_net_annual_low",
    "sharpe_high": "test/sharpe_net_annual_high",
    "return_pct": "test/return_net_pct",
    "trades": "test/trades",
}
RECOGNITION = {
    "accuracy": "test/accuracy",
    "balanced_accuracy": "test/balanced_accuracy",
    "named": "test/named",
    "named_accuracy": "test/named_accuracy",
}


@dataclass(frozen=True)
class WhatIf:
    """A run under some evaluate settings, and the folder of that score."""

    run: runs.Run
    settings: dict[str, Any]

    @classmethod
    def of(cls, cfg: DictConfig, run: runs.Run, keys: list[str] | None = None) -> WhatIf:
        """Return what a command asks: its own settings of evaluate in place of the run's; without a command, all of them.

        keys  that the command line gives; None: those of the command that is running.
        """
        given, asked, own = keys if keys is not None else overridden(), plain(cfg)["evaluate"], own_settings(run)
        return cls(run, asked if given is None else laid_over(own, asked, given, "evaluate"))

    @property
    def is_own(self) -> bool:
        """Whether these are the settings of the run's own score."""
        return self.settings == own_settings(self.run)

    @property
    def folder(self) -> Path:
        """Where the score lies: the run's folder, or scores/<8 hex of the settings> in it."""
        digest = hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()
        return self.run.folder if self.is_own else self.run.folder / runs.SCORES / digest[:8]

    @property
    def changes(self) -> dict[str, str]:
        """The settings in which the score differs from the run's own, by dotted name."""
        own, here = (flat({"evaluate": node}) for node in (own_settings(self.run), self.settings))
        return {name.removeprefix("evaluate."): value for name, value in here.items() if own.get(name) != value}


def rescore(asked: WhatIf) -> tuple[dict[str, Any], list[str]]:
    """Score a run with other settings into scores/<hash>/; return the metrics and the verdict's lines. The run is not touched."""
    assert not asked.is_own
    scores = score_run(asked.run, asked.settings)
    scores = replace(scores, metrics=scores.metrics | asked.run.costs)
    words = ", ".join(f"{name} {value}" for name, value in asked.changes.items())
    line = note_look(asked.run, asked.settings, scores.metrics)
    scores = with_conduct(asked.run, scores, asked.settings, line=line)
    runs.unfinish(asked.folder)
    write_scores(
        asked.run, scores, asked.folder, asked.settings, about={"title": f"{asked.run.folder.name}: what if {words}"}
    )
    write_passport(asked.run, scores, asked.folder)
    return scores.metrics, [*lines_of(scores), *looks_in_words(asked.run)]


def write_comparison(asked: Sequence[WhatIf]) -> tuple[pd.DataFrame, Path]:
    """Write one row per score, the runs' own among them, as scores.csv and scores.html; return the table and the page's path.

    One run's table lies in its scores folder, that of several runs beside them.
    """
    own = {each.run.folder: WhatIf(each.run, own_settings(each.run)) for each in asked}
    scores = list({each.folder: each for each in (*own.values(), *asked)}.values())
    table = comparison_rows(scores)
    place = next(iter(own)) / runs.SCORES if len(own) == 1 else next(iter(own)).parent
    runs.write_text(place / "scores.csv", neutral_table(table).to_csv(index=False))
    return table, write_what_if(place / "scores.html", table, title=", ".join(sorted(folder.name for folder in own)))


def comparison_rows(scores: Sequence[WhatIf]) -> pd.DataFrame:
    """Return one row per score: run (if there are several), the settings that differ, measures, threshold, verdict, folder."""
    settings = [flat({"evaluate": each.settings}) for each in scores]
    names = list(dict.fromkeys(name for each in settings for name in each))
    varied = [name for name in names if len({each.get(name, "") for each in settings}) > 1]
    rows = [
        {name.removeprefix("evaluate."): _number(told.get(name, "")) for name in varied} | _row(each)
        for told, each in zip(settings, scores, strict=True)
    ]
    table = (
        pd.DataFrame(rows).sort_values(
            [name.removeprefix("evaluate.") for name in varied], kind="stable", key=_sortable
        )
        if varied
        else pd.DataFrame(rows)
    )
    return table.drop(columns=["run"]) if table.run.nunique() == 1 else table


def _row(each: WhatIf) -> dict[str, Any]:
    metrics, verdict, chosen = (
        runs.read_part(each.folder, name) for name in (runs.METRICS, runs.VERDICT, runs.THRESHOLD)
    )
    measures = FORECAST if each.run.preprocessing["kind"] == "forecast" else RECOGNITION
    words = [f"{told} {verdict[name]['answer']}" for name, told in ANSWERS.items() if verdict.get(name)]
    return (
        {"run": each.run.folder.name}
        | {column: metrics.get(name) for column, name in measures.items()}
        | {
            "threshold": chosen.get("threshold"),
            "verdict": ", ".join(words),
            "own": each.is_own,
            "folder": str(each.folder),
        }
    )


def _number(text: str) -> str | float:
    """A setting as a number where it is one, so that fees sort and plot."""
    try:
        return float(text)
    except ValueError:
        return text


def _sortable(column: pd.Series) -> pd.Series:
    return column if column.dtype.kind == "f" else column.astype(str)
