"""The small convolutional net for charts of any size: a close look at the newest bars beside a glance at the whole."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from candlelab.core.batch import Batch, Output, Shapes
from candlelab.core.errors import UserError
from candlelab.model.columns import CloseLook, HeightWaves, Thumbnail, convolution
from candlelab.model.layers import PixelNorm, check_counts, check_fraction

SMALLEST = 8  # pixels a side
SIDE = 16  # of the thumbnail


class CnnSmall(nn.Module):
    """Three convolutions on the newest bars (1x1 for the ink, two of 3x1), two on a thumbnail, a hidden layer, dropout.

    The close look never halves the height: a row is a price, and a wick is a few rows.

    channels  of the middle convolution: half as many before it, twice as many after it.
    newest    bars that are looked at closely.
    waves     cosine coefficients that tell what stands how high in a column.
    fading    of older bars, per bar.
    glance    how loudly the thumbnail speaks beside the newest columns, 0 to 1; 0 leaves it out.
    Every layer before a ReLU is normalised, so that no unit starts or falls asleep.
    """

    reads: tuple[str, ...] = ("image",)

    def __init__(
        self,
        shapes: Shapes,
        *,
        channels: int,
        hidden: int,
        newest: int,
        waves: int,
        fading: float,
        glance: float,
        dropout: float,
        head_dropout: float,
    ) -> None:
        super().__init__()
        check_fraction(dropout, "model.net.dropout")
        check_fraction(head_dropout, "model.net.head_dropout")
        check_counts(2, channels=channels)
        check_counts(hidden=hidden)
        if shapes.image is None or min(shapes.image[1:]) < SMALLEST:
            raise UserError(
                f"cnn_small reads charts of at least {SMALLEST} pixels a side, not {shapes.image}; set model.image_size=64."
            )
        if not 0 <= glance <= 1:
            raise UserError(f"model.net.glance is {glance}; give a number from 0 to 1.")
        depth = shapes.image[0]
        self.glance = glance
        self.pixels: PixelNorm = PixelNorm(depth)
        self.close: CloseLook = CloseLook(shapes, channels, newest, waves, fading)
        self.whole: nn.Sequential | None = _whole_look(depth, channels, waves) if glance else None
        inner = self.close.size + (channels * SIDE // 2 if glance else 0)
        self.drop: nn.Dropout = nn.Dropout(dropout)
        self.classify: nn.Sequential = nn.Sequential(
            nn.Linear(inner, hidden, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(head_dropout),
            nn.Linear(hidden, shapes.classes),
        )

    def forward(self, batch: Batch) -> Output:
        image = self.pixels(batch["image"])
        return {"logits": self.classify(self.drop(self._seen(image)))}

    def _seen(self, image: Tensor) -> Tensor:
        close = self.close(image)
        return close if self.whole is None else torch.cat([close, self.glance * self.whole(image)], dim=1)


def _whole_look(depth: int, channels: int, waves: int) -> nn.Sequential:
    """(B, C, H, W) to (B, channels · SIDE / 2): half as many numbers as channels for each column of the thumbnail."""
    return nn.Sequential(
        Thumbnail(SIDE),
        *convolution(depth, channels, (3, 3)),
        *convolution(channels, channels, (3, 3)),
        HeightWaves(SIDE, waves),
        nn.Conv1d(channels * waves, channels // 2, 1, bias=False),
        nn.BatchNorm1d(channels // 2),
        nn.ReLU(),
        nn.Flatten(),
    )
