"""Operations of every family of nets, worked out by hand: two for each weight that meets a value."""

import pytest
import torch
from model_cases import CAPTION, batch, fusion, settings, shapes
from torch import nn

from candlelab.model.cnn_1d import Cnn1d
from candlelab.model.cnn_lstm_attn import CnnLstmAttention
from candlelab.model.cnn_small import CnnSmall
from candlelab.model.jkx_cnn import JkxCnn
from candlelab.model.logistic import Logistic
from candlelab.model.timm_backbone import NAMES, TimmBackbone
from candlelab.model.vit_patterns import VitPatterns
from candlelab.pipeline.training.operations import flops

LSTMS = 20 * (
    256 * (11 + 64) + 128 * (64 + 32) + 64 * (32 + 16)
)  # multiply-adds of three of 64, 32 and 16 over 20 bars of 11
HEAD = 16 * 8 + 8 * 3
WAVES = 20 * (
    11 * (22 * 3 + 21 * 5 + 21 * 7) + 2 * 64 * 64 * 3
)  # 22, 21 and 21 channels over 3, 5 and 7 bars; then two of 64 over 3
POOL = (
    20 * (3 * 16 * 16 + 16 * 16 + 2 * 16 * 32 + 16) + 2 * 20 * 20 * 16
)  # questions and answer, feed-forward, weighing; scores, mixing


class Reads(nn.Module):
    """A layer that reads the series of a batch."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer.eval()

    def forward(self, given):
        return {"logits": self.layer(given["series"])}


def counted(net: nn.Module, **made) -> int | None:
    return flops(net.eval(), batch(rows=1, **made))


def transformer(tokens: int, width: int, ffn_width: int) -> int:
    """Multiply-adds of one layer: four square projections, two of the feed-forward part, scores and mixing."""
    return tokens * width * (4 * width + 2 * ffn_width) + 2 * tokens * tokens * width


@pytest.mark.parametrize(("layer", "by_hand"), [
    (nn.LSTM(11, 5, batch_first=True), 20 * 20 * (11 + 5)),
    (nn.LSTM(11, 5, num_layers=2, bidirectional=True, batch_first=True), 2 * 20 * 20 * (11 + 5 + 10 + 5)),
    (nn.GRU(11, 5, batch_first=True), 20 * 15 * (11 + 5)),
    (nn.TransformerEncoderLayer(11, 1, 7, batch_first=True), transformer(20, 11, 7)),
])  # fmt: skip
def test_layers_that_are_one_operator(layer, by_hand):
    assert counted(Reads(layer), series=(20, 11)) == 2 * by_hand


@pytest.mark.parametrize(("cnn", "attention", "by_hand"), [
    (False, False, LSTMS), (False, True, LSTMS + POOL),
    (True, False, LSTMS - 20 * 256 * (11 + 64) + WAVES), (True, True, LSTMS - 20 * 256 * (11 + 64) + WAVES + POOL),
])  # fmt: skip
def test_an_lstm_is_not_free(cnn, attention, by_hand):
    net = CnnLstmAttention(
        shapes(series=(20, 11)), **settings("cnn_lstm_attn") | {"use_cnn": cnn, "use_attention": attention}
    )
    assert counted(net, series=(20, 11)) == 2 * (by_hand + HEAD)


def test_the_controls():
    given = {"scale": "none"}
    assert counted(Logistic(shapes(series=(20, 11)), **given), series=(20, 11)) == 2 * 20 * 11 * 3
    net = Cnn1d(shapes(series=(20, 11)), **settings("cnn_1d") | given)
    assert counted(net, series=(20, 11)) == 2 * (20 * 64 * 11 * 3 + 10 * 128 * 64 * 3 + 5 * 128 * 3)


def test_convolutional_nets():
    small = CnnSmall(shapes(image=(3, 32, 32)), **settings("cnn_small"))
    close = (
        32 * 3 * (8 * 3 + 16 * 8 * 3 + 32 * 16 * 3) + 32 * 3 * 3 * 32
    )  # three convolutions of the newest three bars, a column each, then their waves
    whole = (
        16 * 16 * (16 * 3 * 9 + 16 * 16 * 9) + 16 * 16 * 3 * 16 + 16 * 8 * 48
    )  # the same of the thumbnail, then eight numbers a column
    assert counted(small, image=(3, 32, 32)) == 2 * (close + whole + 416 * 32 + 32 * 3)
    jkx = JkxCnn(shapes(image=(1, 32, 15)), **settings("jkx_cnn"))
    assert counted(jkx, image=(1, 32, 15)) == 2 * (32 * 15 * 64 * 15 + 16 * 15 * 128 * 64 * 15 + 128 * 8 * 15 * 3)


def test_a_fusion():
    heads = 2 * 32 * 32 + 32 * 3 + 32
    chart = 16 * 32 * 3 * 8 * 8 + 2 * transformer(17, 32, 64)
    between = 32 * 32 + 16 * 2 * 32 * 32 + 2 * 16 * 32 + 32 * 32
    assert counted(fusion()) == 2 * (chart + 2 * transformer(CAPTION, 32, 64) + between + heads)


def test_a_vit_for_patterns():
    net = VitPatterns(shapes(image=(3, 32, 32)), **settings("vit_patterns") | {
        "pretrained": False, "width": 32, "layers": 2, "heads": 4, "ffn_width": 64, "patch": 8})  # fmt: skip
    assert counted(net, image=(3, 32, 32)) == 2 * (16 * 32 * 3 * 8 * 8 + 2 * transformer(17, 32, 64) + 2 * 32 * 3)


def test_a_resnet_of_timm_has_what_its_authors_say():
    """He et al. (2015), table 1: 3.8 billion multiply-adds with stride 2 in the 1x1 convolutions; 4.09 with it in the 3x3 ones."""
    net = TimmBackbone(
        shapes(1000, image=(3, 224, 224)), **settings("timm_backbone") | {"backbone": "resnet_50", "pretrained": False}
    )
    assert counted(net, image=(3, 224, 224)) == pytest.approx(2 * 4.09e9, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_of_the_nine_is_counted(name):
    net = TimmBackbone(
        shapes(image=(3, 224, 224)), **settings("timm_backbone") | {"backbone": name, "pretrained": False}
    )
    assert counted(net, image=(3, 224, 224)) > 1e8


class Spectrum(nn.Module):
    """A layer that nobody counts."""

    def forward(self, series):
        return torch.fft.rfft(series, dim=1).abs()


def test_an_unknown_layer_is_not_counted_rather_than_free():
    assert counted(Reads(nn.Sequential(nn.Linear(6, 6), Spectrum()))) is None
