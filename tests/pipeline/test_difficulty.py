"""The trained net on made-up patterns of every difficulty: new samples, the same inputs, one number per level."""

import numpy as np
import torch

from candlelab import config
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.pipeline.training import difficulty


class Oracle:
    """Knows every answer, or always says class 0."""

    gives_logits = True

    def __init__(self, knows: bool):
        self.net, self.knows = self, knows

    def eval(self):
        return self

    def predict(self, batch):
        label = batch["label"] if self.knows else torch.zeros_like(batch["label"])
        return {"probabilities": torch.nn.functional.one_hot(label.long(), 10).float()}


def counted(monkeypatch, knows):
    monkeypatch.setattr(difficulty, "SAMPLES", 50)
    cfg = config.compose("data=patterns", "render=candles_plain", "model=cnn_small", "data.source.samples=400")
    return difficulty.right_by_difficulty(cfg, Oracle(knows), assemble(cfg).data)


def test_every_level_is_answered_on_new_balanced_samples(monkeypatch):
    every, none = counted(monkeypatch, True), counted(monkeypatch, False)
    assert [each["difficulty"] for each in every] == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert {(each["samples"], each["right"]) for each in every} == {(50, 50)} and {each["right"] for each in none} == {
        5
    }


def test_other_sources_have_no_difficulty():
    assert difficulty.right_by_difficulty(config.compose("data=simulated"), Oracle(True), None) == []


def test_the_samples_differ_from_those_of_the_run():
    cfg = config.compose("data=patterns", "render=candles_plain", "model=cnn_small", "data.source.samples=400")
    data = assemble(cfg).data
    seen = []
    learner = Oracle(True)
    learner.predict = lambda batch: seen.append(batch["image"].numpy()) or Oracle.predict(learner, batch)
    difficulty._right_at(cfg.data.source.difficulty, config.plain(cfg), learner, data)
    assert not np.array_equal(seen[0][:32], data.charts(data.prepared.ends[:32]))
