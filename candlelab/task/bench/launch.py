"""What several jobs at once on one machine save: the same sweep by one worker and by two."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from candlelab.config import compose, run_folder
from candlelab.core.run_folder import state
from candlelab.launch.local import LocalLauncher
from candlelab.task.bench._goals import reaches, told

EQUAL = (
    "model=cnn_1d",
    "data=simulated",
    "data/indicators=bars",
    "data/scaling=none",
    "data.source.bars=4000",
    "trainer.max_epochs=40",
    "trainer.patience=40",
    "trainer.progress=none",
    "evaluate.positive_control=off",
)
WORKERS = (1, 2)


def bench_launch(*, jobs: int = 8, rounds: int = 1) -> dict[str, Any]:
    """Return a row: how much faster two workers finish a sweep of equal jobs than one, the start of either included.

    Each job has one thread, whatever the number of workers; of `rounds` alternating measurements the fastest of each side counts.
    One job runs beforehand, unmeasured: what is compiled once per machine is there then.
    """
    _seconds(1, 1)
    spent: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    for _ in range(rounds):
        for workers in WORKERS:
            spent[workers].append(_seconds(jobs, workers))
    one, two = (min(spent[workers]) for workers in WORKERS)
    row = reaches(f"a sweep of {jobs} equal jobs by two workers", one / two, 1.7, against="one worker")
    return told([row]) | {"one_worker_seconds": one, "two_workers_seconds": two}


def _seconds(jobs: int, workers: int) -> float:
    with tempfile.TemporaryDirectory() as outputs:
        asked = [compose(*EQUAL, f"outputs={outputs}", f"seed={seed}") for seed in range(jobs)]
        start = time.perf_counter()
        LocalLauncher(jobs=workers, threads=1, gpus=0).run_all(asked)
        spent = time.perf_counter() - start
        assert all(state(run_folder(job)) == "finished" for job in asked), Path(outputs)
        return spent
