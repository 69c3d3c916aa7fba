"""What can be known to be wrong with a training job before its data are fetched and its folder is made."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from candlelab.config import ConfigError, build, plain, several
from candlelab.core.agreement import LARGEST_PICTURE
from candlelab.core.errors import UserError
from candlelab.core.online import hub_silence
from candlelab.data.source.file import File
from candlelab.data.tokenizer import load_tokenizer
from candlelab.market.files import find_files
from candlelab.pipeline.inputs.assemble import tokenizer_name
from candlelab.pipeline.inputs.shared import are_held

APART = ("evaluate", "trainer", "model.optimizer")  # built from settings alone


def check_job(cfg: DictConfig) -> None:
    """Raise ConfigError with every problem of the components that are cheap to build; no data are read, nothing is made."""
    found = list(job_problems(cfg))
    if found:
        raise ConfigError(several(list(dict.fromkeys([*found, *absent_weights(cfg)]))))


def check_jobs(jobs: list[DictConfig]) -> None:
    """The same for the jobs of a sweep, each problem told once."""
    found = list(dict.fromkeys(line for job in jobs for line in job_problems(job)))
    if found:
        raise ConfigError(several(found))


def job_problems(cfg: DictConfig) -> Iterator[str]:
    """Yield one sentence per component that refuses its settings."""
    tree = plain(cfg)
    yield from _of_outputs(Path(tree["outputs"]))
    for key in APART:
        yield from _of_component(key, json.dumps(_node(tree, key)))
    yield from _of_data(json.dumps([tree.get("render"), tree["data"]]))


def absent_weights(cfg: DictConfig) -> Iterator[str]:
    """Yield what the net says of its trained weights where asking costs no download."""
    pretrained = OmegaConf.select(cfg, "model.net.pretrained")
    if not pretrained or (pretrained is True and hub_silence() is None):
        return
    try:
        data = build(cfg, "data", build(cfg, "render") if cfg.get("render") else None)
        if "caption" in cfg.model.net.get("inputs", []):
            data = data.having(tokenizer=load_tokenizer(tokenizer_name(cfg.model.net)))
        build(cfg, "model.net", data.shapes)
    except UserError as error:
        yield str(error)


def _node(tree: dict[str, Any], key: str) -> dict[str, Any]:
    for name in key.split("."):
        tree = tree[name]
    return tree


def _of_outputs(outputs: Path) -> Iterator[str]:
    """Yield what stands in the way of making the outputs folder."""
    place = outputs.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        yield f"outputs: '{place}' is a file, so nothing can be kept in '{outputs}': choose another folder with outputs=FOLDER"
    elif not os.access(place, os.W_OK | os.X_OK):
        yield f"outputs: nothing can be written in '{place}': choose another folder with outputs=FOLDER, or change its permissions"


@lru_cache(maxsize=256)
def _of_component(key: str, node: str) -> tuple[str, ...]:
    try:
        build(
            OmegaConf.create(reduce(lambda inner, name: {name: inner}, reversed(key.split(".")), json.loads(node))), key
        )
    except UserError as error:
        return (str(error),)
    return ()


@lru_cache(maxsize=256)
def _of_data(nodes: str) -> tuple[str, ...]:
    render, data = json.loads(nodes)
    try:
        renderer = build({"render": render}, "render") if render else None
        if renderer and math.prod(renderer.shape) > LARGEST_PICTURE:
            channels, height, width = renderer.shape
            return (
                f"render: a chart of {width} x {height} pixels and {channels} colours takes {math.prod(renderer.shape) / 2**20:,.0f} MB; "
                f"give at most {LARGEST_PICTURE / 2**20:.0f} MB",
            )
        made = build({"data": data}, "data", renderer)
        if isinstance(made.source, File) and not are_held(OmegaConf.create({"data": data}), made):
            for text in [made.source.path] if isinstance(made.source.path, str) else made.source.path:
                find_files(text)
    except UserError as error:
        return (str(error),)
    return ()
