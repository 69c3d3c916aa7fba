"""What the framework adds to a bare loop, for an image backbone of the benchmark."""

from __future__ import annotations

import time

import torch

from candlelab.config import compose
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.task.bench.pipeline import plain_step
from candlelab.task.bench.trainer import against_plain_loop

MOBILENET = (
    "model=timm_backbone",
    "model.net.backbone=mobilenetv3_small_100",
    "model.net.pretrained=false",
    "data=simulated",
    "data.source.bars=1200",
    "render=candles",
)


def bench_backbones(*, steps: int = 10) -> dict[str, float]:
    """Return samples per second of a full training run of mobilenetv3_small_100 at 224 and of bare loops, and their ratio.

    fixed_batch  forward, backward and step again and again on one batch; plain: over the same batches as the run.
    """
    found = against_plain_loop(*MOBILENET, rounds=2)
    parts = assemble(compose(*MOBILENET))
    batch = parts.data.assemble(torch.from_numpy(parts.data.samples("train")[: parts.data.batch_size]))
    step = plain_step(parts, total_steps=steps)
    step(batch)
    start = time.perf_counter()
    for _ in range(steps):
        step(batch)
    fixed = steps * len(batch["row"]) / (time.perf_counter() - start)
    return found | {
        "fixed_batch_samples_per_second": fixed,
        "ratio_to_fixed_batch": found["trainer_samples_per_second"] / fixed,
    }
