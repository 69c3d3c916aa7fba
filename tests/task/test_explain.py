"""Heat maps: they find what the answer hangs on, in every layout of features, and random weights stand beside them."""

import json

import numpy as np
import pytest
import tiny
import torch
from model_cases import batch, settings, shapes
from torch import nn

from candlelab.model.timm_backbone import TimmBackbone
from candlelab.task.explain import heat, likeness, overlay

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
    found = heat(Corner(), {"image": torch.full((2, 1, 8, 8), 9, dtype=torch.uint8)})
    assert found[:, :4, :4].min() == 1 and found[:, 4:].max() == 0 and found[:, :, 4:].max() == 0


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit", "swin_tiny_patch4_window7_224", "levit_128s"])
def test_every_layout_of_features_gives_a_map_of_the_chart(backbone):
    torch.manual_seed(0)
    net = TimmBackbone(shapes(image=(3, 64, 64)), **{**settings("timm_backbone"), "backbone": backbone, "pretrained": False}).eval()
    found = heat(net, batch(rows=2, image=(3, 64, 64)))
    assert found.shape == (2, 64, 64) and found.min() >= 0 and found.max() <= 1 and found.any()


def test_maps_are_as_like_as_their_ranks():
    ramp = np.arange(6.0).reshape(1, 2, 3)
    assert likeness(ramp, 2 * ramp)[0] == 1 and likeness(ramp, -ramp)[0] == -1 and likeness(ramp, 0 * ramp)[0] == 0


def test_without_heat_the_chart_stays_grey():
    grey = overlay(np.full((1, 3, 4, 4), 90, np.uint8), np.zeros((1, 4, 4)))
    assert (grey == 90).all()


def test_the_report_shows_both_maps_and_keeps_its_metrics(tmp_path):
    from candlelab.config import build, compose
    folder = tiny.trained(tmp_path, "trainer.max_epochs=1")
    before = json.loads((folder / "metrics.json").read_text())
    build(compose(*tiny.TINY, f"outputs={tmp_path}", "task=explain", f"task.run={folder}"), "task",
          compose(*tiny.TINY, f"outputs={tmp_path}"))
    page = (folder / "report.html").read_text()
    assert "Where it looked" in page and "Random weights" in page and (folder / "figures" / "explained.png").exists()
    assert json.loads((folder / "metrics.json").read_text()) == before
