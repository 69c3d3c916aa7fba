"""Autotuning of the training step on a CPU: precision and memory format, chosen by a short measurement of the net itself."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from candlelab.core import files
from candlelab.core.batch import Batch
from candlelab.core.forms import STEP
from candlelab.core.reading import json_of

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
MemoryFormat = Literal["contiguous", "channels_last"]
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
WIN = 1.15  # times as fast as the plain step: less is not worth other digits
SECONDS, SHARE = 1.0, 0.01  # the measurement may take a second, or a hundredth of the fit
ROUNDS, FEWEST = 5, 8  # of each way; rows below which a step says little about one of a whole batch
LOSS_OFF, SAME_WAY = 0.01, 0.98  # relative difference of the losses; cosine between the gradients


@dataclass(frozen=True)
class StepMode:
    """How a training step is computed."""

    precision: Precision
    memory_format: MemoryFormat


@dataclass(frozen=True)
class StepTrial:
    """What one way of computing the step showed beside the plain one.

    speed     times as fast, forward and backward; 0 where it was not timed.
    loss_off  relative difference of the loss; cosine: between the gradients of all weights.
    """

    precision: Precision
    memory_format: MemoryFormat
    speed: float
    loss_off: float
    cosine: float

    @property
    def agrees(self) -> bool:
        """Whether it computes the same step but for rounding."""
        return self.loss_off <= LOSS_OFF and self.cosine >= SAME_WAY

    def words(self) -> str:
        """Return it as words for people."""
        apart = f"disagrees (loss {100 * self.loss_off:.1f} % off, cosine of the gradients {self.cosine:.3f})"
        return f"{self.precision} {self.memory_format} {f'{self.speed:.2f} x as fast' if self.agrees else apart}"


@dataclass(frozen=True)
class StepChoice:
    """The step that a fit is trained with, and what was tried beside the plain one."""

    step: StepMode
    rows: int
    tried: tuple[StepTrial, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for the record of the run."""
        return asdict(self.step) | {"rows": self.rows, "tried": [asdict(each) for each in self.tried]}

    @classmethod
    def of_dict(cls, told: dict[str, Any]) -> StepChoice:
        """Return what `as_dict` gave."""
        step = StepMode(told["precision"], told["memory_format"])
        return cls(step, told["rows"], tuple(StepTrial(**each) for each in told["tried"]))

    def words(self) -> str:
        """Return it as a line for people."""
        chosen = f"training steps in {self.step.precision}, {self.step.memory_format}"
        if not self.tried:
            return f"{chosen}: the fit is too short to measure others"
        return f"{chosen}; against the plain step {', '.join(each.words() for each in self.tried)}"


def ways(precisions: Sequence[Precision], formats: Sequence[MemoryFormat]) -> list[StepMode]:
    """Return every way of computing the step, the plain one first."""
    return [StepMode(precision, layout) for precision in precisions for layout in formats]


def choose(
    net: nn.Module,
    loss: nn.Module,
    batch: Batch,
    steps: Sequence[StepMode],
    *,
    planned: int,
    clock: Callable[[], float] = time.perf_counter,
) -> StepChoice:
    """Return the fastest of some ways of computing a step that agrees with the first of them, the plain one; that one in doubt.

    planned  steps of the fit: the measurement takes at most a hundredth of it, or a second. Nothing of the net, nor of torch's random
             numbers, is changed.
    """
    plain = steps[0]
    with torch.random.fork_rng(devices=[]):
        trial = _Trial(copy.deepcopy(net), loss, clock)
        begin = clock()
        rows, allowed = _affordable(trial, batch, plain, ways=len(steps), planned=planned)
        if rows < min(FEWEST, _rows(batch)):
            return StepChoice(plain, rows, ())
        some = _first(batch, rows)
        tried = _tried(trial, some, steps, lambda: clock() - begin < allowed)
    best = max((each for each in tried if each.agrees), key=lambda each: each.speed, default=None)
    if best is None or best.speed < WIN:
        return StepChoice(plain, rows, tried)
    return StepChoice(StepMode(best.precision, best.memory_format), rows, tried)


def _affordable(trial: _Trial, batch: Batch, plain: StepMode, *, ways: int, planned: int) -> tuple[int, float]:
    """Return how many rows of the batch the measurement can afford, and the seconds it may take; never more than linear."""
    rows = min(2, _rows(batch))  # batch normalisation needs two
    while True:
        seconds = min(trial.seconds(_first(batch, rows), plain) for _ in range(2))
        allowed = max(SECONDS, SHARE * planned * seconds * _rows(batch) / rows)
        more = min(4 * rows, _rows(batch))
        if more == rows or seconds * more / rows * ways * 3 > allowed:  # compared once, timed twice, about
            return rows, allowed
        rows = more


def _tried(
    trial: _Trial, batch: Batch, steps: Sequence[StepMode], time_left: Callable[[], bool]
) -> tuple[StepTrial, ...]:
    """Compare every way with the first, then time those that agree in turn; the best round of each counts."""
    value, gradient = trial.gradient(batch, steps[0])
    found = {step: _beside(value, gradient, *trial.gradient(batch, step), step) for step in steps[1:]}
    timed = [steps[0], *(step for step, one in found.items() if one.agrees)]
    best: dict[StepMode, float] = dict.fromkeys(timed, float("inf"))
    for turn in range(ROUNDS):
        if turn and not time_left():
            break
        for step in timed:
            best[step] = min(best[step], trial.seconds(batch, step))
    return tuple(
        StepTrial(
            one.precision,
            one.memory_format,
            best[steps[0]] / best[step] if step in best else 0.0,
            one.loss_off,
            one.cosine,
        )
        for step, one in found.items()
    )


class _Trial:
    """A copy of a net that makes steps without an optimizer."""

    def __init__(self, net: nn.Module, loss: nn.Module, clock: Callable[[], float]):
        self.net, self.loss, self.clock = net.train(), loss, clock

    def seconds(self, batch: Batch, step: StepMode) -> float:
        """Return how long forward and backward take; changing the layout is not counted."""
        with self._computed_as(step):
            begin = self.clock()
            self._backward(batch, step)
            return self.clock() - begin

    def gradient(self, batch: Batch, step: StepMode) -> tuple[float, list[Tensor]]:
        """Return the loss and the gradients of all weights, nothing dropped at random."""
        for module in self.net.modules():
            module.training = isinstance(module, _BatchNorm)
        with self._computed_as(step):
            value = self._backward(batch, step)
            found = [p.grad.detach().clone() for p in self.net.parameters() if p.grad is not None]
        self.net.train()
        return value, found

    def _backward(self, batch: Batch, step: StepMode) -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=step.precision == "bf16-mixed"):
            value: Tensor = self.loss(self.net(batch), batch)["loss"]
        value.backward()
        return float(value.detach())

    @contextmanager
    def _computed_as(self, step: StepMode) -> Iterator[None]:
        self.net.to(memory_format=FORMATS[step.memory_format])
        yield
        self.net.zero_grad(set_to_none=True)


def _beside(value: float, gradient: list[Tensor], other: float, gradients: list[Tensor], step: StepMode) -> StepTrial:
    """Return how far a loss and its gradient are from the plain ones."""
    dot = sum(float((a * b).sum(dtype=torch.float64)) for a, b in zip(gradient, gradients, strict=True))
    sizes = [sum(float(a.square().sum(dtype=torch.float64)) for a in some) for some in (gradient, gradients)]
    cosine = dot / (sizes[0] * sizes[1]) ** 0.5 if sizes[0] * sizes[1] > 0 else float(sizes[0] == sizes[1])
    off = abs(other - value) / max(abs(value), 1e-12)
    known = math.isfinite(off) and math.isfinite(cosine)  # what is no number agrees with nothing
    return StepTrial(step.precision, step.memory_format, 0.0, off if known else 1.0, cosine if known else 0.0)


def _rows(batch: Batch) -> int:
    return len(batch["row"])


def _first(batch: Any, rows: int) -> Any:
    return {name: values[:rows] for name, values in batch.items()}


def choice_of_run(path: Path, make: Callable[[], StepChoice]) -> StepChoice:
    """Return the choice that a run was begun with; where there is none make it and write it down, so that a resumed run keeps it."""
    if path.exists():
        return StepChoice.of_dict(json_of(path, STEP))
    choice = make()
    files.write_json(path, choice.as_dict())
    return choice
