"""How long the jobs of a sweep will take and how much memory: told before the first starts, corrected by each that ends."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from candlelab import run as runs
from candlelab.config import build, plain, run_folder
from candlelab.core.batch import Shapes
from candlelab.core.run_log import duration
from candlelab.pipeline.inputs.shared import share_prepared
from candlelab.pipeline.training.batch_size import batch_on_cpu
from candlelab.pipeline.training.measure import resident_mb
from candlelab.pipeline.training.weigh import BYTES, check_weight

if TYPE_CHECKING:
    from candlelab.data.samples import SampleSet

PROBE = 2  # samples of the step that is timed
MANY, PATIENCE = 32, 0.5  # as many instead, where a step of them takes less than so many seconds
TRIES = 3  # of a step: another program on the same cores can make one of them a hundred times slower
FORWARD = 1 / 3  # of a training step's time


@dataclass
class Guess:
    """What one job may cost: seconds (all its epochs, without early stopping) and megabytes at the peak."""

    name: str
    seconds: float
    megabytes: float


class Plan:
    """The estimates of all jobs of a sweep.

    Every distinct net takes one training step on two made-up samples, with random weights. The number of samples is that of the
    first job's data, which are prepared for it anyway. Memory: what is held now, parameters with gradients and moments, and the
    activations that one sample keeps for its gradient, times the batch.
    """

    def __init__(self, jobs: list[DictConfig]):
        self._steps: dict[str, tuple[float, float, int]] = {}
        self._samples: tuple[int, int] | None = None
        self._correction: list[float] = []
        todo = [job for job in jobs if runs.state(run_folder(job)) not in ("finished", "sealed")]
        self.guesses = {run_folder(job): guess for job in todo if (guess := self._guess(job))}
        self._left = dict(self.guesses)
        if self.guesses:
            self._show()
        self._since = time.monotonic()

    def _show(self) -> None:
        """Print one line per job that is not finished, and the sum."""
        table = Table("job", "time", "memory", title="At most, by one step of each net and no early stopping")
        for guess in self.guesses.values():
            table.add_row(guess.name, duration(guess.seconds), f"{guess.megabytes:,.0f} MB")
        total, most = sum(g.seconds for g in self.guesses.values()), max(g.megabytes for g in self.guesses.values())
        table.add_row("all", duration(total), f"{most:,.0f} MB at the peak", style="bold")
        Console(width=100).print(table)

    def finished(self, job: DictConfig) -> None:
        """Correct the estimate of what is left by what this job took, and print it."""
        guess, spent = self._left.pop(run_folder(job), None), time.monotonic() - self._since
        self._since = time.monotonic()
        if guess is None:
            return
        if runs.state(run_folder(job)) in ("finished", "sealed"):
            self._correction.append(spent / guess.seconds)
        if self._left:
            print(
                f"{len(self.guesses) - len(self._left)} of {len(self.guesses)} jobs done, about {duration(self.seconds_left())} left",
                flush=True,
            )

    def seconds_left(self) -> float:
        """The first estimates of the jobs left, times the median of how wrong they were so far."""
        return sum(guess.seconds for guess in self._left.values()) * float(np.median(self._correction or [1.0]))

    def _guess(self, job: DictConfig) -> Guess | None:
        """What a job may cost; None if its data or its step fails, which the job will say itself when its turn comes.

        Settings that make no net raise ValueError: a mistake is told before the first job starts.
        """
        try:
            data = build(job, "data", build(job, "render") if job.get("render") else None)
            if self._samples is None:
                data = share_prepared(job, data)
                self._samples = len(data.samples("train")), len(data.samples("validation"))
        except (ValueError, RuntimeError, OSError):
            return None
        key = json.dumps([plain(job)["model"], str(data.shapes)], sort_keys=True)
        if key not in self._steps:
            build(job, "model.optimizer")
            net = random_net(job, data.shapes)
            try:
                self._steps[key] = one_step(net, data.shapes)
            except (ValueError, RuntimeError):
                return None
        return self._of_step(job, self._steps[key], data.batch_size)

    def _of_step(self, job: DictConfig, step: tuple[float, float, int], batch_size: int | Literal["auto"]) -> Guess:
        """What a job costs whose net's step was timed."""
        assert self._samples is not None
        return guess_of(job, step, batch_size, self._samples)


def guess_of(
    job: DictConfig, step: tuple[float, float, int], batch_size: int | Literal["auto"], samples: tuple[int, int]
) -> Guess:
    """Return what a job costs whose net's step was timed; samples: of training and of validation."""
    seconds, megabytes, parameters = step
    rows = batch_on_cpu(parameters) if batch_size == "auto" else batch_size
    train, validation = samples
    epochs = job.trainer.max_epochs
    if job.trainer.max_steps is not None:
        epochs = max(1, min(epochs, job.trainer.max_steps // -(-train // rows)))
    return Guess(
        run_folder(job).name,
        epochs * seconds * (train + FORWARD * validation),
        resident_mb() + parameters * BYTES / 2**20 + megabytes * min(rows, train),
    )


def guess_of_run(cfg: DictConfig, data: SampleSet) -> Guess:
    """Return what the fit of one run may cost on its prepared data, drawing included; the random state stays as it was."""
    with torch.random.fork_rng():
        net = random_net(cfg, data.shapes)
        seconds, megabytes, parameters = one_step(net, data.shapes)
    if "image" in data.reads:
        seconds += drawing_seconds(data)
    return guess_of(
        cfg,
        (seconds, megabytes, parameters),
        data.rows_per_batch,
        (len(data.samples("train")), len(data.samples("validation"))),
    )


def drawing_seconds(data: SampleSet) -> float:
    """Return the seconds that one chart takes, drawn or read, in a batch."""
    ends = data.prepared.ends[data.samples("train")[:MANY]]
    data.charts(ends)  # the first call compiles
    start = time.perf_counter()
    data.charts(ends)
    return (time.perf_counter() - start) / len(ends)


def random_net(job: DictConfig, shapes: Shapes) -> torch.nn.Module:
    """Return the job's net with random weights; raises ValueError if its settings make none."""
    cfg = job.copy()
    if "pretrained" in cfg.model.net:
        cfg.model.net.pretrained = False
    check_weight(cfg, shapes)
    return build(cfg, "model.net", shapes)


def one_step(net: torch.nn.Module, shapes: Shapes) -> tuple[float, float, int]:
    """Return seconds per sample of a training step, megabytes that one sample keeps for its gradient, and the parameters."""
    _timed(net, shapes, PROBE)  # the first step of a net is slow, backwards too
    kept: dict[int, int] = {}

    def keep(tensor):
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        seconds = _timed(net, shapes, PROBE)
    if seconds * MANY / PROBE < PATIENCE:  # a small net takes hardly longer for many samples than for two
        seconds = _timed(net, shapes, MANY) * PROBE / MANY
    own = {p.data_ptr() for p in net.parameters()}
    activations = sum(size for place, size in kept.items() if place not in own)
    return seconds / PROBE, activations / PROBE / 2**20, sum(p.numel() for p in net.parameters())


def _timed(net: torch.nn.Module, shapes: Shapes, rows: int) -> float:
    """Return the seconds of one training step on made-up samples: the quickest of three, of fewer where they are slow.

    Other programs stretch the clock and not the work: where the clock ran longer than this process computed, that counts.
    """
    batch = made_up(shapes, rows)
    spent: list[float] = []
    while len(spent) < TRIES and sum(spent) < PATIENCE / 2:
        start, worked = time.perf_counter(), time.process_time()
        output = net(batch)
        sum(value.float().sum() for name, value in output.items() if name != "attention").backward()
        spent.append(min(time.perf_counter() - start, time.process_time() - worked))
    return min(spent)


def made_up(shapes: Shapes, rows: int) -> dict[str, torch.Tensor]:
    """A batch of the given shapes with every input, to try a net on."""
    batch = {
        "row": torch.arange(rows),
        "label": torch.zeros(rows, dtype=torch.int64),
        "target": torch.zeros(rows),
        "forward_return": torch.zeros(rows),
    }
    if shapes.image:
        batch["image"] = torch.randint(0, 256, (rows, *shapes.image), dtype=torch.uint8)
    if shapes.caption:
        batch["caption"] = torch.ones(rows, shapes.caption, dtype=torch.int64)
        batch["caption_mask"] = torch.ones(rows, shapes.caption, dtype=torch.bool)
    if shapes.series:
        batch["series"] = torch.rand(rows, *shapes.series) + 1.0
    return batch
