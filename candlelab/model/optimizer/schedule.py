"""The learning rate over the steps of a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import nn

from candlelab.core.errors import UserError

LARGEST_RATE = 1_000  # steps beyond it leave every float behind
Shape = Literal["constant", "linear", "cosine", "cosine_restarts", "plateau"]


@dataclass(frozen=True)
class Schedule:
    """Warm-up from 0 to lr, then a shape.

    warmup_ratio      fraction of all steps.
    linear, cosine    fall to lr_min at the last step.
    cosine_restarts   cosine periods of restart_epochs, each restart_factor times longer than the one before
                      (Loshchilov & Hutter 2017); warm-up multiplies the first of them.
    plateau           multiplied by plateau_factor, down to lr_min, each time val/loss was not better for more than
                      plateau_epochs epochs; no warm-up.
    """

    lr: float
    shape: Shape
    warmup_ratio: float
    lr_min: float
    restart_epochs: int
    restart_factor: int
    plateau_epochs: int
    plateau_factor: float

    def __post_init__(self) -> None:
        if not 0 < self.lr <= LARGEST_RATE or not 0 <= self.lr_min <= self.lr:
            raise UserError(
                f"lr is {self.lr} and lr_min {self.lr_min}; need lr above 0, at most {LARGEST_RATE}, and lr_min from 0 to lr."
            )
        if not 0 <= self.warmup_ratio < 1:
            raise UserError(f"warmup_ratio is {self.warmup_ratio}; it is a fraction of all steps, from 0 to below 1.")
        if self.restart_epochs < 1 or self.restart_factor < 1:
            raise UserError(
                f"restart_epochs={self.restart_epochs} and restart_factor={self.restart_factor} must be at least 1."
            )
        if self.plateau_epochs < 0 or not 0 < self.plateau_factor < 1:
            raise UserError(
                f"plateau_epochs is {self.plateau_epochs} and plateau_factor {self.plateau_factor}; "
                "the first must be 0 or more, the second between 0 and 1."
            )
        if self.shape == "plateau" and self.warmup_ratio:
            raise UserError(f"schedule=plateau takes no warm-up, warmup_ratio is {self.warmup_ratio}; set it to 0.")
        if self.shape not in get_args(Shape):
            raise UserError(f"schedule is {self.shape!r}; give {', '.join(get_args(Shape))}.")

    def factor(self, total_steps: int, steps_per_epoch: int) -> Callable[[int], float]:
        """The learning rate at a step, as a fraction of lr."""
        warm = math.ceil(self.warmup_ratio * total_steps)
        low = self.lr_min / self.lr
        shapes: dict[str, Callable[[int], float]] = {
            "constant": lambda step: 1.0,
            "linear": lambda step: 1.0 - _progress(step, warm, total_steps),
            "cosine": lambda step: _half_wave(_progress(step, warm, total_steps)),
            "cosine_restarts": lambda step: _half_wave(self._phase(step / steps_per_epoch)),
        }
        shape = shapes[self.shape]

        def at(step: int) -> float:
            rising = min(1.0, (step + 1) / (warm + 1))
            return rising * (low + (1.0 - low) * shape(step))

        return at

    def _phase(self, epoch: float) -> float:
        """Where `epoch` stands in its period, 0 to below 1."""
        period = float(self.restart_epochs)
        while epoch >= period:
            epoch -= period
            period *= self.restart_factor
        return epoch / period

    def attach(self, optimizer: torch.optim.Optimizer, total_steps: int, steps_per_epoch: int) -> dict[str, Any]:
        """What LightningModule.configure_optimizers returns."""
        if self.shape == "plateau":
            falling = torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=self.plateau_factor, patience=self.plateau_epochs, threshold=0.0, min_lr=self.lr_min
            )
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": falling, "interval": "epoch", "monitor": "val/loss"},
            }
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self.factor(total_steps, steps_per_epoch))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def _progress(step: int, warm: int, total: int) -> float:
    return min(1.0, max(0.0, (step - warm) / max(1, total - warm)))


def _half_wave(progress: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def check_decay(weight_decay: float) -> float:
    """Return the weight decay; raises UserError if it is negative."""
    if weight_decay < 0:
        raise UserError(f"weight_decay is {weight_decay}; give 0 or more.")
    return weight_decay


def parameter_groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Trainable parameters in two groups: matrices with decay; norms, biases and single vectors without."""
    trainable = [p for p in net.parameters() if p.requires_grad]
    if not trainable:
        raise UserError(
            "every parameter of the net is frozen, so there is nothing to train; unfreeze its head or choose model.net.train=full."
        )
    matrices = [p for p in trainable if p.ndim > 1]
    vectors = [p for p in trainable if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
