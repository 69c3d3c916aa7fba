"""Prepared data shared by the jobs of one process: a sweep fetches and cuts the same bars once."""

from __future__ import annotations

import json

from omegaconf import DictConfig

from candlelab.config import plain
from candlelab.data.prepared import Prepared
from candlelab.data.samples import SampleSet

_prepared: dict[str, Prepared] = {}  # the newest only: of different data each would fill the memory


def share_prepared(cfg: DictConfig, data: SampleSet) -> SampleSet:
    """Return the data with what an earlier job of this process prepared from the same settings, or remember theirs."""
    settings = {key: value for key, value in plain(cfg)["data"].items() if key != "batch_size"}
    if not data.thin:
        settings.pop("seed")  # it draws the bars to remove, and the order of batches, which is made anew for each job
    key = json.dumps([settings, data.warmup], sort_keys=True)
    if key in _prepared:
        return data.having(prepared=_prepared[key])
    _prepared.clear()
    _prepared[key] = data.prepared
    return data
