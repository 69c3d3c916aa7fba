"""The convolutional net of Jiang, Kelly & Xiu (2023) for grey bar charts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from candlelab.core.batch import Batch, Output, Shapes
from candlelab.core.errors import UserError
from candlelab.model.columns import Fading
from candlelab.model.layers import PixelNorm, check_counts, check_fraction

SLOPE = 0.01


@dataclass(frozen=True)
class LayerPlan:
    """Blocks of one chart size; vertical stride and dilation hold in the first layer only."""

    blocks: int
    stride: int
    dilation: int


# (height, width) of the charts of 5, 20 and 60 bars; docs/methods.md, section 3.1.
PLANS = {(32, 15): LayerPlan(2, 1, 1), (64, 60): LayerPlan(3, 3, 2), (96, 180): LayerPlan(4, 3, 3)}


class JkxCnn(nn.Module):
    """Blocks of 5x3 convolution, batch norm, leaky ReLU and 2x1 pooling, channels doubling from 64; then dropout and one linear layer.

    fading   per column: how much quieter older ones start before the linear layer; 0, as in the paper, lets all speak alike.
    The chart's size chooses I5, I20 or I60: 155,138, 708,866 or 2,952,962 parameters for two classes.
    """

    reads: tuple[str, ...] = ("image",)

    def __init__(self, shapes: Shapes, *, channels: int, dropout: float, fading: float) -> None:
        super().__init__()
        check_fraction(dropout, "dropout")
        check_counts(channels=channels)
        plan, height, width = _plan(shapes)
        self.pixels: PixelNorm = PixelNorm(1)
        layers: list[nn.Module] = []
        inner = 1
        for block in range(plan.blocks):
            outer = channels * 2**block
            first = block == 0
            layers.append(_block(inner, outer, plan.stride if first else 1, plan.dilation if first else 1))
            height, inner = _pooled(height, plan if first else LayerPlan(1, 1, 1)), outer
        self.blocks: nn.Sequential = nn.Sequential(*layers)
        self.fade: Fading = Fading(width, fading)
        self.drop: nn.Dropout = nn.Dropout(dropout)
        self.classify: nn.Linear = nn.Linear(inner * height * width, shapes.classes)
        self.apply(_xavier)

    def forward(self, batch: Batch) -> Output:
        features = self.blocks(self.pixels(batch["image"]))
        return {"logits": self.classify(self.drop(self.fade(features).flatten(1)))}


def _plan(shapes: Shapes) -> tuple[LayerPlan, int, int]:
    if shapes.image is None or shapes.image[0] != 1 or shapes.image[1:] not in PLANS:
        raise UserError(
            f"jkx_cnn reads grey charts of 32x15, 64x60 or 96x180 pixels, not {shapes.image}; choose render=jkx_i5, jkx_i20 or jkx_i60."
        )
    _, height, width = shapes.image
    return PLANS[height, width], height, width


def _block(inner: int, outer: int, stride: int, dilation: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inner, outer, (5, 3), stride=(stride, 1), padding=(2, 1), dilation=(dilation, 1)),
        nn.BatchNorm2d(outer),
        nn.LeakyReLU(SLOPE),
        nn.MaxPool2d((2, 1), ceil_mode=True),
    )


def _pooled(height: int, plan: LayerPlan) -> int:
    """Rows after a block's convolution and its rounding-up pool."""
    convolved = (height + 4 - plan.dilation * 4 - 1) // plan.stride + 1
    return -(-convolved // 2)


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
