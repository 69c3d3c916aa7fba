"""What several jobs at once on one machine save: the same sweep by one worker and by two."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from candlelab.config import compose, run_folder
from candlelab.core.run_folder import state
from candlelab.launch.local import LocalLauncher

EQUAL = (
    "model=cnn_1d",
    "data=simulated",
    "data/indicators=bars",
    "data/scaling=none",
    "data.source.bars=4000",
    "trainer.max_epochs=24",
    "trainer.patience=24",
    "trainer.progress=none",
    "evaluate.positive_control=off",
)


def bench_launch(*, jobs: int = 8) -> dict[str, float]:
    """Return the seconds that one and two workers need for a sweep of equal jobs, with their start, and how much faster two are.

    Each job has one thread, whatever the number of workers.
    """
    seconds = {workers: _seconds(jobs, workers) for workers in (1, 2)}
    return {
        "jobs": jobs,
        "one_worker_seconds": seconds[1],
        "two_workers_seconds": seconds[2],
        "speed_up": seconds[1] / seconds[2],
    }


def _seconds(jobs: int, workers: int) -> float:
    with tempfile.TemporaryDirectory() as outputs:
        asked = [compose(*EQUAL, f"outputs={outputs}", f"seed={seed}") for seed in range(jobs)]
        start = time.perf_counter()
        LocalLauncher(jobs=workers, threads=1, gpus=0).run_all(asked)
        spent = time.perf_counter() - start
        assert all(state(run_folder(job)) == "finished" for job in asked), Path(outputs)
        return spent
