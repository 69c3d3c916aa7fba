"""A ViT that names the chart pattern it sees."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from candlelab.core.batch import Batch, Output, Shapes
from candlelab.core.errors import UserError
from candlelab.model.columns import close_look
from candlelab.model.encoders import Size, column_vit, convolve_first, norm_of, vit
from candlelab.model.layers import check_fraction
from candlelab.model.pretrained import origin


class VitPatterns(nn.Module):
    """ViT [CLS] and the mean of its patches, or the newest of its columns, to raw logits (B, K).

    finetune   full, or frozen: only the classifier learns.
    stem       what makes the tokens: one convolution per patch, or, only from scratch, several of stride 2 (convolutions), or
               convolutions that keep the columns of the chart apart (columns).
    patch      side of a patch in pixels; of columns their width, None: that of a bar.
    newest     bars that a convolutional eye looks at closely beside the patches, 0: none.
    shift      largest random displacement in pixels, each way; brightness: largest random change, as a share.
               Both only while training. Nothing is ever flipped: that would turn a bull flag into a bear flag.
    """

    weights_origin: str
    by_columns: bool

    reads: tuple[str, ...] = ("image",)

    def __init__(
        self,
        shapes: Shapes,
        *,
        pretrained: bool | str,
        image_backbone: str,
        finetune: Literal["full", "frozen"],
        width: int,
        layers: int,
        heads: int,
        ffn_width: int,
        patch: int | None,
        stem: Literal["patch", "convolutions", "columns"],
        newest: int,
        dropout: float,
        head_dropout: float,
        shift: int,
        brightness: float,
    ) -> None:
        super().__init__()
        if pretrained and stem != "patch":
            raise UserError(f"stem={stem} has no pretrained weights; set model.net.pretrained=false or stem=patch.")
        self.weights_origin, self.by_columns = origin(pretrained), stem == "columns"
        check_fraction(head_dropout, "model.net.head_dropout")
        size = Size(width, layers, heads, ffn_width, dropout)
        if self.by_columns:
            self.chart = column_vit(shapes, size, patch=patch)
        else:
            self.chart = vit(shapes, size, name=image_backbone, pretrained=pretrained, patch=patch)
        if stem == "convolutions":
            convolve_first(self.chart, patch)
        self.pixels = norm_of(shapes, pretrained)
        self.augment: Augment = Augment(shift, brightness)
        self.close: nn.Sequential | None = close_look(shapes, newest, width) if newest else None
        self.drop: nn.Dropout = nn.Dropout(head_dropout)
        self.classify: nn.Linear = nn.Linear((3 if newest else 2) * width, shapes.classes)
        if finetune == "frozen":
            self.chart.requires_grad_(False)

    def forward(self, batch: Batch) -> Output:
        image = self.pixels(self.augment(batch["image"]))
        tokens = self.chart(image).last_hidden_state
        seen = [tokens[:, 0], tokens[:, -1] if self.by_columns else tokens[:, 1:].mean(1)]
        if self.close is not None:
            seen.append(self.close(image))
        return {"logits": self.classify(self.drop(torch.cat(seen, dim=1)))}


class Augment(nn.Module):
    """Charts moved a little and made lighter or darker, each by itself, while training; bytes in, bytes out."""

    shift: int
    brightness: float

    def __init__(self, shift: int, brightness: float) -> None:
        super().__init__()
        if shift < 0:
            raise UserError(f"shift is {shift} pixels; give 0 or more.")
        check_fraction(brightness, "brightness")
        self.shift, self.brightness = shift, brightness

    def forward(self, image: Tensor) -> Tensor:
        if not self.training:
            return image
        if self.shift:
            image = shifted(image, *(self._pixels(image) for _ in range(2)))
        return self._lit(image) if self.brightness else image

    def _pixels(self, image: Tensor) -> Tensor:
        return torch.randint(-self.shift, self.shift + 1, (len(image),), device=image.device)

    def _lit(self, image: Tensor) -> Tensor:
        change = (2 * torch.rand(len(image), 1, 1, 1, device=image.device) - 1) * self.brightness
        return (image * (1 + change)).round().clamp(0, 255).to(torch.uint8)


def shifted(image: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Charts (B, C, H, W) moved by whole pixels, one (B,) number each way; what comes in has the colour of the top left corner."""
    count, _, height, width = image.shape
    row = torch.arange(height, device=image.device) - down[:, None]
    column = torch.arange(width, device=image.device) - right[:, None]
    inside = ((row >= 0) & (row < height))[:, :, None] & ((column >= 0) & (column < width))[:, None, :]
    which = torch.arange(count, device=image.device)[:, None, None]
    taken = image.permute(0, 2, 3, 1)[
        which, row.clamp(0, height - 1)[:, :, None], column.clamp(0, width - 1)[:, None, :]
    ]
    paper = image[:, :, 0, 0][:, None, None, :]
    return torch.where(inside[..., None], taken, paper).permute(0, 3, 1, 2)
