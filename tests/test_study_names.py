"""Which runs of a study are the same data set seen by another model or seed, and which are not."""

import pytest

from candlelab.config import compose
from candlelab.task.study import data_name

MINUTES = ("data=btc_months", "render=candles_plain")


def name(*words):
    return data_name(compose(*MINUTES, *words).data)


@pytest.mark.parametrize("words", ["data.split.train_days=14", "data.split.test_days=21", "data.window=15", "data.thin=0.6",
                                   "data.end=2024-12-31", "data=eth_months"])
def test_other_data_have_another_name(words):
    assert name() != name(words)


@pytest.mark.parametrize("words", ["seed=1", "model=cnn_small", "data.batch_size=8"])
def test_other_seeds_and_models_are_of_the_same_data(words):
    assert name() == name(words)
