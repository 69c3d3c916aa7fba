"""Pieces shared by two or more models."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from candlelab.core.errors import UserError

# What the ViT checkpoints of Google expect; the values before anything is fitted.
HALF = 0.5
# Slowest wave of a position table, over 2 pi: windows and charts have tens of places, not the thousands of a text.
LONGEST = 100.0


class PixelNorm(nn.Module):
    """Bytes to centred floats: (image / 255 - mean) / std, per channel.

    source     "training": the train task fits mean and std on training charts; "backbone": they came with the weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.source: str = "training"
        self.register_buffer("mean", torch.full((channels, 1, 1), HALF))
        self.register_buffer("std", torch.full((channels, 1, 1), HALF))

    def fit(self, mean: Tensor | list[float] | float, std: Tensor | list[float] | float) -> None:
        """Take mean and std in units of 0..1, one per channel or one for all; raises UserError if a std is not positive."""
        mean = torch.as_tensor(mean, dtype=torch.float32).reshape(-1, 1, 1)
        std = torch.as_tensor(std, dtype=torch.float32).reshape(-1, 1, 1)
        if not bool((std > 0).all()):
            raise UserError(
                f"the training charts have pixel deviations {std.flatten().tolist()}; every channel must vary, choose another render style."
            )
        self.mean.copy_(mean.expand_as(self.mean))
        self.std.copy_(std.expand_as(self.std))

    def of_backbone(self, mean: tuple[float, ...] | list[float], std: tuple[float, ...] | list[float]) -> None:
        """Take the mean and std that pretrained weights expect; one value stands for all channels of a grey chart."""
        channels = self.mean.shape[0]
        self.source = "backbone"
        self.fit(*(list(v) if len(v) == channels else sum(v) / len(v) for v in (mean, std)))

    def forward(self, image: Tensor) -> Tensor:
        return (image.to(self.mean.dtype) / 255.0 - self.mean) / self.std


def sinusoidal_embedding(positions: Tensor, width: int) -> Tensor:
    """Sines and cosines of positions (N,) at width/2 frequencies, periods from 2 pi upwards; (N, width), width even."""
    rates = LONGEST ** (-torch.arange(width // 2) / (width // 2))
    angles = positions[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def sinusoidal_embedding_2d(rows: int, columns: int, width: int) -> Tensor:
    """Half the width says the column of a patch, half its row; (rows · columns, width), width a multiple of 4."""
    y, x = torch.meshgrid(torch.arange(float(rows)), torch.arange(float(columns)), indexing="ij")
    return torch.cat(
        [sinusoidal_embedding(x.flatten(), width // 2), sinusoidal_embedding(y.flatten(), width // 2)], dim=1
    )


class Head(nn.Sequential):
    """Linear, ReLU, dropout, linear: (B, width) to (B, outputs)."""

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, outputs))


def check_counts(least: int = 1, **sizes: int) -> None:
    """Raise UserError for a number of channels or units below `least`; the name of each is that of its setting."""
    for name, value in sizes.items():
        if value < least:
            raise UserError(f"{name} is {value}; give {least} or more.")


def check_heads(width: int, heads: int, setting: str) -> None:
    """Raise ValueError unless attention heads divide the width."""
    if width < 1:
        raise UserError(f"width is {width}; give 1 or more.")
    if heads < 1 or width % heads:
        fit = [h for h in range(1, width + 1) if width % h == 0 and h <= 32]
        raise UserError(f"{setting}={heads} does not divide the width {width}; choose one of {fit}.")


def check_fraction(value: float, setting: str) -> None:
    """Raise ValueError unless 0 <= value < 1."""
    if not 0.0 <= value < 1.0:
        raise UserError(f"{setting} is {value}; give a number from 0 up to, not including, 1.")
