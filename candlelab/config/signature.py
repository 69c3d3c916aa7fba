"""Run signature: the hash of what can change the fit, and the folder named by it."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from candlelab.config.check import plain
from candlelab.config.packages import used_extensions

# What cannot change the fit, and so must not change the name of a run.
NOT_IN_SIGNATURE = (
    "study",
    "resume",
    "outputs",
    "name",
    "bench",
    "task",
    "evaluate",
    "pretrained",
    "data.memory",
    "data.scratch",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.logger",
    "trainer.progress",
    "trainer.stop_above",
    "render.fill",
    "render.storage",
)


def completed(cfg: DictConfig, choices: Any) -> DictConfig:
    """Return the config with what only the whole can know filled in: the run's name and a fixed end date."""
    cfg = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    with open_dict(cfg):
        if cfg.get("name") is None:
            model = OmegaConf.select(cfg, "model.net.backbone") or choices.get("model")
            cfg.name = f"{choices.get('data')}-{str(model).replace('/', '-')}"
        if OmegaConf.select(cfg, "data.end") == "latest":
            from candlelab.core.interval import last_closed

            cfg.data.end = last_closed(cfg.data.resample or cfg.data.interval, int(time.time() * 1000))
    return cfg


def signature(cfg: DictConfig) -> str:
    """Return 8 hex digits that are equal for configs that fit the same model on the same data."""
    tree = plain(cfg)
    for dotted in NOT_IN_SIGNATURE:
        *parents, last = dotted.split(".")
        node = tree
        for parent in parents:
            node = node.get(parent) or {}
        node.pop(last, None)
    if not reads_images(tree):
        tree.pop("render", None)
    extensions = used_extensions(tree)  # other code under the same settings is another run
    text = json.dumps(tree | ({"extensions": extensions} if extensions else {}), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def run_folder(cfg: DictConfig) -> Path:
    """Return where a run lives: outputs/<study>/<data>-<model>-<8 hex>."""
    return Path(cfg.outputs, cfg.study) / f"{cfg.name}-{signature(cfg)}"


def reads_images(tree: dict[str, Any]) -> bool:
    """Return whether the recipe's net looks at charts."""
    net = tree["model"].get("net", {})
    return bool(tree["model"].get("image_size")) and "image" in net.get("inputs", ["image"])
