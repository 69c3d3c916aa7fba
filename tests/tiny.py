"""The smallest real run: overrides and subprocess calls that several test files share."""

import os
import subprocess
import sys
from pathlib import Path

from candlelab.config import compose, run_folder

ROOT = Path(__file__).resolve().parents[1]
TINY = (
    "experiment=smoke",
    "data.source.bars=700",
    "data.window=16",
    "model.image_size=16",
    "model.net.patch=8",
    "model.net.width=16",
    "model.net.image_layers=1",
    "model.net.caption_layers=1",
    "model.net.heads=2",
    "model.net.ffn_width=32",
    "model.net.fusion_heads=2",
    "trainer.progress=none",
    "evaluate.n_bootstrap=20",
    "evaluate.n_permutations=20",
    "evaluate.threshold.n_bootstrap=5",
)

LOGISTIC = (
    "model=logistic",
    "data=simulated",
    "data.source.bars=400",
    "data/indicators=bars",
    "data/scaling=none",
    "data.window=8",
    "trainer.progress=none",
    "trainer.max_epochs=2",
    "trainer.checkpoint_minutes=0",
    "evaluate.n_bootstrap=2",
    "evaluate.n_permutations=2",
    "evaluate.threshold.n_bootstrap=2",
)  # a run of a second


def folder_of(outputs: Path, *more: str) -> Path:
    """Return the folder of the tiny run under some outputs folder."""
    return run_folder(compose(*TINY, f"outputs={outputs}", *more))


def command(*words: str, cwd: Path = ROOT, seconds: float = 300, **env: str) -> subprocess.CompletedProcess:
    """Run `python -m candlelab` as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "candlelab", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=seconds,
    )


def trained(outputs: Path, *more: str) -> Path:
    """Train the tiny run in this process and return its folder."""
    from candlelab.config import build

    cfg = compose(*TINY, f"outputs={outputs}", *more)
    build(cfg, "task", cfg)
    return run_folder(cfg)


def learner_of(run):
    """A Learner around a finished run's net, for predictions."""
    from candlelab.trainer.module import Learner

    return Learner(run.model, None, None, classes=len(run.preprocessing["classes"]), seed=run.cfg.seed).eval()
