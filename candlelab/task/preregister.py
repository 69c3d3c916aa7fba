"""Write down what a run should show before it is trained: hypothesis, measure, threshold rule and config."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from candlelab.config import ConfigError, plain, run_folder
from candlelab.config.signature import signature
from candlelab.core.times import iso
from candlelab.core.trial_ledger import append_trial
from candlelab.pipeline.scores.conduct import REGISTERED
from candlelab.pipeline.scores.looks import settings_hash
from candlelab.pipeline.training.check import check_job

LONGEST = 500  # letters of a hypothesis


def preregister(
    cfg: DictConfig, *, hypothesis: str, measure: Literal["information", "beyond_baseline", "money"]
) -> dict[str, Any]:
    """Append a registration of the run that the rest of the command describes to the ledger of trials; return the line.

    hypothesis  in one sentence; measure: the question of the verdict that decides.
    The run's later reports say what was written down, whether config, fees and threshold rule were kept, and what came out.
    """
    words = " ".join(hypothesis.split())
    if not 0 < len(words) <= LONGEST:
        raise ConfigError(f"task.hypothesis has {len(words)} letters: give a sentence of 1 to {LONGEST}")
    check_job(cfg)
    folder, settings = run_folder(cfg), plain(cfg)["evaluate"]
    entry = {
        "time": iso(int(time.time() * 1000)),
        "study": folder.parent.name,
        "run": folder.name,
        "state": REGISTERED,
        "hypothesis": words,
        "measure": measure,
        "config": signature(cfg),
        "settings": settings_hash(settings),
        "evaluate": settings,
    }
    number = append_trial(Path(cfg.outputs), entry)
    print(
        f'line {number} of the ledger of trials: "{words}", by {measure.replace("_", " ")}, for the run {folder}\n'
        "train it with the same words without task=preregister; its reports will say whether they were kept",
        flush=True,
    )
    return entry
