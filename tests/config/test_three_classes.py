"""Sequence nets say down, neutral or up unless another label is chosen, so that NONE is something they can say."""

import pytest

from candlelab.config import build, compose

CHOSEN = {
    "data/label=direction": ("down", "up"),
    "experiment=cnn_lstm_attention": ("down", "neutral", "up"),
    "experiment=hf_benchmark": ("down", "up"),
}


@pytest.mark.parametrize(
    "words",
    [
        ["model=cnn_lstm_attn"],
        ["model=cnn_lstm_attn_regression"],
        ["sweep=lstm_variants"],
        ["sweep=focal"],
        ["sweep=sharpe_thresholds"],
        ["data=simulated_sequence", "model=cnn_lstm_attn"],
    ],
)
def test_a_sequence_net_has_three_classes_by_default(words):
    assert build(compose(*words), "data.label").classes == ("down", "neutral", "up")


@pytest.mark.parametrize("word", CHOSEN)
def test_a_label_that_is_chosen_stays(word):
    assert build(compose(word, "model=cnn_lstm_attn"), "data.label").classes == CHOSEN[word]


def test_other_nets_keep_the_plain_forecast():
    assert build(compose("model=cnn_1d"), "data.label").classes == ("down", "up")
