"""A run examines its own net: what is broken is named, and an edge planted on its bars says what it could have seen."""

import numpy as np
import pytest
import torch
from hydra.utils import get_class
from model_cases import batch, settings, shapes
from omegaconf import OmegaConf
from tiny import ROOT
from torch import nn

from candlelab import config
from candlelab.evaluate.instrument import MEANS_NOTHING, Instrument
from candlelab.model.cnn_small import CnnSmall
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.pipeline.training import instrument

HEALTHY = Instrument((), 0.53, 0.59, 0.6, 0.25)
SMALL = (
    "data=planted",
    "data.source.bars=700",
    "data.window=16",
    "model=cnn_small",
    "render=candles_plain",
    "trainer=cpu",
)


def small_net():
    torch.manual_seed(0)
    return CnnSmall(shapes(classes=2), **settings("cnn_small"))


def told(label, sure):
    return torch.where(nn.functional.one_hot(label, 2).bool(), sure, 1 - sure).double()


RECIPES = sorted(
    path.stem for path in (ROOT / "conf" / "model").glob("[!_]*.yaml") if path.stem != "logistic"
)  # it has no hidden units
SMALLER = {"width": 32, "layers": 2, "image_layers": 2, "caption_layers": 2, "heads": 4, "ffn_width": 64, "patch": 8}
LSTM_FORMS = [
    ("cnn_lstm_attn", {"use_cnn": cnn, "use_attention": attention})
    for cnn in (True, False)
    for attention in (True, False)
]
TIMM = [("timm_backbone", {"backbone": name}) for name in ("test_resnet", "test_efficientnet", "test_vit")]
ONLY_224 = ("swin_tiny", "levit_128s")


def shipped(recipe, **changes):
    """The net of a recipe with random weights, transformers of base size made small, and rows that it reads."""
    torch.manual_seed(0)
    image = (1, 32, 15) if recipe == "jkx_cnn" else (3, 224, 224) if recipe in ONLY_224 else (3, 64, 64)
    cfg = OmegaConf.to_container(config.compose(f"model={recipe}", "pretrained=false").model.net, resolve=True)
    target = get_class(cfg.pop("_target_"))
    cfg |= {name: value for name, value in SMALLER.items() if cfg.get("width", 0) > 100 and name in cfg} | changes
    rows = batch(rows=8 if recipe in ONLY_224 else 32, image=image, classes=2)
    return target(shapes(classes=2, image=image, series=(20, 6)), **cfg), rows


@pytest.mark.parametrize(("recipe", "changes"), [(recipe, {}) for recipe in RECIPES] + LSTM_FORMS + TIMM)
def test_a_fresh_net_is_alive_in_every_layer(recipe, changes):
    net, rows = shipped(recipe, **changes)
    net.train()(rows)  # batch norms take their first look
    assert min(instrument.live_units(net, rows).values()) > 0.3


def test_a_dead_layer_is_named():
    net = small_net()
    nn.init.constant_(net.classify[1].bias, -1e3)
    assert instrument.dead_layers(instrument.live_units(net, batch(rows=32, classes=2))) == [
        "0 % of the units after classify.2 are alive"
    ]


def test_a_blank_channel_is_named():
    image = batch()["image"].clone()
    image[:, 1] = 255
    assert instrument.blank_channels(image) == ["channel 1 of the charts is blank"]
    assert instrument.blank_channels(None) == []


def test_one_answer_for_all_charts_is_noticed():
    label = batch(rows=32, classes=2)["label"]
    assert instrument.one_answer({"probabilities": torch.full((len(label), 2), 0.5)})
    assert not instrument.one_answer({"probabilities": told(label, 0.6)})


def test_a_net_that_knows_no_more_than_the_class_shares_has_learnt_nothing():
    label = batch(rows=64, classes=2)["label"]
    assert instrument.nothing_learnt({"probabilities": torch.full((len(label), 2), 0.5).double()}, label)
    assert not instrument.nothing_learnt({"probabilities": told(label, 0.6)}, label)


def test_planted_labels_follow_the_last_candle_as_often_as_asked():
    data = assemble(config.compose(*SMALL, "data.source.bars=9000")).data
    made, p = instrument.plant(data.prepared, 2, 0.2, seed=0)
    fell = made.candles.close[made.ends] < made.candles.open[made.ends]
    assert set(p[fell]) == {0.7}
    assert made.labels.label[made.ends][fell].mean() == pytest.approx(0.7, abs=0.03)
    assert ((made.labels.target[made.ends] > 0) == (made.labels.label[made.ends] == 1)).all()


def test_planting_leaves_the_labels_of_the_run_alone():
    made = assemble(config.compose(*SMALL)).data.prepared
    before = made.labels.label.copy()
    planted, _p = instrument.plant(made, 2, 0.3, seed=0)
    assert np.array_equal(made.labels.label, before) and not np.array_equal(planted.labels.label, before)


def test_a_quarter_of_the_rows_is_the_newest_quarter():
    data = assemble(config.compose(*SMALL)).data
    train = data.samples("train")
    newest = data.having(prepared=instrument.keep(data.prepared, 0.25)[0]).samples("train")
    assert np.array_equal(newest, train[-len(newest) :]) and len(newest) == pytest.approx(len(train) / 4, abs=1)


def test_a_net_that_keeps_as_much_as_the_rows_can_show_would_have_found_the_edge():
    assert HEALTHY.sees and HEALTHY.sentence().startswith("This net would have found an edge of 59.0 % right")
    assert not Instrument((), 0.53, 0.59, 0.3, 0.25).sees  # 0.3 of 9 points is less than 3


@pytest.mark.parametrize(
    "blind",
    [Instrument(("0 % of the units after x are alive",), None, None, None, 0.0), Instrument((), 0.53, 0.59, 0.1, 0.25)],
)
def test_the_silence_of_a_blind_net_means_nothing(blind):
    assert blind.sees is False and MEANS_NOTHING in blind.sentence()


def test_a_net_that_nobody_tested_is_not_called_able_to_see():
    untested = Instrument((), None, None, None, 0.0)
    assert untested.sees is None and untested.sentence().startswith("Nobody tested")
