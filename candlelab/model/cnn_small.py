"""The small convolutional net of HF Benchmark for 64x64 charts."""

from __future__ import annotations

from torch import nn

from candlelab.core.batch import Batch, Output, Shapes
from candlelab.core.errors import UserError
from candlelab.model.layers import PixelNorm, check_fraction

SMALLEST = 22  # below this nothing is left after three valid convolutions and two pools


class CnnSmall(nn.Module):
    """Three valid 3x3 convolutions (channels, doubled, doubled again), a pool after the first two, a hidden layer, dropout.

    batch_norm   between convolution and ReLU, as in the "optimised" form of the original.
    """

    reads = ("image",)

    def __init__(self, shapes: Shapes, *, channels: int, hidden: int, batch_norm: bool, dropout: float, head_dropout: float) -> None:
        super().__init__()
        check_fraction(dropout, "dropout")
        check_fraction(head_dropout, "head_dropout")
        if shapes.image is None or min(shapes.image[1:]) < SMALLEST:
            raise UserError(f"cnn_small reads charts of at least {SMALLEST} pixels a side, not {shapes.image}; set model.image_size=64.")
        depth, height, width = shapes.image
        self.pixels = PixelNorm(depth)
        self.features = nn.Sequential(
            *_convolution(depth, channels, batch_norm),
            nn.MaxPool2d(2),
            *_convolution(channels, 2 * channels, batch_norm),
            nn.MaxPool2d(2),
            *_convolution(2 * channels, 4 * channels, batch_norm),
            nn.Dropout(dropout),
        )
        area = _side(height) * _side(width)
        self.classify = nn.Sequential(
            nn.Flatten(),
            nn.Linear(4 * channels * area, hidden),
            nn.ReLU(),
            nn.Dropout(head_dropout),
            nn.Linear(hidden, shapes.classes),
        )

    def forward(self, batch: Batch) -> Output:
        return {"logits": self.classify(self.features(self.pixels(batch["image"])))}


def _convolution(inner: int, outer: int, batch_norm: bool) -> list[nn.Module]:
    norm = [nn.BatchNorm2d(outer)] if batch_norm else []
    return [nn.Conv2d(inner, outer, 3, bias=not batch_norm), *norm, nn.ReLU()]


def _side(pixels: int) -> int:
    """Rows or columns left at the end."""
    return ((pixels - 2) // 2 - 2) // 2 - 2
