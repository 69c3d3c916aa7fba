"""What a preset of the five systems computes at the size that docs/systems.md states for a laptop."""

import re

import pandas as pd
import pytest
import tiny

from candlelab.config import build, compose
from candlelab.core.interval import interval_ms
from candlelab.pipeline.training.estimate import made_up, random_net
from candlelab.pipeline.training.operations import flops

PAGE = (tiny.ROOT / "docs" / "systems.md").read_text()
STATED = re.findall(r"^python -m candlelab (experiment=.*)$", PAGE, re.MULTILINE)
BUDGET = 20 * 60 * 10e9  # operations of twenty minutes at ten billion a second, a third of what two cores do
BACKWARD = 3  # a training step beside a forward pass


def training_rows(data) -> float:
    """Windows of the training part, told from the dates."""
    if data.start is None:
        return 0.7 * data.source.samples
    bars = (pd.Timestamp(data.end) - pd.Timestamp(data.start)).total_seconds() * 1000 / interval_ms(data.interval)
    return 0.7 * min(bars * len(data.symbols) / data.stride, data.max_samples or float("inf"))


def test_each_of_the_five_systems_has_a_stated_size():
    systems = ["candlefusion", "crypto_classifier", "hf_benchmark", "cryptoai_patterns", "cnn_lstm_attention"]
    assert [words.split()[0] for words in STATED] == [f"experiment={name}" for name in systems]


@pytest.mark.parametrize("words", STATED)
def test_twenty_minutes_of_two_cores_are_enough(words):
    cfg = compose(*words.split())
    data = build(cfg, "data", build(cfg, "render") if cfg.get("render") else None)
    step = BACKWARD * flops(random_net(cfg, data.shapes).eval(), made_up(data.shapes, 1))
    rows, steps = training_rows(cfg.data), cfg.trainer.max_steps
    epochs = (
        min(cfg.trainer.max_epochs, max(1, steps * cfg.data.batch_size // rows)) if steps else cfg.trainer.max_epochs
    )
    assert step * rows * epochs < BUDGET
