"""Tiny nets, batches and shapes for the model tests."""

import torch
from omegaconf import OmegaConf

from candlelab.config import compose
from candlelab.core.batch import Shapes
from candlelab.model.fusion import Fusion

CHART = (3, 32, 32)
CAPTION = 12
VOCABULARY = 40
FUSION = {
    "inputs": ["image", "caption"],
    "pretrained": False,
    "image_backbone": "google/vit-base-patch16-224",
    "caption_backbone": "bert-base-uncased",
    "tokenizer": "closed",
    "width": 32,
    "image_layers": 2,
    "caption_layers": 2,
    "heads": 4,
    "ffn_width": 64,
    "patch": 8,
    "stem": "patch",
    "fusion_heads": 8,
    "newest": 0,
    "dropout": 0.0,
    "head_dropout": 0.1,
}


def shapes(classes=3, image=CHART, series=None):
    return Shapes(classes=classes, image=image, caption=CAPTION, vocabulary=VOCABULARY, series=series)


def fusion(**changes):
    torch.manual_seed(0)
    return Fusion(shapes(), **{**FUSION, **changes})


def batch(rows=4, image=CHART, series=(20, 6), classes=3):
    """A made-up batch with every input; the same every time."""
    random = torch.Generator().manual_seed(1)
    mask = torch.ones(rows, CAPTION, dtype=torch.bool)
    mask[:, CAPTION // 2 :] = False
    return {
        "image": torch.randint(0, 256, (rows, *image), dtype=torch.uint8, generator=random),
        "caption": torch.randint(1, VOCABULARY, (rows, CAPTION), generator=random),
        "caption_mask": mask,
        "series": torch.rand(rows, *series, generator=random) + 1.0,
        "label": torch.randint(0, classes, (rows,), generator=random),
        "target": torch.randn(rows, generator=random),
        "row": torch.arange(rows),
    }


def untouched(net, output):
    """Names of trainable parameters that the outputs send no gradient to."""
    sum(value.float().square().sum() for name, value in output.items() if name != "attention").backward()
    return [name for name, p in net.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]


def settings(recipe):
    """The `net` settings of a model recipe, without its target."""
    net = OmegaConf.to_container(compose(f"model={recipe}").model.net, resolve=True)
    return {key: value for key, value in net.items() if key != "_target_"}
