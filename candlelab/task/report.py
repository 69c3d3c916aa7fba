"""Score the predictions of finished runs again with other settings, and write what people read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.overrides import keys_of
from candlelab.pipeline.scores import scoring
from candlelab.pipeline.scores.trust import check_predictions
from candlelab.pipeline.scores.what_if import WhatIf, rescore, write_comparison
from candlelab.report.what_if_page import readable


def report(cfg: DictConfig, *, run: str | None) -> dict[str, Any] | None:
    """Score a run (task.run=FOLDER) with other evaluate settings, into its scores/ folder; or report on a study (study=NAME).

    A run's own score is made once and stays: with its own settings only the page is written anew.
    """
    if run is None:
        report_study(cfg)
        return None
    found = load_or_download(run)
    check_predictions(found)
    asked = WhatIf.of(cfg, found)
    if not asked.is_own:
        metrics, lines = rescore(asked)
    else:
        metrics, lines = _own(found, cfg)
    print("\n".join(["", *lines, "", f"report {asked.folder / runs.REPORT}"]), flush=True)
    return metrics


def _own(run: runs.Run, cfg: DictConfig) -> tuple[dict[str, Any], list[str]]:
    """Write the page of the run's own score; make that score where a stop came before it was whole."""
    if not scoring.has_own_score(run):
        metrics, words = scoring.score_and_report(run, cfg, extra=run.costs, data=None)
        return metrics, words.splitlines()
    scores = scoring.own_scores(run)
    scoring.write_page_again(run, scores)
    return run.metrics, scoring.lines_of(scores)


def compare(jobs: Sequence[DictConfig], words: Sequence[str]) -> None:
    """Print and write one table of the scores that the jobs of a sweep made; words are the overrides of the command."""
    found = {}
    for job in jobs:
        folder = job.task.run
        if folder is not None and folder not in found:
            found[folder] = load_or_download(folder)
    keys = [*keys_of(list(words)), *_varied(jobs)]
    asked = [WhatIf.of(job, found[job.task.run], keys) for job in jobs if job.task.run is not None]
    asked = [each for each in asked if (each.folder / runs.METRICS).exists()]  # a job that failed has said why
    if not asked:
        return
    table, path = write_comparison(asked)
    print(f"\n{readable(table).to_string(index=False)}\n\ntable {path.with_suffix('.csv')}\nreport {path}", flush=True)


def _varied(jobs: Sequence[DictConfig]) -> list[str]:
    """Return the settings of evaluate in which the jobs differ: a sweep's own file may vary what no word of the command names."""
    settings = [job.evaluate for job in jobs]
    return [f"evaluate.{name}" for name in settings[0] if any(each.get(name) != settings[0][name] for each in settings)]


def report_study(cfg: DictConfig) -> None:
    """Write the leaderboard and the report of all runs of a study; failed and unfinished ones are named with their reason."""
    from candlelab.pipeline.studies.study import write_study

    folder = Path(cfg.outputs) / cfg.study
    if not runs.runs_in(folder):
        raise ConfigError(
            f"there are no runs in '{folder}': give task.run=FOLDER, or the name of a study with study=NAME"
        )
    states = {path: runs.state(path) for path in runs.runs_in(folder)}
    if set(states.values()) == {"sealed"}:
        print(
            f"study {folder.name}: {len(states)} runs, all sealed; task=unseal task.run=FOLDER scores one", flush=True
        )
        return
    for path, state in states.items():
        if state == "finished":
            check_predictions(runs.Run(path))
    write_study(folder, cfg)
