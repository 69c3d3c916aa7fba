"""Score a sealed run on its test part: once, and written into the ledger of trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError, hint
from candlelab.core.run_log import RunLog
from candlelab.pipeline.training.seal import unseal


def unseal_run(cfg: DictConfig, *, run: str) -> dict[str, Any]:
    """Print the verdict of a run that was trained with evaluate.sealed=true, write its report; return its metrics.

    Raises UserError if it was not sealed, or if anything that was fixed then has changed.
    """
    folder = Path(run)
    if not (folder / runs.CONFIG).exists():
        near = [each.name for each in runs.runs_in(folder.parent)]
        raise ConfigError(f"there is no run in '{run}'{hint(folder.name, near)}")
    log = RunLog(folder / runs.LOG)
    with runs.locked(folder):
        metrics, verdict = unseal(folder)
    log.say(f"\n{verdict}\n\nreport {folder / runs.REPORT}")
    return metrics
