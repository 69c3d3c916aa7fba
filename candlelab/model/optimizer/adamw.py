"""AdamW: the default."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

from candlelab.model.optimizer.schedule import Schedule, parameter_groups


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019); none on norms and biases."""

    def __init__(
        self,
        *,
        lr: float,
        weight_decay: float,
        betas: list[float],
        eps: float,
        schedule: Literal["constant", "linear", "cosine", "cosine_restarts"],
        warmup: float,
        lr_min: float,
        restart_epochs: int,
        restart_factor: int,
    ) -> None:
        self.schedule = Schedule(lr, schedule, warmup, lr_min, restart_epochs, restart_factor)
        self.weight_decay, self.betas, self.eps = weight_decay, (betas[0], betas[1]), eps

    def configure(self, net: nn.Module, total_steps: int, steps_per_epoch: int) -> dict[str, Any]:
        """The optimizer and its schedule, as LightningModule.configure_optimizers returns them."""
        groups = parameter_groups(net, self.weight_decay)
        optimizer = torch.optim.AdamW(groups, lr=self.schedule.lr, betas=self.betas, eps=self.eps)
        return self.schedule.attach(optimizer, total_steps, steps_per_epoch)
