"""Every family of models leaves the lab: the exported files say what torch says, at every batch size, from charts and from candles."""

import numpy as np
import pytest
from export_cases import PLAIN, exported
from test_export import candles_inputs, chart_inside, some, torch_says

from candlelab.export.measure import disagreement, model_outputs
from candlelab.task.export import BATCHES, CANDLES, MODEL

BACKBONES = (
    "edgenext_xx_small",
    "mobilenetv3_small_100",
    "ghostnet_100",
    "efficientnet_b0",
    "levit_128s",
    "resnet50",
    "swin_tiny_patch4_window7_224",
    "convnext_tiny",
    "vit_base_patch16_224",
)
NUMBERS = ("data/indicators=bars", "data/scaling=none")
FAMILIES = {
    **{name: ("model=timm_backbone", f"model.net.backbone={name}", "model.image_size=64") for name in BACKBONES},
    **{f"jkx_i{n}": ("model=jkx_cnn", f"render=jkx_i{n}", f"data.window={n}") for n in (5, 20, 60)},
    "cnn_small": ("model=cnn_small",),
    "vit_patterns": ("model=vit_patterns", "model.image_size=64"),
    "vit_patterns_small": ("model=vit_patterns_small",),
    "cnn_1d": ("model=cnn_1d", *NUMBERS),
    "logistic": ("model=logistic", *NUMBERS),
    "fusion": ("model=fusion", "model.image_size=64"),
    "fusion_small": ("model=fusion_small",),
    **{
        f"sequence {kind} cnn={cnn} attention={attention}": (
            f"model=cnn_lstm_attn{kind}",
            "data/label=three_class",
            f"model.net.use_cnn={cnn}",
            f"model.net.use_attention={attention}",
        )
        for kind in ("", "_regression")
        for cnn in ("true", "false")
        for attention in ("true", "false")
    },
}


def words_of(family):
    mine = FAMILIES[family]
    keys = {word.split("=")[0] for word in mine}
    return tuple(word for word in PLAIN if word.split("=")[0] not in keys) + mine


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_agrees_with_torch_from_charts_and_from_candles(family, tmp_path):
    run = exported("any", *words_of(family))
    inputs = some(run).inputs
    says = torch_says(run, inputs)
    gaps = disagreement(run.folder / "export" / MODEL, inputs, says, batches=BATCHES)
    assert set(gaps) == {1, 2, 7, 32} and max(gaps.values()) < 1e-4
    inside = model_outputs(run.folder / "export" / CANDLES, candles_inputs(run))
    name = "probabilities" if "probabilities" in says else "forecast"
    np.testing.assert_allclose(inside[name], says[name], atol=1e-4 if name == "probabilities" else 2e-3)
    if "image" in inputs:
        drawn, numba = chart_inside(run.data.renderer, run, tmp_path / "chart.onnx")
        assert np.array_equal(drawn, numba)
