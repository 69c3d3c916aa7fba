"""What checkpoints cost a training: whole fits with and without, and a net of 86 million weights."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from candlelab.config import build, compose
from candlelab.data.module import ChartData
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.pipeline.training.fit import places
from candlelab.task.bench._goals import Row, stays_within, told
from candlelab.trainer.module import Learner
from candlelab.trainer.writer import CheckpointWriter

FIT = ("model=cnn_small", "data=simulated", "data.source.bars=6000", "trainer.patience=9", "trainer.progress=none")
WEIGHTS, LAYERS = 86_000_000, 150  # of a ViT-base
APART = 300.0  # seconds between two checkpoints inside an epoch, trainer.checkpoint_minutes=5


def bench_checkpoints(*, rounds: int = 3, epochs: int = 3) -> dict[str, Any]:
    """Return the rows of checkpoints: what they add to a fit, written after every epoch, and what a large one takes of five minutes."""
    cfg = compose(*FIT, f"trainer.max_epochs={epochs}")
    with_them, without = [], []
    for _ in range(rounds):
        with_them.append(_seconds(cfg))
        with patch.object(CheckpointWriter, "save_checkpoint", _first_only):
            without.append(_seconds(cfg))
    added = min(with_them) / min(without) - 1
    against = f"the same fit of {min(without):.0f} s without"
    return told(
        [stays_within("checkpoints of cnn_small, after each epoch", added, 0.02, against=against), *_large(rounds)]
    )


_save = CheckpointWriter.save_checkpoint


def _first_only(self: CheckpointWriter, checkpoint: dict[str, Any], path: Path, storage_options: Any = None) -> None:
    """Write the first one, which the fit reads in the end, and no other."""
    if not Path(path).exists() and Path(path).name.startswith("best"):
        _save(self, checkpoint, path)
        self.wait()


def _seconds(cfg: Any) -> float:
    torch.manual_seed(0)
    parts = assemble(cfg)
    learner = Learner(parts.net, parts.loss, parts.optimizer, classes=len(parts.data.label.classes), seed=0)
    with tempfile.TemporaryDirectory() as folder:
        return float(
            build(cfg, "trainer").fit(learner, ChartData(parts.data), places(Path(folder)), resume=False).seconds
        )


def _large(rounds: int) -> list[Row]:
    """How long a step waits for a checkpoint of a large net, the first one apart, and how large the best is beside the last."""
    weights = {f"layer{k}": torch.randn(WEIGHTS // LAYERS) for k in range(LAYERS)}
    moments: dict[str, Tensor] = {f"{name}.{k}": value * 0.1 for name, value in weights.items() for k in (1, 2)}
    waited = []
    with tempfile.TemporaryDirectory() as folder:
        at, writer = places(Path(folder)), CheckpointWriter({})
        for _ in range(rounds):
            waited.append(
                _waits(writer, {"state_dict": weights}, at.best)
                + _waits(writer, {"state_dict": weights, "optimizer_states": moments}, at.last)
            )
        writer.wait()
        share = at.best.stat().st_size / at.last.stat().st_size
    return [
        stays_within(
            "a step's wait for checkpoints of 86 M weights",
            min(waited[1:]) / APART,
            0.02,
            against="the five minutes between two",
        ),
        stays_within("the first one's wait", waited[0] / APART, 0.02, against="the five minutes between two"),
        stays_within("bytes of best.ckpt", share, 0.34, against="last.ckpt"),
    ]


def _waits(writer: CheckpointWriter, checkpoint: dict[str, Any], path: Path) -> float:
    begin = time.perf_counter()
    writer.save_checkpoint(checkpoint, path)
    waited = time.perf_counter() - begin
    writer._under_way[path].result()  # minutes later, in a training
    return waited
