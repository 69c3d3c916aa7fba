"""Heat maps: they find what the answer hangs on, in every layout of features, and random weights stand beside them."""

import json

import numpy as np
import pytest
import tiny
import torch
from model_cases import batch, fusion, settings, shapes
from torch import nn

from candlelab.model.jkx_cnn import JkxCnn
from candlelab.model.timm_backbone import TimmBackbone
from candlelab.task.explain import _joined, heat_maps, layers, overlay, rank_correlation, spoken_for

pytest.importorskip("captum", reason="captum is not installed: pip install candlelab[explain]")


class Corner(nn.Module):
    """Answers by what lies in the upper left quarter of the chart."""

    def __init__(self):
        super().__init__()
        self.look = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.look.weight)

    def forward(self, batch):
        seen = self.look(batch["image"].float())[..., :4, :4].sum((1, 2, 3))
        return {"logits": torch.stack([seen, -seen], 1)}


def test_the_map_lights_up_where_the_answer_comes_from():
    found = heat_maps(Corner(), {"image": torch.full((2, 1, 8, 8), 9, dtype=torch.uint8)})
    assert found[:, :4, :4].min() == 1 and found[:, 4:].max() == 0 and found[:, :, 4:].max() == 0


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit", "swin_tiny_patch4_window7_224", "levit_128s"])
def test_every_layout_of_features_gives_a_map_of_the_chart(backbone):
    torch.manual_seed(0)
    net = TimmBackbone(
        shapes(image=(3, 64, 64)), **{**settings("timm_backbone"), "backbone": backbone, "pretrained": False}
    ).eval()
    found = heat_maps(net, batch(rows=2, image=(3, 64, 64)))
    assert found.shape == (2, 64, 64) and found.min() >= 0 and found.max() <= 1 and found.any()


def test_tokens_that_are_columns_are_not_read_as_a_grid():
    net, rows = fusion(stem="columns", patch=2).eval(), batch(rows=2)
    found = layers(net, rows)
    assert found and not any(isinstance(layer.module, nn.Linear | nn.LayerNorm) for layer in found)


def test_maps_are_as_like_as_their_ranks():
    ramp = np.arange(6.0).reshape(1, 2, 3)
    assert (
        rank_correlation(ramp, 2 * ramp)[0] == 1
        and rank_correlation(ramp, -ramp)[0] == -1
        and rank_correlation(ramp, 0 * ramp)[0] == 0
    )


def test_without_heat_the_chart_stays_grey():
    grey = overlay(np.full((1, 3, 4, 4), 90, np.uint8), np.zeros((1, 4, 4)))
    assert (grey == 90).all()


def test_the_report_shows_both_maps_and_keeps_its_metrics(tmp_path):
    from candlelab.config import build, compose

    folder = tiny.trained(tmp_path, "trainer.max_epochs=1")
    before = json.loads((folder / "metrics.json").read_text())
    build(
        compose(*tiny.TINY, f"outputs={tmp_path}", "task=explain", f"task.run={folder}"),
        "task",
        compose(*tiny.TINY, f"outputs={tmp_path}"),
    )
    page = (folder / "report.html").read_text()
    assert "Where it looked" in page and "Random weights" in page and (folder / "figures" / "explained.png").exists()
    assert json.loads((folder / "metrics.json").read_text()) == before


@pytest.mark.parametrize("image", [(1, 32, 15), (1, 64, 60), (1, 96, 180)])
def test_every_chart_of_jiang_kelly_and_xiu_gets_a_map(image):
    torch.manual_seed(0)
    net = JkxCnn(shapes(image=image), **settings("jkx_cnn") | {"channels": 4}).eval()
    found = heat_maps(net, batch(rows=2, image=image))
    assert found.shape == (2, *image[1:]) and found.any() and not (found == found[:, :1, :1]).all()


def test_a_map_of_a_fusion_is_of_its_chart_and_not_of_its_words():
    net = fusion().eval()
    places = {layer.module for layer in layers(net, batch(rows=1))}
    assert places and not places & set(net.caption.modules())


class Bullish(nn.Module):
    """Answers by how often the word 1 stands in the caption."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(4, 1)
        nn.init.zeros_(self.table.weight)
        self.table.weight.data[1], self.table.weight.data[2] = 3.0, 1.0

    def forward(self, batch):
        told = self.table(batch["caption"]).sum((1, 2)) + 0 * batch["image"].float().sum((1, 2, 3))
        return {"logits": torch.stack([told, -told], 1)}


class Four:
    """A tokenizer of four words."""

    def words(self, ids):
        return [("[CLS]", "bullish", "up", "down")[k] for k in ids]


def test_the_words_that_spoke_for_the_answer_by_hand():
    given = {
        "image": torch.zeros(2, 1, 4, 4),
        "caption": torch.tensor([[0, 1, 2, 3], [0, 2, 2, 3]]),
        "caption_mask": torch.ones(2, 4, dtype=bool),
    }
    assert spoken_for(Bullish(), given, Four()) == ["bullish 75 %, up 25 %", "up 100 %"]


def test_a_number_and_a_word_in_pieces_are_one_word():
    pieces = ["price", ":", "8", "0", ".", "4", "7", ",", "bull", "##ish", "1"]
    found = _joined(pieces, [1.0] * len(pieces))
    assert found == [("price", 1), (":", 1), ("80.47", 5), (",", 1), ("bullish", 2), ("1", 1)]
