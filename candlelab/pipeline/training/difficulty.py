"""How recognition falls as made-up patterns drown in noise: the trained net on new samples of every difficulty."""

from __future__ import annotations

from typing import Any

import numpy as np
from omegaconf import DictConfig

from candlelab.config import build, plain
from candlelab.core.contracts import gives_logits
from candlelab.pipeline.scores.predictions import predict_samples

LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SAMPLES = 600  # per level
FRESH = 1_000_003  # added to the source's seed: samples that no training has seen


def right_by_difficulty(cfg: DictConfig, learner, data) -> list[dict[str, Any]]:
    """Return {difficulty, samples, right} per level; nothing for a source that has no difficulty or a net without classes."""
    recipe = plain(cfg)
    if "difficulty" not in recipe["data"]["source"] or not gives_logits(learner.net):
        return []
    return [_right_at(level, recipe, learner, data) for level in LEVELS]


def _right_at(level: float, recipe: dict[str, Any], learner, data) -> dict[str, Any]:
    source = recipe["data"]["source"]
    source = source | {"difficulty": level, "samples": SAMPLES, "seed": source["seed"] + FRESH}
    fresh = build({"data": recipe["data"] | {"source": source, "batch_size": data.batch_size}}, "data", data.renderer)
    fresh = fresh.having(reads=data.reads, scaling=data.scaling, tokenizer=data.tokenizer, indicators=data.indicators)
    every = np.arange(len(fresh.prepared.ends))
    answer = predict_samples(learner, fresh, every)["probabilities"].argmax(1)
    right = answer == fresh.prepared.labels.label[fresh.prepared.ends]
    return {"difficulty": level, "samples": len(every), "right": int(right.sum())}
