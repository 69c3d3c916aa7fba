"""Fusion: caption asks chart, two answers, and weights that are never silently random."""

import pytest
import torch
from model_cases import FUSION, batch, fusion, settings, shapes, untouched

from candlelab.core.batch import Shapes
from candlelab.model.fusion import Fusion


@pytest.mark.parametrize("inputs", [["image", "caption"], ["image"], ["caption"]])
def test_every_ablation_gives_raw_logits_and_a_forecast(inputs):
    net = fusion(inputs=inputs)
    output = net(batch())
    assert output["logits"].shape == (4, 3)
    assert output["forecast"].shape == (4,)
    assert ("attention" in output) == ("image" in inputs)
    assert sorted(net.reads) == sorted(inputs)


@pytest.mark.parametrize("inputs", [["image", "caption"], ["image"], ["caption"]])
def test_an_ablation_reads_nothing_else(inputs):
    net = fusion(inputs=inputs).eval()
    full = batch()
    wanted = {key: full[key] for key in full if key.startswith(tuple(inputs))}
    torch.testing.assert_close(net(wanted)["logits"], net(full)["logits"])


def test_gradients_reach_every_parameter():
    net = fusion()
    # Keys have no bias that matters: softmax is unmoved by a constant.
    assert [name for name in untouched(net, net(batch())) if "key" not in name] == []


def test_eight_heads_look_at_every_patch():
    attention = fusion().eval()(batch())["attention"]
    assert attention.shape == (4, 8, 1, 16)
    torch.testing.assert_close(attention.sum(-1), torch.ones(4, 8, 1))


def test_the_caption_moves_where_the_chart_is_read():
    net, one = fusion().eval(), batch()
    other = {**one, "caption": one["caption"].flip(0)}
    assert not torch.allclose(net(one)["attention"], net(other)["attention"])


def test_padding_behind_the_mask_changes_nothing():
    net, one = fusion().eval(), batch()
    other = {**one, "caption": torch.where(one["caption_mask"], one["caption"], 0)}
    torch.testing.assert_close(net(one)["logits"], net(other)["logits"])


def test_the_same_seed_gives_the_same_bits():
    torch.use_deterministic_algorithms(True)
    first, second = (fusion().eval()(batch()) for _ in range(2))
    torch.use_deterministic_algorithms(False)
    assert torch.equal(first["logits"], second["logits"])
    assert torch.equal(first["forecast"], second["forecast"])


def test_training_charts_set_the_pixel_norm():
    net = fusion()
    assert net.pixels.source == "training"
    net.pixels.fit([0.9, 0.8, 0.7], [0.1, 0.2, 0.3])
    white = net.pixels(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8))
    assert white[0, :, 0, 0].tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-5)


def test_the_small_recipe_has_half_a_million_parameters_in_its_vit():
    net = Fusion(Shapes(classes=2, image=(3, 64, 64), caption=32, vocabulary=80), **settings("fusion_small"))
    assert 300_000 < sum(p.numel() for p in net.chart.parameters()) < 600_000


def test_the_base_recipe_has_the_size_of_candlefusion():
    with torch.device("meta"):
        big = {**settings("fusion"), "pretrained": False}
        net = Fusion(Shapes(classes=3, image=(3, 224, 224), caption=64, vocabulary=30_522), **big)
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(199e6, rel=0.01)


def test_missing_weights_are_one_sentence_and_no_fallback():
    with pytest.raises(ValueError, match=r"vit-base-patch16-224 could not be reached.*model.net.pretrained=false"):
        fusion(pretrained=True)


def test_a_local_folder_of_weights_is_loaded_and_said(tmp_path):
    donor = fusion()
    donor.chart.save_pretrained(tmp_path / "vit-base-patch16-224")
    donor.caption.save_pretrained(tmp_path / "bert-base-uncased")
    torch.manual_seed(1)
    net = Fusion(shapes(), **{**FUSION, "pretrained": str(tmp_path)})
    assert (net.weights_origin, net.pixels.source) == ("local", "backbone")
    for ours, theirs in ((net.chart, donor.chart), (net.caption, donor.caption)):
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_local_weights_fit_another_chart_size_and_grey_charts(tmp_path):
    fusion(inputs=["image"]).chart.save_pretrained(tmp_path)
    net = Fusion(shapes(image=(1, 48, 40)), **{**FUSION, "inputs": ["image"], "pretrained": str(tmp_path)})
    assert net(batch(image=(1, 48, 40)))["attention"].shape[-1] == 30


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fusion_heads": 5}, "does not divide the width 32"),
        ({"heads": 3}, "^heads=3"),
        ({"patch": 7}, "does not divide a chart of 32x32"),
        ({"inputs": ["series"]}, r"\[image\], \[caption\]"),
        ({"inputs": []}, r"\[image\], \[caption\]"),
        ({"dropout": 1.0}, "^dropout is 1.0"),
        ({"width": 30, "heads": 3, "fusion_heads": 3}, "multiple of 4"),
        ({"pretrained": "/nowhere"}, "holds no model.safetensors"),
    ],
)
def test_settings_that_cannot_be_are_named(changes, says):
    with pytest.raises(ValueError, match=says):
        fusion(**changes)


def test_a_checkpoint_of_another_size_is_refused_by_name(tmp_path):
    fusion(inputs=["image"]).chart.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"hidden_size 32 but width is 64"):
        fusion(inputs=["image"], width=64, pretrained=str(tmp_path))


def test_a_mark_in_the_newest_column_is_found_in_few_steps():
    net, random = fusion(inputs=["image"], head_dropout=0.0), torch.Generator().manual_seed(2)
    row = torch.randint(0, 32, (1024,), generator=random)
    charts = torch.randint(200, 256, (1024, 3, 32, 32), dtype=torch.uint8, generator=random)
    charts[torch.arange(1024), :, row, 31] = 0
    net.pixels.fit(0.89, 0.07)
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3)
    for step in range(80):
        some = slice(step % 16 * 64, step % 16 * 64 + 64)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net({"image": charts[some]})["logits"], (row[some] < 16).long()).backward()
        optimizer.step()
    found = net.eval()({"image": charts})["logits"].argmax(1) == (row < 16)
    assert found.float().mean() > 0.9
