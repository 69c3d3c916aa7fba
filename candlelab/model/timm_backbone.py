"""Any image backbone of timm by name, with a new head for our classes."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

from candlelab.core.batch import Batch, Output, Shapes
from candlelab.core.errors import UserError
from candlelab.model.layers import PixelNorm, check_fraction
from candlelab.model.pretrained import WEIGHTS, local_folder, origin, weights_file

# What HF Benchmark calls the nine, by its keys and by its hub identifiers; the tag names the same weights at timm.
NAMES = {
    "mobilenetv3_small": "mobilenetv3_small_100.lamb_in1k",
    "resnet_50": "resnet50.a1_in1k",
    "swin_tiny": "swin_tiny_patch4_window7_224.ms_in1k",
    "vit_base": "vit_base_patch16_224.augreg_in21k_ft_in1k",
    "google/efficientnet-b0": "efficientnet_b0.ra_in1k",
    "facebook/levit-128S": "levit_128s.fb_dist_in1k",
    "microsoft/resnet-50": "resnet50.a1_in1k",
    "microsoft/swin-tiny-patch4-window7-224": "swin_tiny_patch4_window7_224.ms_in1k",
    "facebook/convnext-tiny-224": "convnext_tiny.fb_in1k",
    "google/vit-base-patch16-224": "vit_base_patch16_224.augreg_in21k_ft_in1k",
}
OPEN_GROUPS = 2  # timm's coarse groups that stay trainable for last_block: the head and the block before it


class TimmBackbone(nn.Module):
    """A timm model on charts of any size that it can be built for.

    backbone        a timm name, or one of HF Benchmark's.
    pretrained      true: from the hub or its cache; a folder with its model.safetensors; false: random.
    finetune        frozen trains the classifier alone, last_block the last block too, full everything.
    weights_origin  `pretrained`, `local` or `random`: stands beside it in every table.
    """

    reads: tuple[str, ...] = ("image",)

    def __init__(
        self,
        shapes: Shapes,
        *,
        backbone: str,
        pretrained: bool | str,
        finetune: Literal["frozen", "last_block", "full"],
        dropout: float,
    ) -> None:
        super().__init__()
        check_fraction(dropout, "dropout")
        if shapes.image is None:
            raise UserError("timm_backbone reads charts but the data draws none; choose a render style.")
        name = timm_name(backbone)
        self.weights_origin: str = origin(pretrained)
        self.pixels: PixelNorm = PixelNorm(shapes.image[0])
        self.backbone: nn.Module = _create(name, shapes, dropout, _weights(name, pretrained))
        if pretrained:
            card: Any = self.backbone.pretrained_cfg
            self.pixels.of_backbone(card["mean"], card["std"])
        _freeze(self.backbone, finetune)

    @staticmethod
    def objection(*, backbone: str, **_) -> str | None:
        """What is wrong with settings that fit their types, for the check before anything starts; None if nothing is."""
        try:
            timm_name(backbone)
        except ValueError as error:
            return str(error)
        return None

    def forward(self, batch: Batch) -> Output:
        return {"logits": self.backbone(self.pixels(batch["image"]))}

    def train(self, mode: bool = True) -> TimmBackbone:
        """As usual, but frozen batch norms keep the statistics they came with."""
        super().train(mode)
        for module in self.backbone.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and not module.weight.requires_grad:
                module.eval()
        return self


def timm_name(backbone: str) -> str:
    """The timm name that `backbone` stands for; ValueError with the nearest if timm has none."""
    import difflib

    import timm

    name = NAMES.get(backbone, backbone.removeprefix("timm/"))
    if timm.is_model(name):
        return name
    near = difflib.get_close_matches(backbone, [*timm.list_models(), *NAMES], n=3)
    advice = f"did you mean {' or '.join(near)}?" if near else "timm.list_models() lists them."
    raise UserError(f"timm has no backbone {backbone!r}; {advice}")


def _card(name: str) -> Any:
    """What timm knows of a net that it has."""
    import timm

    return timm.get_pretrained_cfg(name)


def _weights(name: str, pretrained: bool | str) -> str | None:
    """The safetensors file of `name`, or None for random weights."""
    if isinstance(pretrained, str):
        return str(local_folder(name, pretrained) / WEIGHTS)
    if not pretrained:
        return None
    repo = _card(name).hf_hub_id
    if not repo:
        raise UserError(
            f"timm has no pretrained weights for {name} on the hub; set model.net.pretrained=false or choose another backbone."
        )
    return weights_file(f"{repo}{name}" if repo.endswith("/") else repo)


def _create(name: str, shapes: Shapes, dropout: float, weights: str | None) -> nn.Module:
    """The model for charts of `shapes`; only nets with a fixed input are told the size, the others take any."""
    import timm

    channels, height, width = shapes.chart
    source = _card(name)
    size: dict[str, Any] = (
        {"img_size": (height, width)}
        if source.fixed_input_size and (height, width) != tuple(source.input_size[1:])
        else {}
    )
    overlay: dict[str, Any] = (
        {"pretrained": True, "pretrained_cfg_overlay": {"file": weights}} if weights else {"pretrained": False}
    )
    try:
        model = timm.create_model(
            name, num_classes=shapes.classes, in_chans=channels, drop_rate=dropout, **size, **overlay
        )
        if size:  # some nets of fixed size are built for any and fail only when they run
            with torch.no_grad():
                model.eval()(torch.zeros(1, channels, height, width))
        return model.train()
    except (AssertionError, RuntimeError, TypeError) as error:
        raise UserError(
            f"{name} cannot be built for charts of {height}x{width} ({_first_line(error)}); "
            f"set model.image_size={source.input_size[-1]}, or a multiple of 32."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _freeze(model: nn.Module, finetune: str) -> None:
    """Leave trainable what `finetune` says."""
    if finetune == "full":
        return
    model.requires_grad_(False)
    for name in _open_names(model, finetune):
        model.get_parameter(name).requires_grad_(True)


def _open_names(model: Any, finetune: str) -> list[str]:
    from timm.models import group_parameters

    if finetune == "last_block":
        groups = group_parameters(model, model.group_matcher(coarse=True))
        last = sorted(groups)[-OPEN_GROUPS:]
        return [name for group in last for name in groups[group]]
    heads = model.get_classifier()
    kept = {id(p) for head in (heads if isinstance(heads, tuple) else (heads,)) for p in head.parameters()}
    return [name for name, parameter in model.named_parameters() if id(parameter) in kept]
