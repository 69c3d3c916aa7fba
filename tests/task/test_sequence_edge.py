"""Sequence nets find an edge that lies only in the order of the bars, and choosing a threshold on noise earns nothing."""

import numpy as np
import pytest

from candlelab import config
from candlelab.run import THRESHOLD, read_part
from candlelab.task.train import train

QUIET = ("trainer.progress=none", "trainer/logger=csv")


@pytest.mark.slow
@pytest.mark.parametrize("cnn", ["true", "false"])
@pytest.mark.parametrize("attention", ["true", "false"])
def test_each_of_the_four_nets_goes_most_of_the_way_to_the_optimum(tmp_path, cnn, attention):
    metrics = train(
        config.compose(
            "data=simulated_sequence",
            "data/label=direction",
            "model=cnn_lstm_attn",
            f"model.net.use_cnn={cnn}",
            f"model.net.use_attention={attention}",
            f"outputs={tmp_path}",
            *QUIET,
        )
    )
    assert metrics["bayes/reached"] >= 0.8


@pytest.mark.slow
def test_without_an_edge_the_best_looking_threshold_is_corrected_to_noise_over_twenty_seeds(tmp_path):
    corrected, shown = [], []
    for seed in range(20):
        cfg = config.compose(
            "data=simulated_sequence",
            "data.source.edge=0.0",
            f"data.source.seed={seed}",
            "data.source.bars=4000",
            "model=logistic",
            "data/indicators=bars",
            "data/scaling=none",
            "trainer.max_epochs=5",
            "evaluate.fee_bps=0.0",
            f"outputs={tmp_path}",
            *QUIET,
        )
        train(cfg)
        chosen = read_part(config.run_folder(cfg), THRESHOLD)
        corrected.append(chosen["corrected_sharpe_annual"])
        shown.append(chosen["validation_sharpe_annual"])
    assert np.mean(shown) > 2 * np.std(shown) / np.sqrt(20), "the best-looking threshold should look good on noise"
    assert abs(np.mean(corrected)) < 2.5 * np.std(corrected) / np.sqrt(20), corrected
