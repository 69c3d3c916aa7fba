"""Where the models of a study stand on the ladder from raw numbers to charts."""

import pytest

from candlelab.config import compose
from candlelab.pipeline.studies.ladder import name_of, rung_of

PARTS = {
    "_logistic_raw": ("raw, linear", "logistic, raw numbers"),
    "_logistic_image": ("scaled, linear", "logistic, scaled by the range"),
    "_cnn_1d_raw": ("raw, curved", "1-D CNN, raw numbers"),
    "_cnn_1d_volatility": ("scaled, curved", "1-D CNN, scaled by volatility"),
    "_cnn_small_candles": ("chart", "small CNN, CandleChart"),
    "_cnn_small_jkx": ("chart", "small CNN, Jkx"),
}


def recipe_of(*words):
    return compose("data=simulated", *words)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_the_sweep_stands_on_its_rung(part):
    recipe = recipe_of(f"experiment={part}")
    assert (rung_of(recipe), name_of(recipe, "?")) == PARTS[part]


def test_any_other_net_is_the_net_of_the_study():
    recipe = recipe_of("model=fusion_small")
    assert (rung_of(recipe), name_of(recipe, "fusion")) == ("net", "fusion")


def test_numbers_that_no_chart_draws_are_no_rung_of_numbers():
    assert rung_of(recipe_of("model=cnn_1d", "model.net.scale=none")) == "net"


def test_a_chart_of_the_ladder_shows_the_window_of_the_numbers():
    cfg = compose("data=simulated", "experiment=_cnn_small_jkx", "data.window=24")
    assert cfg.render.window == cfg.data.window == 24
