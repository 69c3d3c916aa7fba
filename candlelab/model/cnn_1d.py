"""The one-dimensional control of Jiang, Kelly & Xiu: the chart's numbers without the drawing."""

from __future__ import annotations

from torch import nn

from candlelab.core.batch import Batch, Output, Shapes
from candlelab.core.errors import UserError
from candlelab.model.columns import Fading
from candlelab.model.layers import check_counts, check_fraction
from candlelab.model.series_scale import Scale, SeriesScale

SLOPE = 0.01


class Cnn1d(nn.Module):
    """Convolutions of 3 bars, batch norm, leaky ReLU and pooling by 2, channels doubling; then dropout and one linear layer.

    layers   how many; null takes 1 below 20 bars, 2 below 60, else 3, as the paper for 5, 20 and 60.
    fading   how much quieter older columns of the last feature map start; 0, as in the paper, lets all speak alike.
    """

    reads: tuple[str, ...] = ("series",)

    def __init__(
        self, shapes: Shapes, *, scale: Scale, channels: int, layers: int | None, dropout: float, fading: float
    ) -> None:
        super().__init__()
        check_fraction(dropout, "dropout")
        check_counts(channels=channels)
        self.scale: SeriesScale = SeriesScale(shapes, scale)
        bars, inner = shapes.sequence
        blocks: list[nn.Module] = []
        for block in range(_depth(bars) if layers is None else layers):
            outer = channels * 2**block
            blocks.append(_block(inner, outer))
            bars, inner = -(-bars // 2), outer
        if not blocks:
            raise UserError(f"layers is {layers}; give 1 or more, or null.")
        self.blocks: nn.Sequential = nn.Sequential(*blocks)
        self.fade: Fading = Fading(bars, fading)
        self.drop: nn.Dropout = nn.Dropout(dropout)
        self.classify: nn.Linear = nn.Linear(inner * bars, shapes.classes)

    def forward(self, batch: Batch) -> Output:
        channels_first = self.scale(batch["series"]).transpose(1, 2)
        return {"logits": self.classify(self.drop(self.fade(self.blocks(channels_first)).flatten(1)))}


def _depth(bars: int) -> int:
    return 1 if bars < 20 else 2 if bars < 60 else 3


def _block(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inner, outer, 3, padding=1),
        nn.BatchNorm1d(outer),
        nn.LeakyReLU(SLOPE),
        nn.MaxPool1d(2, ceil_mode=True),
    )
