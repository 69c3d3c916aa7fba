"""What two processes of one run (distributed data parallel) on two cores train, against one process on one core and on both."""

from __future__ import annotations

import tempfile
from statistics import median
from typing import Any

import torch

from candlelab import run as runs
from candlelab.config import build, compose, run_folder
from candlelab.data.module import ChartData
from candlelab.pipeline.training.fit import learner_for, places
from candlelab.pipeline.training.ranks import others
from candlelab.task.bench._goals import reaches, told

CHARTS = (
    "model=cnn_small",
    "model.image_size=32",
    "data=simulated",
    "data.source.bars=8000",
    "data.window=32",
    "data.batch_size=256",
    "trainer=cpu",
    "trainer.max_epochs=4",
    "trainer.patience=4",
    "trainer.progress=none",
    "trainer.checkpoint_minutes=60",
)
SIDES = {"one_core": (1, 1), "both_cores": (1, 2), "two_processes": (2, 2)}  # processes, threads of all together


def bench_devices(*, rounds: int = 3) -> dict[str, Any]:
    """Return rows: charts per second in training of two processes as a multiple of one, medians of alternating rounds.

    The net is cnn_small, its charts drawn live; starting the processes and validation are left out, as in the report of a run.
    """
    speeds: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, (processes, threads) in SIDES.items():
            speeds[side].append(charts_per_second(*CHARTS, processes=processes, threads=threads))
    typical = {side: median(found) for side, found in speeds.items()}
    two, work = typical["two_processes"], "training cnn_small in two processes"
    rows = [
        reaches(work, two / typical["one_core"], 1.6, against="one process with one thread"),
        reaches(work, two / typical["both_cores"], 1, against="one process with two threads"),
    ]
    return told(rows) | {f"{side}_charts_per_second": speed for side, speed in typical.items()}


def charts_per_second(*overrides: str, processes: int, threads: int) -> float:
    """Return what a training run on so many CPU processes reports; they share the threads."""
    before = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as outputs:
        cfg = compose(*overrides, f"trainer.devices={processes}", f"outputs={outputs}")
        folder = run_folder(cfg)
        runs.start(folder, cfg)
        torch.set_num_threads(threads)
        try:
            parts, learner = learner_for(cfg)
            trainer = build(cfg, "trainer")
            with others(trainer, parts.data, folder) as ranks:
                data = ChartData(parts.data)
                return float(trainer.fit(learner, data, places(folder), resume=False, ranks=ranks).samples_per_second)
        finally:
            torch.set_num_threads(before)
