"""Memory of large runs, each measured in a process of its own: a run on two million bars, its report, scoring, above a small one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from candlelab.core.errors import UserError
from candlelab.task.bench._goals import Row, stays_within, told

SMALL, LARGE = 20_000, 2_100_000
RUN = (
    "model=logistic",
    "data=simulated",
    "data.interval=1m",
    "data/indicators=bars",
    "data/scaling=none",
    "trainer.max_steps=500",
    "trainer.progress=none",
)
GB = 1e9
# The process that is measured starts the one that counts: what the system says of a child is its highest, whoever the parent is.
WATCH = (
    "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.stderr.buffer.write(done.stderr); sys.exit(done.returncode)"
)
SCORE = "from candlelab.task.bench.memory import score_noise; score_noise({count})"


def bench_memory(*, small: int = SMALL, large: int = LARGE) -> dict[str, Any]:
    """Return the rows of memory: the most that a whole process held (resident, its program and libraries counted), in GB."""
    with tempfile.TemporaryDirectory(prefix="candlelab-bench-") as outputs:
        held = {bars: _run_and_report(Path(outputs), bars) for bars in (small, large)}
    run, report = (held[large][k] - held[small][k] for k in (0, 1))
    against = f"one on {small:,} bars"
    return told(
        [
            _within(f"a run on {large:,} bars, above", run, 0.6, against),
            _within("its report, above", report, 0.6, f"that of {small:,} bars"),
            _within("its report, whole process", held[large][1], 0.6, ""),
            _within(f"scoring {large:,} rows x 7 models, whole process", _scoring(large), 1.5, ""),
        ]
    ) | {"gigabytes": {f"{bars:,}": {"run": pair[0], "report": pair[1]} for bars, pair in held.items()}}


def _within(work: str, gigabytes: float, goal: float, against: str) -> Row:
    return stays_within(work, gigabytes, goal, against=against, unit="GB")


def _run_and_report(outputs: Path, bars: int) -> tuple[float, float]:
    study = f"bars{bars}"
    words = ("-m", "candlelab", *RUN, f"data.source.bars={bars}", f"outputs={outputs}", f"study={study}")
    run = gigabytes_of(*words)
    folder = next(path for path in (outputs / study).iterdir() if path.is_dir())
    return run, gigabytes_of("-m", "candlelab", "task=report", f"task.run={folder}")


def _scoring(rows: int) -> float:
    return gigabytes_of("-c", SCORE.format(count=rows))


def gigabytes_of(*words: str) -> float:
    """Return the most memory that a Python process held from its start to its end. Raises UserError, with what it said, where it fails."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, sys.executable, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"`python {' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout.split()[-1]) * unit / GB


def score_noise(count: int) -> None:
    """Score a table of seven models that know nothing on so many rows, as a run reads it."""
    from candlelab.config import build, compose
    from candlelab.task.bench.columns import predictions_of_noise

    evaluation = build(compose("data=simulated"), "evaluate")
    evaluation.score(predictions_of_noise(count), horizon=1, interval="1m", kind="forecast", classes=("down", "up"))
