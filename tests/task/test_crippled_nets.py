"""Whole runs with a net that is crippled by hand: the first card says that its silence means nothing."""

import torch

from candlelab.config import build, compose, run_folder
from candlelab.evaluate.instrument import MEANS_NOTHING
from candlelab.model.cnn_small import CnnSmall
from candlelab.pipeline.training import fit
from candlelab.render.candles import CandleChart
from candlelab.run import load_run

RUN = (
    "data=planted",
    "data.source.bars=900",
    "data.source.world=none",
    "data.window=16",
    "model=cnn_small",
    "model.image_size=32",
    "render=candles_plain",
    "trainer=cpu",
    "trainer.max_epochs=1",
    "trainer.progress=none",
    "evaluate.n_bootstrap=2",
    "evaluate.n_permutations=2",
    "evaluate.threshold.n_bootstrap=2",
    "evaluate.positive_control=full",
)


def silence_of(tmp_path, *more):
    """Train, and return the first answer of the verdict."""
    cfg = compose(*RUN, f"outputs={tmp_path}", *more)
    build(cfg, "task", cfg)
    return load_run(run_folder(cfg)).verdict["information"]["sentence"]


def test_without_a_learning_rate_silence_means_nothing(tmp_path):
    assert MEANS_NOTHING in silence_of(tmp_path, "model.optimizer.lr=1e-12")


def test_with_dead_units_silence_means_nothing(tmp_path, monkeypatch):
    made = CnnSmall.__init__

    def dead(self, *args, **settings):
        made(self, *args, **settings)
        torch.nn.init.constant_(self.classify[1].bias, -1e3)

    monkeypatch.setattr(CnnSmall, "__init__", dead)
    assert f"{MEANS_NOTHING} (0 % of the units after classify.2 are alive" in silence_of(tmp_path)


def test_on_charts_of_a_wrong_size_silence_means_nothing(tmp_path):
    sentence = silence_of(tmp_path, "render.height=8", "render.width=64", "data.window=48")
    assert f"{MEANS_NOTHING} (half of the candles are less than 2 rows high" in sentence


def test_with_a_blank_channel_silence_means_nothing(tmp_path, monkeypatch):
    drawn = CandleChart.draw

    def blanked(self, candles, ends):
        charts = drawn(self, candles, ends).copy()
        charts[:, 1] = 255
        return charts

    monkeypatch.setattr(CandleChart, "draw", blanked)
    monkeypatch.setattr(fit, "pixel_statistics", lambda data: (0.5, 0.5))  # training itself refuses a blank channel
    assert f"{MEANS_NOTHING} (channel 1 of the charts is blank" in silence_of(tmp_path)


def test_a_healthy_net_names_the_edge_it_would_have_found(tmp_path):
    sentence = silence_of(
        tmp_path, "data.source.bars=2500", "trainer.max_epochs=3", "model.batch_size=32", "model.image_size=16"
    )
    assert "This net would have found an edge of" in sentence and MEANS_NOTHING not in sentence
