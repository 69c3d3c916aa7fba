"""What the framework adds to a plain PyTorch loop over the same batches of the same net."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
from omegaconf import DictConfig

from candlelab.config import build, compose
from candlelab.core.batch import Batch
from candlelab.data.module import ChartData
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.pipeline.training.fit import places
from candlelab.task.bench.pipeline import plain_step

SEQUENCES = (
    "model=cnn_lstm_attn",
    "data=simulated",
    "data/label=three_class",
    "data.source.bars=12000",
    "data.batch_size=64",
)


def bench_trainer() -> dict[str, float]:
    """Return samples per second of a whole training run and of the plain loop, for the sequence net, and their ratio."""
    return against_plain_loop(*SEQUENCES, rounds=3)


def against_plain_loop(*overrides: str, rounds: int) -> dict[str, float]:
    """Return the best of `rounds` alternating measurements: trainer (one epoch, feeding included), plain loop, ratio.

    plain        forward, loss, backward, clipping and step over batches that were prepared beforehand.
    whole_ratio  the same with validation counted on both sides, and on the trainer's its checkpoints too.
    """
    cfg = compose(*overrides, "trainer.max_epochs=1", "trainer.progress=none")
    plain, trained = [], []
    for _ in range(rounds):
        plain.append(plain_epoch(cfg))
        trained.append(one_epoch(cfg))
    fastest, speed = max(rate for rate, _ in plain), max(epoch.samples_per_second for epoch in trained)
    return {
        "plain_samples_per_second": fastest,
        "trainer_samples_per_second": speed,
        "ratio": speed / fastest,
        "whole_ratio": min(seconds for _, seconds in plain) / min(epoch.seconds for epoch in trained),
        "feeding_share": min(epoch.feeding_share for epoch in trained),
    }


def plain_epoch(cfg: DictConfig) -> tuple[float, float]:
    """Return samples per second of a bare loop, and its seconds with one look at the validation batches."""
    torch.manual_seed(0)
    parts = assemble(cfg)
    data = ChartData(parts.data)
    batches, unseen = (
        [parts.data.assemble(rows) for rows in loader] for loader in (data.train_dataloader(), data.val_dataloader())
    )
    step = plain_step(parts, total_steps=len(batches))
    step(batches[0])
    start = time.perf_counter()
    for batch in batches:
        step(batch)
    trained = time.perf_counter()
    with torch.inference_mode():
        for batch in unseen:
            parts.loss(parts.net(batch), batch)
    return len(parts.data.samples("train")) / (trained - start), time.perf_counter() - start


class Epoch(NamedTuple):
    """What an epoch of the trainer was measured at; seconds count its validation and checkpoints."""

    samples_per_second: float
    feeding_share: float
    seconds: float


def one_epoch(cfg: DictConfig) -> Epoch:
    """Return the figures of one epoch of the trainer."""
    from candlelab.trainer.module import Learner

    torch.manual_seed(0)
    parts = assemble(cfg)
    learner = Learner(parts.net, parts.loss, parts.optimizer, classes=len(parts.data.label.classes), seed=0)
    feeding = _TimedData(parts.data)
    with tempfile.TemporaryDirectory() as folder:
        fit = build(cfg, "trainer").fit(learner, feeding, places(Path(folder)), resume=False)
    return Epoch(fit.samples_per_second, feeding.seconds / fit.training_seconds, fit.seconds)


class _TimedData(ChartData):
    """Times how long training batches take to make."""

    seconds = 0.0

    def on_after_batch_transfer(self, batch: torch.Tensor, dataloader_idx: int) -> Batch:
        start = time.perf_counter()
        made = super().on_after_batch_transfer(batch, dataloader_idx)
        if self.trainer is not None and self.trainer.training:
            self.seconds += time.perf_counter() - start
        return made
