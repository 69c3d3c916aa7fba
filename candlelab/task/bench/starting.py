"""What a command costs before and beside its work: a finished run repeated, a prediction, a smoke run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from candlelab.core.errors import UserError
from candlelab.task.bench._goals import Row, stays_within, told

SMOKE = ("experiment=smoke", "trainer.progress=none")
LOGISTIC = (
    "model=logistic",
    "data=simulated",
    "data.source.bars=2000",
    "data/indicators=bars",
    "data/scaling=none",
    "trainer.max_epochs=2",
    "trainer.progress=none",
)


def bench_starting(*, rounds: int = 5) -> dict[str, Any]:
    """Return the rows of starting: seconds on the clock of whole commands in processes of their own, the best of some rounds."""
    with tempfile.TemporaryDirectory(prefix="candlelab-bench-") as outputs:
        place = f"outputs={outputs}"
        smoke = min(seconds_of(*SMOKE, place, f"seed={seed}") for seed in range(max(1, rounds // 2)))
        runs = {name: _run(Path(outputs), *words) for name, words in (("fusion_small", SMOKE), ("logistic", LOGISTIC))}
        rows = [
            stays_within("a smoke run, whole", smoke, 6.0, unit="s"),
            stays_within("a finished run repeated", _best(rounds, *SMOKE, place), 0.6, unit="s"),
        ]
        for name, folder in runs.items():
            rows += _predictions(name, folder, rounds)
    return told(rows)


def _predictions(name: str, folder: Path, rounds: int) -> list[Row]:
    asked = ("task=predict", f"task.run={folder}")
    seconds_of("task=export", f"task.run={folder}")
    return [
        stays_within(f"task=predict of {name}, torch", _best(rounds, *asked), 2.5, unit="s"),
        stays_within(f"task=predict of {name}, onnx", _best(rounds, *asked, "task.engine=onnx"), 0.7, unit="s"),
    ]


def _run(outputs: Path, *words: str) -> Path:
    seconds_of(*words, f"outputs={outputs}", "study=bench")
    return max((outputs / "bench").iterdir(), key=lambda folder: folder.stat().st_mtime)


def _best(rounds: int, *words: str) -> float:
    return min(seconds_of(*words) for _ in range(rounds))


def seconds_of(*words: str) -> float:
    """Return how long a command takes from its start to its end. Raises UserError, with what it said, where it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "candlelab", *words], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    if done.returncode:
        raise UserError(f"`candlelab {' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return time.perf_counter() - start
