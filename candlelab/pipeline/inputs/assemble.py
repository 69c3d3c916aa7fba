"""Build the parts of a run from its config and fit them together."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from candlelab.config import build
from candlelab.core.contracts import HasDirections, HasOrigin, OptimizerFactory
from candlelab.data.samples import SampleSet
from candlelab.data.sealing import without_future
from candlelab.data.tokenizer import load_tokenizer
from candlelab.model.pretrained import local_folder
from candlelab.pipeline.inputs.shared import share_prepared
from candlelab.pipeline.training.batch_size import auto_batch_size
from candlelab.pipeline.training.weigh import check_weight


@dataclass
class Parts:
    """The objects of one run: renderer -> data -> net -> loss and optimizer."""

    data: SampleSet
    net: nn.Module  # a Net
    loss: nn.Module  # a Loss
    optimizer: OptimizerFactory


def assemble(cfg: DictConfig) -> Parts:
    """Return data and net built for each other; the data are prepared only once per process."""
    renderer = build(cfg, "render") if cfg.get("render") else None
    data = build(cfg, "data", renderer)
    if "caption" in cfg.model.net.get("inputs", []):
        data = data.having(tokenizer=load_tokenizer(tokenizer_name(cfg.model.net)))
    check_weight(cfg, data.shapes)
    net = build(cfg, "model.net", data.shapes)
    data = share_prepared(cfg, data.having(reads=tuple(net.reads)))
    if cfg.evaluate.sealed:
        hidden = without_future(data.prepared)
        data = data.having(fingerprint=data.fingerprint, prepared=hidden, tape=hidden.candles)
    elif "image" in data.reads:  # a store holds the charts of the test part, too
        data = read_from_store(data, Path(cfg.outputs))
    loss = build(cfg, "model.loss", torch.from_numpy(data.class_counts))
    parts = Parts(data, net, loss, build(cfg, "model.optimizer"))
    return parts if data.batch_size != "auto" else replace(parts, data=data.having(batch_size=auto_batch_size(parts)))


def tokenizer_name(net: DictConfig) -> str:
    """Return the tokenizer a net's captions need: its own choice, or for `auto` the one its weights were trained with."""
    if net.tokenizer != "auto":
        return net.tokenizer
    if not net.pretrained:
        return "closed"
    return net.caption_backbone if net.pretrained is True else str(local_folder(net.caption_backbone, net.pretrained))


def read_from_store(data: SampleSet, outputs: Path) -> SampleSet:
    """Return the data reading their charts from the store of render/storage, built first where need be; live ones are drawn."""
    from candlelab.pipeline.inputs.stores import stored
    from candlelab.render.storage.live import Live
    from candlelab.render.storage.store import Stored

    assert data.renderer is not None, "a net that reads charts has a renderer"
    if isinstance(data.renderer.storage, Live):
        return data
    return data.having(renderer=Stored(stored(data, outputs), data.renderer))


def preprocessing(parts: Parts) -> dict[str, Any]:
    """Return everything inference needs beside config and weights, as plain numbers and words."""
    data, net = parts.data, parts.net
    return {
        "shapes": asdict(data.shapes),
        "reads": list(data.reads),
        "classes": list(data.label.classes),
        "kind": data.label.kind,
        "horizon": data.label.horizon,
        "label": type(data.label).__name__,
        "directions": list(data.label.directions) if isinstance(data.label, HasDirections) else None,
        "window": data.window,
        "warmup": data.warmup,
        "batch_size": data.batch_size,
        "interval": data.interval,
        "symbols": list(data.prepared.candles.symbols),
        "features": list(data.indicators.names),
        "scaling": _scaling(data) if "series" in data.reads else None,
        "renderer": data.renderer.recipe() if data.renderer and "image" in data.reads else None,
        "tokenizer": data.tokenizer.name,
        "caption_length": data.caption.length,
        "weights_origin": net.weights_origin if isinstance(net, HasOrigin) else "random",
        "data_hash": data.fingerprint,
    }


def _scaling(data) -> dict[str, Any]:
    """Return the scaler as numbers; it is fitted with the series, which a run resumed after its last epoch has not asked for."""
    assert data.series is not None
    return data.scaling.to_dict()
