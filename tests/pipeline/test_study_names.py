"""Which runs of a study are the same data set seen by another model or seed, and which are not."""

import pytest
from omegaconf import OmegaConf

from candlelab.config import compose
from candlelab.pipeline.studies.study import data_name
from candlelab.pipeline.studies.varied import flat, settings_of, tell_apart

MINUTES = ("data=btc_months", "render=candles_plain")


def name(*words):
    return data_name(compose(*MINUTES, *words).data)


@pytest.mark.parametrize(
    "words",
    [
        "data.split.train_days=14",
        "data.split.test_days=21",
        "data.window=15",
        "data.thin=0.6",
        "data.end=2024-12-31",
        "data=eth_months",
    ],
)
def test_other_data_have_another_name(words):
    assert name() != name(words)


@pytest.mark.parametrize("words", ["seed=1", "model=cnn_small", "data.batch_size=8"])
def test_other_seeds_and_models_are_of_the_same_data(words):
    assert name() == name(words)


def row(name, **settings):
    return {"model": "net", "data": "BTC", "experiment": "ThreeClass", "run": name, "settings": settings}


def test_runs_that_differ_in_a_setting_are_told_apart_by_it():
    rows = [
        row("a", **{"model.loss.gamma": "0", "trainer.patience": "3"}),
        row("b", **{"model.loss.gamma": "2", "trainer.patience": "3"}),
    ]
    tell_apart(rows)
    assert [each["model"] for each in rows] == ["net gamma=0", "net gamma=2"] and {each["data"] for each in rows} == {
        "BTC"
    }


def test_another_label_rule_is_another_question_with_its_own_rows():
    rows = [row("a", **{"data.label.threshold": "0.25"}), row("b", **{"data.label.threshold": "1"})]
    tell_apart(rows)
    assert [each["rule"] for each in rows] == ["threshold=0.25", "threshold=1"]
    assert [each["model"] for each in rows] == ["net threshold=0.25", "net threshold=1"] and rows[0]["data"] != rows[1][
        "data"
    ]


def test_seeds_are_not_settings():
    assert flat({"seed": 1, "data": {"seed": 1, "label": {"threshold": 0.5}}, "outputs": "o"}) == {
        "data.label.threshold": "0.5"
    }


@pytest.mark.parametrize(("words", "named"), [([], False), (["data.indicators.average=7"], True)])
def test_what_repeats_the_window_names_no_model(words, named):
    tree = OmegaConf.to_container(compose(*MINUTES, "data.window=15", *words), resolve=True)
    assert "render.window" not in settings_of(tree)
    assert ("data.indicators.average" in settings_of(tree)) == named
