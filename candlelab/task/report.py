"""Score the predictions of finished runs and write what people read."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError
from candlelab.pipeline.load import load_run
from candlelab.pipeline.scoring import costs_of, score_and_report


def report(cfg: DictConfig, *, run: str | None) -> dict | None:
    """Score one run (task.run=FOLDER) or a whole study (study=NAME) again with the present evaluate settings."""
    if run is None:
        return report_study(cfg)
    found = load_run(run)
    metrics, verdict = score_and_report(found, cfg, extra=costs_of(found.metrics), data=None)
    print(f"{verdict}\n\nreport {found.folder / 'report.html'}", flush=True)
    return metrics


def report_study(cfg: DictConfig) -> None:
    """Write the leaderboard and the report of all runs of a study; failed and unfinished ones are named with their reason."""
    from candlelab.pipeline.study import write_study
    folder = Path(cfg.outputs) / cfg.study
    if not runs.runs_in(folder):
        raise ConfigError(f"there are no runs in '{folder}': give task.run=FOLDER, or the name of a study with study=NAME")
    write_study(folder, cfg)
