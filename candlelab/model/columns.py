"""Layers that read a chart column by column: what stands how high, and how long ago.

A chart is a graph: a row is a price and a column a time. A net that flattens its feature maps has to learn every price level of
every bar apart, and on noisy labels it learns the noise of all of them instead. Measured on planted markets, docs/gym.md.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from candlelab.core.batch import Shapes
from candlelab.core.errors import UserError

CHANNELS, WAVES, FADING = 16, 3, 0.4  # of the close look beside a transformer, as in cnn_small


class HeightWaves(nn.Module):
    """DCT pooling over height: (B, C, H, W) to (B, C · waves, W), the first cosine coefficients of every column.

    The first coefficient says how much of a feature stands in a column, the second how high: the end of a wick is one number,
    whatever its row, and differences of such numbers are lengths. After Qin et al. (2021), FcaNet.
    """

    basis: Tensor

    def __init__(self, height: int, waves: int) -> None:
        super().__init__()
        if not 1 <= waves <= height:
            raise UserError(f"model.net.waves is {waves}; give 1 to {height}, the rows that are left.")
        rows = (torch.arange(height) + 0.5) / height
        self.register_buffer("basis", torch.cos(torch.pi * torch.arange(waves)[:, None] * rows), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        basis = self.basis.to(features.dtype)
        return torch.einsum("bchw,kh->bckw", features, basis).flatten(1, 2) / features.shape[2]


class Fading(nn.Module):
    """Columns (B, D, W) times exp(-fading · age), age 0 for the newest: old bars are heard, but have to shout."""

    share: Tensor

    def __init__(self, width: int, fading: float) -> None:
        super().__init__()
        if not fading >= 0:
            raise UserError(f"model.net.fading is {fading}; give 0 (all columns alike) or more.")
        self.register_buffer("share", torch.exp(-fading * torch.arange(width - 1, -1, -1.0)), persistent=False)

    def forward(self, columns: Tensor) -> Tensor:
        return columns * self.share.to(columns.dtype)


def columns_per_bar(shapes: Shapes) -> float:
    """How many columns of the chart a bar fills, where its window is told; else one."""
    return shapes.chart[2] / shapes.series[0] if shapes.series else 1.0


class CloseLook(nn.Module):
    """The newest bars of a chart: ink by ink, edge by edge, then what stands how high; (B, C, H, W) to (B, size).

    The height is never halved, for a wick is a few rows, and columns meet only in the layer behind: nothing blurs a bar with its
    neighbour. `newest` bars are looked at, all of a shorter window; each is `fading` quieter than the next newer one.
    """

    def __init__(self, shapes: Shapes, channels: int, newest: int, waves: int, fading: float) -> None:
        super().__init__()
        if newest < 1:
            raise UserError(f"model.net.newest is {newest} bars; give 1 or more.")
        depth, height, width = shapes.chart
        each = columns_per_bar(shapes)
        self.columns: int = min(width, math.ceil(newest * each))
        self.size: int = 2 * channels * waves * self.columns
        self.layers: nn.Sequential = nn.Sequential(
            *told_columns(depth, channels, height, waves), Fading(self.columns, fading / each), nn.Flatten()
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image[..., -self.columns :])


class ColumnTokens(nn.Module):
    """Tokens of a transformer that are columns: (B, C, H, W) to (B, width, 1, W / columns), every bar apart and all of its height.

    In place of the patch projection of a ViT, whose squares cut a wick in pieces and lay a bar and its neighbour on one another.
    """

    join: nn.Conv1d

    def __init__(self, image: tuple[int, int, int], channels: int, waves: int, width: int, columns: int) -> None:
        super().__init__()
        depth, height, _ = image
        self.told: nn.Sequential = nn.Sequential(*told_columns(depth, channels, height, waves))
        self.join = nn.Conv1d(2 * channels * waves, width, columns, stride=columns)

    @property
    def weight(self) -> Tensor:
        """What transformers asks for the type of its weights."""
        return self.join.weight

    def forward(self, image: Tensor) -> Tensor:
        return self.join(self.told(image))[:, :, None, :]


class Thumbnail(nn.Module):
    """Mean of cells: a picture (B, C, H, W) to (B, C, side, side), whatever its size."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, image: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(image, self.side)


def close_look(shapes: Shapes, newest: int, width: int) -> nn.Sequential:
    """A close look at the newest bars told in `width` numbers, for a transformer whose patches blur a bar with its neighbours."""
    look = CloseLook(shapes, CHANNELS, newest, WAVES, FADING)
    return nn.Sequential(
        look, nn.Dropout(0.25), nn.Linear(look.size, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()
    )


def told_columns(depth: int, channels: int, height: int, waves: int) -> list[nn.Module]:
    """Layers from (B, depth, H, W) to (B, 2 · channels · waves, W): ink by ink, edge by edge, what stands how high; columns stay apart."""
    return [
        *convolution(depth, channels // 2, (1, 1)),
        *convolution(channels // 2, channels, (3, 1)),
        *convolution(channels, 2 * channels, (3, 1)),
        HeightWaves(height, waves),
        nn.BatchNorm1d(2 * channels * waves),
    ]


def convolution(inner: int, outer: int, kernel: tuple[int, int]) -> list[nn.Module]:
    """A convolution that keeps the size, batch norm, ReLU."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return [nn.Conv2d(inner, outer, kernel, padding=padding, bias=False), nn.BatchNorm2d(outer), nn.ReLU()]
