"""Adam and AdamW."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

from candlelab.core.errors import UserError
from candlelab.model.optimizer.schedule import Schedule, check_decay, parameter_groups


class Adam:
    """Adam (Kingma & Ba 2015), or AdamW (Loshchilov & Hutter 2019); no weight decay on norms and biases.

    decoupled  True subtracts the decay from the weights (AdamW); False adds it to the gradient as an L2 penalty (Adam).
    """

    make: Any

    weight_decay: float
    betas: tuple[float, float]
    eps: float

    def __init__(
        self,
        *,
        lr: float,
        decoupled: bool,
        weight_decay: float,
        betas: list[float],
        eps: float,
        schedule: Literal["constant", "linear", "cosine", "cosine_restarts", "plateau"],
        warmup_ratio: float,
        lr_min: float,
        restart_epochs: int,
        restart_factor: int,
        plateau_epochs: int,
        plateau_factor: float,
    ) -> None:
        self.schedule: Schedule = Schedule(
            lr, schedule, warmup_ratio, lr_min, restart_epochs, restart_factor, plateau_epochs, plateau_factor
        )
        self.make = torch.optim.AdamW if decoupled else torch.optim.Adam
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise UserError(f"betas is {list(betas)}; give two numbers from 0 to below 1.")
        if not 0 < eps < 1:
            raise UserError(f"eps is {eps}; give a number between 0 and 1, such as 1e-8.")
        self.weight_decay, self.betas, self.eps = check_decay(weight_decay), (betas[0], betas[1]), eps

    def configure(self, net: nn.Module, total_steps: int, steps_per_epoch: int) -> dict[str, Any]:
        """The optimizer and its schedule, as LightningModule.configure_optimizers returns them."""
        groups = parameter_groups(net, self.weight_decay)
        optimizer = self.make(groups, lr=self.schedule.lr, betas=self.betas, eps=self.eps)
        return self.schedule.attach(optimizer, total_steps, steps_per_epoch)
