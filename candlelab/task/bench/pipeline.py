"""What drawing and feeding cost a training step of the small fusion net."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from candlelab.config import compose
from candlelab.core.batch import Batch
from candlelab.pipeline.inputs.assemble import Parts, assemble

SMALL = ("model=fusion_small", "data=simulated", "data.source.bars=4000")


def bench_pipeline(*, rounds: int = 20) -> dict[str, float]:
    """Return the median seconds of feeding a batch and of a step on it, taken in turn, and feeding's share of both.

    feeding  gathering rows, drawing charts and looking up captions, as SampleSet.assemble does.
    step     forward, loss, backward, clipping and optimizer.
    """
    torch.manual_seed(0)
    parts = assemble(compose(*SMALL))
    step, samples = plain_step(parts, total_steps=rounds), parts.data.samples("train")
    rng = np.random.default_rng(0)
    feeding, stepping = [], []
    for _ in range(rounds + 3):
        start = time.perf_counter()
        batch = parts.data.assemble(torch.from_numpy(rng.choice(samples, parts.data.rows_per_batch)))
        middle = time.perf_counter()
        step(batch)
        feeding.append(middle - start)
        stepping.append(time.perf_counter() - middle)
    fed, stepped = float(np.median(feeding[3:])), float(np.median(stepping[3:]))
    return {
        "batch": parts.data.rows_per_batch,
        "feeding_seconds": fed,
        "step_seconds": stepped,
        "feeding_share": fed / (fed + stepped),
    }


def plain_step(parts: Parts, *, total_steps: int) -> Callable[[Batch], float]:
    """Return a function that trains one step on a batch, in plain PyTorch, as the trainer does it: clipping included."""
    made = parts.optimizer.configure(parts.net, total_steps, total_steps)
    optimizer = made["optimizer"]
    parts.net.train()

    def step(batch) -> float:
        optimizer.zero_grad()
        loss = parts.loss(parts.net(batch), batch)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts.net.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    return step
