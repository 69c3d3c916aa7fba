"""timm backbones: any name, any size they can take, and weights whose origin is known."""

import pytest
import torch
from model_cases import batch, settings, shapes, untouched
from safetensors.torch import save_file

from candlelab.config import ConfigError
from candlelab.config.command_line import check_overrides
from candlelab.model.timm_backbone import NAMES, TimmBackbone, timm_name

NINE = {
    "edgenext_xx_small": 1_158_723,
    "mobilenetv3_small_100": 1_520_931,
    "ghostnet_100": 3_905_351,
    "efficientnet_b0": 4_011_391,
    "levit_128s": 7_009_368,
    "resnet50": 23_514_179,
    "swin_tiny_patch4_window7_224": 27_521_661,
    "convnext_tiny": 27_822_435,
    "vit_base_patch16_224": 85_800_963,
}
TINY = ["test_resnet", "test_efficientnet", "test_vit"]


def net(backbone="test_resnet", image=(3, 32, 32), **changes):
    torch.manual_seed(0)
    given = {**settings("timm_backbone"), "backbone": backbone, "pretrained": False, **changes}
    return TimmBackbone(shapes(image=image), **given)


def trainable(model):
    return {name for name, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize(("backbone", "count"), NINE.items())
def test_parameter_counts_of_the_nine_equal_the_table(backbone, count):
    with torch.device("meta"):
        model = net(backbone, image=(3, 224, 224))
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize("backbone", [*TINY, "levit_128s", "swin_tiny_patch4_window7_224", "mobilenetv3_small_100"])
def test_charts_of_64_pixels_are_read(backbone):
    model = net(backbone, image=(3, 64, 64)).eval()
    assert model(batch(rows=1, image=(3, 64, 64)))["logits"].shape == (1, 3)


@pytest.mark.parametrize("channels", [1, 5])
def test_any_number_of_channels_is_read(channels):
    image = (channels, 32, 32)
    assert net(image=image)(batch(image=image))["logits"].shape == (4, 3)


@pytest.mark.parametrize("backbone", TINY[1:])  # a ResNet's branches start at zero
def test_gradients_reach_every_parameter(backbone):
    model = net(backbone)
    assert untouched(model, model(batch())) == []


def test_a_size_that_cannot_be_is_one_sentence():
    with pytest.raises(ValueError, match=r"cannot be built for charts of 100x100.*model.image_size=224"):
        net("levit_128s", image=(3, 100, 100))


@pytest.mark.parametrize("name", NAMES)
def test_names_of_hf_benchmark_are_known(name):
    assert timm_name(name) == NAMES[name]


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match="did you mean resnet50"):
        timm_name("resnet5o")


def test_missing_weights_are_one_sentence_and_no_fallback():
    with pytest.raises(
        ValueError, match=r"timm/test_resnet.r160_in1k could not be reached.*model.net.pretrained=false"
    ):
        net(pretrained=True)


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit"])
def test_a_local_folder_of_weights_is_loaded_and_said(backbone, tmp_path):
    import timm

    donor = timm.create_model(backbone, num_classes=1000)
    save_file(donor.state_dict(), tmp_path / "model.safetensors")
    model = net(backbone, image=(3, 160, 160), pretrained=str(tmp_path))
    assert (model.weights_origin, model.pixels.source) == ("local", "backbone")
    body = {name: value for name, value in donor.named_parameters() if not name.startswith(("fc", "head."))}
    assert all(torch.equal(value, model.backbone.get_parameter(name)) for name, value in body.items())


def test_frozen_trains_the_classifier_alone():
    assert trainable(net(finetune="frozen")) == {"backbone.fc.weight", "backbone.fc.bias"}


def test_last_block_trains_it_and_the_classifier():
    names = trainable(net(finetune="last_block"))
    assert {name.split(".")[1] for name in names} == {"layer4", "fc"}


def test_frozen_batch_norms_keep_their_statistics():
    model = net(finetune="frozen").train()
    before = model.backbone.bn1.running_mean.clone()
    model(batch())
    assert torch.equal(before, model.backbone.bn1.running_mean)


def test_the_same_seed_gives_the_same_bits():
    first, second = (net().eval()(batch())["logits"] for _ in range(2))
    assert torch.equal(first, second)


def test_an_unknown_backbone_is_refused_by_the_check_of_a_sweep():
    words = (
        "sweep=quick_test",
        "data=simulated",
        "model=timm_backbone",
        "model.net.backbone=edgenext_xx_small,efficientnt_b0",
    )
    with pytest.raises(ConfigError, match=r"efficientnt_b0.*did you mean .*efficientnet_b0"):
        check_overrides(list(words))
