"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

from candlelab.model.layers import check_fraction
from candlelab.model.optimizer.schedule import Schedule, check_decay, parameter_groups


class Sgd:
    """SGD with Nesterov momentum (plain where momentum is 0); weight decay on matrices only."""

    weight_decay: float
    momentum: float

    def __init__(
        self,
        *,
        lr: float,
        weight_decay: float,
        momentum: float,
        schedule: Literal["constant", "linear", "cosine", "cosine_restarts", "plateau"],
        warmup_ratio: float,
        lr_min: float,
        restart_epochs: int,
        restart_factor: int,
        plateau_epochs: int,
        plateau_factor: float,
    ) -> None:
        check_fraction(momentum, "momentum")
        self.schedule: Schedule = Schedule(
            lr, schedule, warmup_ratio, lr_min, restart_epochs, restart_factor, plateau_epochs, plateau_factor
        )
        self.weight_decay, self.momentum = check_decay(weight_decay), momentum

    def configure(self, net: nn.Module, total_steps: int, steps_per_epoch: int) -> dict[str, Any]:
        """The optimizer and its schedule, as LightningModule.configure_optimizers returns them."""
        groups = parameter_groups(net, self.weight_decay)
        optimizer = torch.optim.SGD(groups, lr=self.schedule.lr, momentum=self.momentum, nesterov=self.momentum > 0)
        return self.schedule.attach(optimizer, total_steps, steps_per_epoch)
