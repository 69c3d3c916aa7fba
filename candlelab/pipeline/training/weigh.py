"""Memory of a net from its parameter count, known before any of it is allocated."""

from __future__ import annotations

import torch
from omegaconf import DictConfig

from candlelab.config import build
from candlelab.core.batch import Shapes
from candlelab.core.errors import UserError
from candlelab.core.machine import memory

OVERFLOW = "Storage size calculation overflowed"  # how torch says that a tensor has more than 2^63 bytes
BYTES = 4 * 4  # a float each for the weight, its gradient and two moments of the optimizer


def check_weight(cfg: DictConfig, shapes: Shapes, held: int | None = None) -> None:
    """Raise UserError if the net's weights, gradients and moments do not fit into this machine's memory.

    The net is built on torch's meta device, which keeps shapes and no numbers; pretrained ones have the sizes of their weights.
    held   bytes of memory, None: those of this machine.
    """
    if cfg.model.net.get("pretrained"):
        return
    net = _without_numbers(cfg, shapes)
    count, most = sum(part.numel() for part in net.parameters()), held or memory()
    if count * BYTES > most:
        raise UserError(
            f"model.net has {count:,} parameters, and training them takes {count * BYTES / 2**30:,.0f} GB, but this "
            f"machine has {most / 2**30:,.0f} GB: choose a smaller net (width, layers) or smaller charts and captions"
        )


def _without_numbers(cfg: DictConfig, shapes: Shapes) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        try:
            return build(cfg, "model.net", shapes)
        except RuntimeError as error:
            if OVERFLOW not in str(error):
                raise
            raise UserError(
                "model.net has more parameters than any computer can hold: choose a smaller net (width, layers)"
            ) from None
