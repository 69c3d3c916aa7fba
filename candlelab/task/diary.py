"""Judge a diary: fill in what happened since, answer the three questions on the lines that were written in time, write a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig

from candlelab.config import ConfigError
from candlelab.core import files
from candlelab.core.errors import UserError
from candlelab.core.files import json_text
from candlelab.core.spreadsheet import neutral_table
from candlelab.pipeline.diary.feed import Feed
from candlelab.pipeline.diary.lines import DIARY, FOLDER, checked_lines, diary_in
from candlelab.pipeline.diary.outcomes import MEANING
from candlelab.pipeline.diary.review import Review, review
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.overrides import overridden
from candlelab.report.diary_page import write_diary_page

PAGE, RECORD, OUTCOMES = "diary.html", "diary.json", "outcomes.csv"
Lines = Sequence[Mapping[str, Any]]


def judge_diary(
    cfg: DictConfig, *, diary: str | None, run: str | None, late: float | None, history: int
) -> dict[str, Any]:
    """Print the verdict on each run in a diary and write diary.html, diary.json and outcomes.csv; return the record.

    diary    its folder; None: outputs/diary. The diary itself is never written to.
    run      only this run's lines, its folder; None: those of every run, found in the outputs folder by name.
    late     bars after the close within which a line must have been written; None: up to the outcome.
    history  bars before the first line on which the baselines learn.
    data/source=…, data.symbols and data.interval are given as to task=watch.
    Raises UserError where a line was changed: the page then says which, and nothing is judged.
    """
    if late is not None and not late > 0:
        raise ConfigError(f"task.late is {late}: give bars after the close, above 0, or null")
    if history < 0:
        raise ConfigError(f"task.history is {history}: give bars before the first line, 0 or more")
    place = Path(cfg.outputs) / FOLDER if diary is None else Path(diary)
    found = diary_in(place).read()
    if not found.entries and not found.faults:
        raise ConfigError(f"there is no line in '{place / DIARY}': task=watch writes them")
    reviews = [] if found.faults else _reviews(cfg, checked_lines(found.entries), run, late, history)
    told = {"lines": len(found.entries), "faults": list(found.faults), "runs": [each.row() for each in reviews]}
    files.write_text(place / RECORD, json_text(told))
    if reviews:
        table = pd.concat([each.outcomes.assign(run=each.run) for each in reviews], ignore_index=True)
        files.write_text(place / OUTCOMES, neutral_table(table.drop(columns="row")).to_csv(index=False))
    page = write_diary_page(place / PAGE, reviews, faults=found.faults, meaning=MEANING, lines=len(found.entries))
    _show(reviews)
    print(f"\nreport {page}", flush=True)
    if found.faults:
        raise UserError(f"'{place / DIARY}' was changed, and nothing in it is judged: {'; '.join(found.faults)}")
    return told


def _reviews(cfg: DictConfig, entries: Lines, run: str | None, late: float | None, history: int) -> list[Review]:
    """Return the review of each run and interval, in the order of their first lines."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in entries:
        groups.setdefault((line["run"], line["interval"]), []).append(line)
    made = []
    for (name, _), lines in groups.items():
        folder = Path(cfg.outputs) / name if run is None else Path(run)
        if run is not None and folder.name != name.rsplit("/", 1)[-1]:
            continue
        loaded = load_or_download(folder)
        feed = Feed(InputMaker.of(loaded), cfg, overridden() or [])
        made.append(review(loaded, feed, lines, late=late, history=history, seed=cfg.seed))
    if not made:
        raise ConfigError(
            f"the diary holds no line of '{run}': it holds {', '.join(sorted({name for name, _ in groups}))}"
        )
    return made


def _show(reviews: Sequence[Review]) -> None:
    for each in reviews:
        counts = ", ".join(f"{count:,} {status}" for status, count in each.counts.items())
        print(f"\n{each.run} {each.interval}: {counts}")
        print(*(each.scores.verdict.lines() if each.scores is not None else [f"not judged: {each.why}"]), sep="\n")
        for promise in each.promised:
            print(f"{promise.question} {promise.word}")
        print(each.power(), flush=True)
