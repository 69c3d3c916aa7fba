"""Noise gives chance, a planted signal is found: the whole pipeline on markets whose secret is known."""

import numpy as np
import pytest
import tiny

import candlelab
from candlelab.config import build, compose, run_folder

SMALL = (
    "experiment=smoke",
    "data.window=16",
    "model.image_size=32",
    "model.net.width=48",
    "model.net.image_layers=2",
    "model.net.caption_layers=1",
    "model.net.ffn_width=96",
    "model.net.heads=4",
    "trainer.progress=none",
    "evaluate.n_bootstrap=20",
    "evaluate.n_permutations=20",
    "evaluate.threshold.n_bootstrap=5",
)


def metrics_of(outputs, *more):
    cfg = compose(*SMALL, f"outputs={outputs}", *more)
    build(cfg, "task", cfg)
    return candlelab.load_run(run_folder(cfg)).metrics


@pytest.mark.parametrize("inputs", ["[image]", pytest.param("[image,caption]", marks=pytest.mark.slow)])
def test_a_planted_signal_is_found(tmp_path, inputs):
    found = metrics_of(
        tmp_path, "data.source.bars=6000", "data.source.edge=0.4", f"model.net.inputs={inputs}", "trainer.max_epochs=2"
    )
    assert found["bayes/reached"] >= 0.8


def chance_band(n_eff):
    return 3.29 * np.sqrt(0.25 / n_eff)


def test_a_random_walk_stays_within_the_chance_band(tmp_path):
    found = metrics_of(tmp_path, "data.source.bars=4000", "data.source.edge=0.0", "trainer.max_epochs=1")
    assert abs(found["test/balanced_accuracy"] - 0.5) <= chance_band(found["test/n_eff"])
    assert found["test/sharpe_net"] is None or found["test/psr"] < 0.95


def test_shuffled_labels_give_chance(tmp_path, monkeypatch):
    from candlelab.data.label.direction import Direction

    honest = Direction.__call__

    def shuffled(self, candles, window):
        made = honest(self, candles, window)
        known = np.flatnonzero(made.label[: int(0.7 * len(candles))] >= 0)
        made.label[known] = np.random.default_rng(0).permutation(made.label[known])
        return made

    monkeypatch.setattr(Direction, "__call__", shuffled)
    found = metrics_of(tmp_path, "data.source.bars=4000", "data.source.edge=0.4", "trainer.max_epochs=1")
    assert abs(found["test/balanced_accuracy"] - 0.5) <= chance_band(found["test/n_eff"])


def test_the_verdict_on_noise_claims_nothing(tmp_path, capsys):
    tiny.trained(tmp_path, "data.source.edge=0.0")
    said = capsys.readouterr().out
    assert "Information beyond chance? NOT SHOWN" in said and "Money after fees (10 bp)? YES" not in said
