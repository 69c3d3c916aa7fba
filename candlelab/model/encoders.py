"""The two transformers of a fusion: a ViT that reads the chart, a BERT that reads the caption."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from candlelab.core.batch import Shapes
from candlelab.core.errors import UserError
from candlelab.model import pretrained as weights
from candlelab.model.columns import CHANNELS, WAVES, ColumnTokens
from candlelab.model.layers import PixelNorm, check_fraction, check_heads, sinusoidal_embedding_2d

if TYPE_CHECKING:
    from transformers import BertModel, PretrainedConfig, ViTModel

# What ViTImageProcessor does for google/vit-base-patch16-224 and its in21k form: mean = std = 0.5.
VIT_MEAN = VIT_STD = (0.5, 0.5, 0.5)
MOST_PATCHES = 4_096  # attention keeps a number for every pair of them: 64 MB a head and chart
MOST_LAYERS = 1_000


@dataclass(frozen=True)
class Size:
    """Sizes of one transformer, in the words of the yaml."""

    width: int
    layers: int
    heads: int
    ffn_width: int
    dropout: float

    def __post_init__(self) -> None:
        check_heads(self.width, self.heads, "heads")
        check_fraction(self.dropout, "dropout")
        if not 1 <= self.layers <= MOST_LAYERS or self.ffn_width < 1:
            raise UserError(
                f"there are {self.layers} layers and ffn_width={self.ffn_width}; a transformer needs at least 1 of each, "
                f"and at most {MOST_LAYERS} layers."
            )

    def settings(self) -> dict[str, Any]:
        """As transformers' configs name them."""
        return {
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.ffn_width,
            "hidden_dropout_prob": self.dropout,
            "attention_probs_dropout_prob": self.dropout,
        }


def grid_of(image: tuple[int, int, int], patch: int | None) -> tuple[int, int]:
    """Rows and columns of patches; ValueError unless the patch divides the chart."""
    _, height, width = image
    if patch is None:
        raise UserError(
            "patch is null, which only columns can be; give the side of a patch in pixels, or set model.net.stem=columns."
        )
    if patch < 1 or height % patch or width % patch:
        raise UserError(
            f"patch={patch} does not divide a chart of {height}x{width}; choose a patch or model.image_size so that it does."
        )
    if height * width > MOST_PATCHES * patch**2:
        raise UserError(
            f"patch={patch} makes {height * width // patch**2:,} patches of a chart of {height}x{width}, and each looks at every "
            f"other: give at most {MOST_PATCHES:,}, with a larger patch or smaller charts."
        )
    return height // patch, width // patch


def vit(shapes: Shapes, size: Size, *, name: str, pretrained: bool | str, patch: int | None) -> ViTModel:
    """A ViT without pooler for the charts of `shapes`: random, or with the weights of `name` fitted to their size and channels."""
    from transformers import ViTConfig, ViTModel

    if shapes.image is None:
        raise UserError("this net reads charts but the data draws none; choose a render style.")
    channels, height, width = shapes.image
    grid, side = grid_of(shapes.image, patch), patch or 0  # grid_of refuses a patch of none
    config = ViTConfig(image_size=(height, width), patch_size=side, num_channels=channels, **size.settings())
    net = ViTModel(config, add_pooling_layer=False)
    _init_position_embeddings(net, grid)
    if pretrained:
        source = weights.backbone(ViTModel, name, pretrained)
        _require_sizes(source.config, config, (*size.settings(), "patch_size"), name)
        state = source.state_dict()
        kernel = "embeddings.patch_embeddings.projection.weight"
        state[kernel] = weights.fit_channels(state[kernel], channels)
        state["embeddings.position_embeddings"] = weights.fit_positions(state["embeddings.position_embeddings"], grid)
        net.load_state_dict(state)
    return net


def convolve_first(net: ViTModel, patch: int | None) -> None:
    """Let convolutions of stride 2 make the tokens of a random ViT: it learns in far fewer steps (Xiao et al. 2021, section 3).

    Raises UserError unless the patch is a power of two of at least 4 pixels.
    """
    halvings = (patch or 0).bit_length() - 1
    if patch is None or patch < 4 or patch != 1 << halvings:
        raise UserError(f"patch is {patch}; convolutions that halve the picture need 4, 8, 16 or 32.")
    place = net.embeddings.patch_embeddings
    width = place.projection.out_channels
    widths = [place.projection.in_channels, *(max(8, width >> k) for k in range(halvings - 1, -1, -1))]
    stages = [
        nn.Sequential(nn.Conv2d(inner, outer, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outer), nn.ReLU())
        for inner, outer in pairwise(widths)
    ]
    place.register_module("projection", Stem(*stages, nn.Conv2d(width, width, 1)))


def column_vit(shapes: Shapes, size: Size, *, patch: int | None) -> ViTModel:
    """A random ViT whose tokens are columns of the chart, `patch` pixels wide; None: as a bar, all of its height; docs/gym.md.

    Raises UserError unless the patch divides the width.
    """
    from transformers import ViTConfig, ViTModel

    if shapes.image is None:
        raise UserError("this net reads charts but the data draws none; choose a render style.")
    _, height, width = shapes.image
    columns = columns_of_a_bar(shapes) if patch is None else patch
    if columns < 1 or width % columns:
        raise UserError(f"patch={patch} does not divide a chart {width} pixels wide; choose one that does, or null.")
    if width > MOST_PATCHES * columns:
        raise UserError(
            f"patch={columns} makes {width // columns:,} tokens of a chart {width} pixels wide, and each looks at every other: give at "
            f"most {MOST_PATCHES:,}, with a larger patch or narrower charts."
        )
    config = ViTConfig(
        image_size=(height, width), patch_size=(height, columns), num_channels=shapes.image[0], **size.settings()
    )
    net = ViTModel(config, add_pooling_layer=False)
    _init_position_embeddings(net, (1, width // columns))
    tokens = ColumnTokens(shapes.image, CHANNELS, WAVES, size.width, columns)
    net.embeddings.patch_embeddings.register_module("projection", tokens)
    return net


def columns_of_a_bar(shapes: Shapes) -> int:
    """The fewest columns that divide a chart and hold one of its bars: the newest token then holds all of the newest bar."""
    width = shapes.chart[2]
    bars = width if shapes.series is None else shapes.series[0]
    return next(columns for columns in range(1, width + 1) if width % columns == 0 and columns * bars >= width)


class Stem(nn.Sequential):
    """Layers in place of one convolution: transformers asks it for the type of its weights."""

    @property
    def weight(self) -> Tensor:
        last = self[-1]
        assert isinstance(last, nn.Conv2d)
        return last.weight


def bert(shapes: Shapes, size: Size, *, name: str, pretrained: bool | str) -> BertModel:
    """A BERT without pooler for the captions of `shapes`: random, or with the weights of `name`, whose vocabulary must be the data's."""
    from transformers import BertConfig, BertModel

    if shapes.caption is None or shapes.vocabulary is None:
        raise UserError(
            "this net reads captions but the data writes none; choose data/caption= or set model.net.inputs=[image]."
        )
    config = BertConfig(vocab_size=shapes.vocabulary, max_position_embeddings=shapes.caption, **size.settings())
    net = BertModel(config, add_pooling_layer=False)
    if pretrained:
        source = weights.backbone(BertModel, name, pretrained)
        _require_sizes(source.config, config, (*size.settings(), "vocab_size"), name)
        state = source.state_dict()
        table = "embeddings.position_embeddings.weight"
        if len(state[table]) < shapes.caption:
            raise UserError(
                f"captions have {shapes.caption} tokens but {name} reads at most {len(state[table])}; set a shorter data.caption.length."
            )
        state[table] = state[table][: shapes.caption]
        net.load_state_dict(state)
    return net


def norm_of(shapes: Shapes, pretrained: bool | str) -> PixelNorm:
    """Pixel statistics: those of the ViT checkpoints, or to be fitted on training charts."""
    assert shapes.image is not None
    pixels = PixelNorm(shapes.image[0])
    if pretrained:
        pixels.of_backbone(VIT_MEAN, VIT_STD)
    return pixels


def _init_position_embeddings(net: ViTModel, grid: tuple[int, int]) -> None:
    """Start the position table from waves: measured, a planted edge is then found in a third of the steps of a random start."""
    table = net.embeddings.position_embeddings
    if table.shape[2] % 4:
        raise UserError(f"width is {table.shape[2]}; a chart's positions need a multiple of 4.")
    with torch.no_grad():
        table[0, 0] = 0.0
        table[0, 1:] = sinusoidal_embedding_2d(*grid, table.shape[2])


# How the yaml spells what a checkpoint's config calls otherwise; dropout may differ.
_SPELLING = {
    "hidden_size": "width",
    "num_hidden_layers": "the number of layers",
    "num_attention_heads": "heads",
    "intermediate_size": "ffn_width",
    "patch_size": "patch",
    "vocab_size": "the caption vocabulary of the data",
}


def _require_sizes(theirs: PretrainedConfig, ours: PretrainedConfig, keys: tuple[str, ...], name: str) -> None:
    """Raise ValueError at the first size in which the checkpoint differs from the yaml."""
    for key in keys:
        if key in _SPELLING and getattr(theirs, key) != getattr(ours, key):
            raise UserError(
                f"{name} has {key} {getattr(theirs, key)} but {_SPELLING[key]} is {getattr(ours, key)}; "
                "make them equal or set model.net.pretrained=false."
            )
