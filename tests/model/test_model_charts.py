"""Chart nets made here: the JKX CNN, the small CNN of system 002, the pattern ViT."""

import pytest
import torch
from model_cases import batch, settings, shapes, untouched

from candlelab.model.cnn_small import CnnSmall
from candlelab.model.columns import ColumnTokens
from candlelab.model.encoders import Size, column_vit
from candlelab.model.jkx_cnn import JkxCnn
from candlelab.model.vit_patterns import Augment, VitPatterns, shifted

I5, I20, I60 = (1, 32, 15), (1, 64, 60), (1, 96, 180)


def jkx(image):
    torch.manual_seed(0)
    return JkxCnn(shapes(classes=2, image=image), **settings("jkx_cnn"))


def patterns(**changes):
    torch.manual_seed(0)
    small = {"pretrained": False, "width": 32, "layers": 2, "heads": 4, "ffn_width": 64, "patch": 8}
    return VitPatterns(shapes(classes=10), **{**settings("vit_patterns"), **small, **changes})


def columns(**changes):
    return patterns(stem="columns", patch=None, shift=0, brightness=0.0, **changes)


@pytest.mark.parametrize(
    ("image", "bars", "tokens"), [(I5, 5, 5), (I20, 20, 20), ((3, 64, 64), 48, 32), ((3, 64, 64), 20, 16)]
)
def test_a_token_is_as_wide_as_a_bar(image, bars, tokens):
    net = column_vit(shapes(image=image, series=(bars, 6)), Size(32, 1, 4, 64, 0.0), patch=None)
    assert net(torch.zeros(1, *image)).last_hidden_state.shape == (1, tokens + 1, 32)


def test_a_token_knows_nothing_of_its_neighbours():
    image = torch.rand(2, 3, 32, 32)
    other = image.clone()
    other[..., 8:12] = 0.0
    stem = ColumnTokens((3, 32, 32), 4, 3, 16, 4).eval()
    changed = (stem(image) != stem(other)).any(dim=(0, 1, 2))
    assert changed.tolist() == [False, False, True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stem": "columns", "patch": 7}, "does not divide"),
        ({"stem": "columns", "pretrained": True}, "no pretrained weights"),
        ({"stem": "patch", "patch": None}, "only columns"),
    ],
)
def test_columns_that_cannot_be_are_refused(changes, why):
    with pytest.raises(ValueError, match=why):
        patterns(**changes)


def test_all_of_a_vit_of_columns_learns():
    net = columns()
    assert [name for name in untouched(net, net(batch())) if "k_proj" not in name and "key" not in name] == []


def test_convolutions_make_as_many_tokens_as_patches():
    image = torch.randint(0, 256, (2, *shapes(classes=10).image), dtype=torch.uint8)
    for net in (patterns(stem="patch"), patterns(stem="convolutions")):
        assert net({"image": image})["logits"].shape == (2, 10)
    assert len(list(patterns(stem="convolutions").chart.embeddings.patch_embeddings.projection)) == 4


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stem": "convolutions", "patch": 2}, "4, 8, 16 or 32"),
        ({"stem": "convolutions", "pretrained": True}, "no pretrained weights"),
    ],
)
def test_a_stem_that_cannot_be_is_refused(changes, why):
    with pytest.raises(ValueError, match=why):
        patterns(**changes)


@pytest.mark.parametrize(("image", "count"), [(I5, 155_138), (I20, 708_866), (I60, 2_952_962)])
def test_jkx_parameter_counts_equal_the_table(image, count):
    assert sum(p.numel() for p in jkx(image).parameters()) == count


@pytest.mark.parametrize(
    ("image", "heights"),
    [(I5, [32, 16, 16, 8]), (I20, [20, 10, 10, 5, 5, 3]), (I60, [30, 15, 15, 8, 8, 4, 4, 2])],
)
def test_jkx_heights_after_every_convolution_and_pool_equal_the_table(image, heights):
    features, seen = torch.zeros(1, *image), []
    for convolution, norm, relu, pool in jkx(image).eval().blocks:
        features = convolution(features)
        seen.append(features.shape[2])
        features = pool(relu(norm(features)))
        seen.append(features.shape[2])
    assert seen == heights
    assert features.shape[3] == image[2]


def test_jkx_stride_and_dilation_hold_in_the_first_layer_only():
    convolutions = [block[0] for block in jkx(I20).blocks]
    assert [(c.stride, c.dilation, c.padding) for c in convolutions] == [
        ((3, 1), (2, 1), (2, 1)),
        ((1, 1), (1, 1), (2, 1)),
        ((1, 1), (1, 1), (2, 1)),
    ]


def test_jkx_refuses_other_charts():
    with pytest.raises(ValueError, match="render=jkx_i5"):
        jkx((3, 64, 60))


def test_jkx_gradients_reach_every_parameter():
    net = jkx(I5)
    # batch norm takes the convolution's bias away again
    assert [name for name in untouched(net, net(batch(image=I5))) if not name.endswith("0.bias")] == []


def small(image=(3, 64, 64), bars=16, **changes):
    torch.manual_seed(0)
    return CnnSmall(shapes(image=image, series=(bars, 6)), **{**settings("cnn_small"), **changes})


def test_small_cnn_gives_raw_logits_and_all_of_it_learns():
    net = small(image=(3, 32, 32))
    assert net(batch())["logits"].shape == (4, 3)
    assert untouched(net, net(batch())) == []


def test_small_cnn_stays_small_at_any_size():
    charts = ((3, 64, 64), (3, 500, 400), (3, 224, 224))
    assert max(sum(p.numel() for p in small(image=image, bars=48).parameters()) for image in charts) < 100_000


@pytest.mark.parametrize(("bars", "columns"), [(16, 8), (32, 4), (64, 2), (48, 3)])
def test_small_cnn_reads_the_newest_bars_closely_however_wide_they_are(bars, columns):
    net, image = small(bars=bars, newest=2, glance=0.0).eval(), torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    older, newer = image.clone(), image.clone()
    older[..., :-columns], newer[..., -columns:] = 0, 0
    said = [net({"image": x})["logits"] for x in (image, older, newer)]
    assert torch.equal(said[0], said[1]) and not torch.equal(said[0], said[2])


def test_small_cnn_sees_older_bars_at_a_glance():
    net, image = small().eval(), torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    other = image.clone()
    other[..., :32] = 0
    assert not torch.equal(net({"image": image})["logits"], net({"image": other})["logits"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"image": (3, 7, 64)}, "at least 8 pixels"),
        ({"newest": 0}, "1 or more"),
        ({"channels": 1}, "channels is 1; give 2 or more"),
        ({"hidden": 0}, "hidden is 0; give 1 or more"),
        ({"waves": 99}, "1 to 64"),
        ({"fading": -1.0}, "0 .all columns alike"),
        ({"glance": 2.0}, "from 0 to 1"),
    ],
)
def test_small_cnn_refuses_what_cannot_be(change, why):
    with pytest.raises(ValueError, match=why):
        small(**change)


def test_pattern_vit_full_trains_everything():
    net = patterns(shift=0, brightness=0.0)
    assert [name for name in untouched(net, net(batch())) if "key" not in name] == []


def test_pattern_vit_frozen_trains_the_classifier_alone():
    open_names = [name for name, p in patterns(finetune="frozen").named_parameters() if p.requires_grad]
    assert open_names == ["classify.weight", "classify.bias"]


def test_augmentation_ends_with_training():
    net = patterns(shift=4, brightness=0.5)
    assert not torch.equal(net(batch())["logits"], net(batch())["logits"])
    net.eval()
    assert torch.equal(net(batch())["logits"], net(batch())["logits"])


def test_system_003_no_flip_among_many_augmentations():
    image = torch.zeros(512, 1, 1, 8, dtype=torch.uint8)
    image[..., 2:6] = torch.tensor([1, 2, 3, 4], dtype=torch.uint8)
    seen = Augment(1, 0.0)(image)[:, 0, 0].long()
    rising = (seen[:, 1:] - seen[:, :-1]).eq(1).sum(1)
    assert (rising[(seen > 0).sum(1) == 4] == 4).all()


def test_a_moved_chart_is_filled_with_paper():
    image = torch.full((1, 1, 3, 3), 9, dtype=torch.uint8)
    image[0, 0, 1, 1] = 1
    down_left = shifted(image, torch.tensor([1]), torch.tensor([-1]))[0, 0]
    assert down_left.tolist() == [[9, 9, 9], [9, 9, 9], [1, 9, 9]]


def test_brightness_moves_each_chart_within_its_share():
    image = torch.full((256, 1, 2, 2), 100, dtype=torch.uint8)
    lit = Augment(0, 0.2)(image)
    assert lit.dtype == torch.uint8
    assert 80 <= lit.min() < 85
    assert 115 < lit.max() <= 120


def test_jkx_refuses_a_net_without_channels():
    with pytest.raises(ValueError, match="channels is 0; give 1 or more"):
        JkxCnn(shapes(image=I5), **(settings("jkx_cnn") | {"channels": 0}))
