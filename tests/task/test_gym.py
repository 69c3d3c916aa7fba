"""The gym: every world is an ordinary run, small nets find what is drawn, and nothing in a market without a rule."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from candlelab.config import ConfigError, compose, run_folder
from candlelab.task import gym

QUIET = ("trainer=cpu", "trainer.progress=none", "task=gym")


def settings(tmp_path, *more):
    return compose(
        "data=planted",
        "data.source.bars=900",
        "data.window=16",
        "model=logistic",
        "data/indicators=bars",
        "data/scaling=none",
        "trainer.max_epochs=1",
        f"outputs={tmp_path}",
        *QUIET,
        *more,
    )


def test_a_row_says_how_far_the_net_and_the_models_beside_it_got(tmp_path):
    cfg = settings(tmp_path)
    rows = gym.gym(cfg, worlds=["reversal"], seeds=[3])
    assert rows == json.loads((tmp_path / "gym" / f"{cfg.name}.json").read_text())
    assert rows[0]["best_auroc"] == pytest.approx(0.6, abs=0.02)
    assert all(np.isfinite(rows[0][name]) for name in ("net", "logistic", "trees"))


def test_the_gym_goes_on_where_it_was_stopped(tmp_path):
    cfg = settings(tmp_path)
    gym.gym(cfg, worlds=["none"], seeds=[0])
    folder = run_folder(gym.job_of(cfg, "none", 0))
    written = (folder / "metrics.json").stat().st_mtime_ns
    gym.gym(cfg, worlds=["none"], seeds=[0])
    assert (folder / "metrics.json").stat().st_mtime_ns == written


def test_the_mixture_is_as_weak_as_real_markets(tmp_path):
    assert gym.job_of(settings(tmp_path), "mixture", 0).data.source.auroc == 0.55


def test_between_down_and_up_a_neutral_class_says_nothing():
    table = pd.DataFrame({"model": "net", "split": "test", "p_0": [0.1, 0.5], "p_1": [0.6, 0.3], "p_2": [0.3, 0.2]})
    assert gym._score(SimpleNamespace(predictions=table), "net") == pytest.approx([0.2, -0.3])


def test_the_sequence_nets_of_the_gym_forecast_the_direction_that_is_planted():
    assert compose("sweep=gym_sequences").data.label._target_.endswith("Direction")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"worlds": ["moon"], "seeds": [0]}, "give worlds out of"),
        ({"worlds": ["none"], "seeds": []}, "at least one seed"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(tmp_path, change, why):
    with pytest.raises(ConfigError, match=why):
        gym.gym(settings(tmp_path), **change)


def test_data_without_a_rule_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="add data=planted"):
        gym.gym(compose("data=simulated", "task=gym", f"outputs={tmp_path}"), worlds=["none"], seeds=[0])


FOUND = [
    ("cnn_small", "reversal", ("model.image_size=32", "model.batch_size=64")),
    ("cnn_1d", "shape", ("model.batch_size=64", "data/indicators=bars", "data/scaling=none")),
]


@pytest.mark.parametrize(("model", "world", "more"), FOUND)
def test_small_nets_find_a_strong_rule_in_few_bars(tmp_path, model, world, more):
    cfg = compose(
        "data=planted",
        "data.source.bars=4000",
        "data.source.auroc=0.65",
        "data.window=16",
        f"model={model}",
        "trainer.max_epochs=6",
        f"outputs={tmp_path}",
        *QUIET,
        *more,
    )
    row = gym.gym(cfg, worlds=[world], seeds=[0])[0]
    assert row["net"] > 0.5 and row["live"] > 0.1 and row["distinct"] > 0.1
