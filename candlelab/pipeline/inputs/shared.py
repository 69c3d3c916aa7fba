"""Prepared data shared by the jobs of one process: a sweep fetches and cuts the same bars once."""

from __future__ import annotations

import json

from omegaconf import DictConfig

from candlelab.config import build, plain
from candlelab.core.contracts import Redrawn
from candlelab.data.prepared import Prepared
from candlelab.data.samples import SampleSet

_prepared: dict[str, Prepared] = {}  # the newest only: of different data each would fill the memory


def share_prepared(cfg: DictConfig, data: SampleSet) -> SampleSet:
    """Return the data with what an earlier job of this process prepared from the same settings, or remember theirs."""
    key = _key(cfg, data)
    if key in _prepared:
        return data.having(prepared=_prepared[key])
    hold_prepared(key, data.prepared)
    return data


def hold_prepared(key: str, prepared: Prepared) -> None:
    """Remember what was prepared, here or elsewhere, for the jobs of this process that read the same; nothing else is kept."""
    _prepared.clear()
    _prepared[key] = prepared


def are_held(cfg: DictConfig, data: SampleSet) -> bool:
    """Return whether the data of these settings are here already: then the files that they come from need not be."""
    return _key(cfg, data) in _prepared


def shareable_data(cfg: DictConfig) -> tuple[str, Prepared] | None:
    """Return key and data of a job, prepared in this process, to be read elsewhere; None for what is written on or lies in files."""
    data = share_prepared(cfg, build(cfg, "data", build(cfg, "render") if cfg.get("render") else None))
    made = data.prepared
    return None if isinstance(data.source, Redrawn) or made.arrays.in_files else (_key(cfg, data), made)


def _key(cfg: DictConfig, data: SampleSet) -> str:
    settings = {key: value for key, value in plain(cfg)["data"].items() if key != "batch_size"}
    settings.pop("scratch")  # where files lie decides nothing
    settings["source"] = {key: value for key, value in settings["source"].items() if key != "cache"}
    if not data.thin:
        settings.pop("seed")  # it draws the bars to remove, and the order of batches, which is made anew for each job
    return json.dumps([settings, data.warmup], sort_keys=True)
