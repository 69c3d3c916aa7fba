"""Indicators inside a graph agree with TA-Lib on the same bars."""

import numpy as np
import pandas as pd
import pytest
import torch

from candlelab.config import build, compose
from candlelab.core.candles import Candles
from candlelab.export.indicators import ScaledIndicators

WINDOW, COLUMNS = 32, ("open", "high", "low", "close", "volume")


def walk(seed: int, bars: int) -> Candles:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
    opened = np.append(100, close[:-1])
    spread = np.abs(rng.normal(0, 0.004, (2, bars)))
    volume = rng.lognormal(3, 1, bars) * (rng.random(bars) > 0.1)
    return Candles.from_frame(
        pd.DataFrame(
            {
                "open_time": np.arange(bars) * 3_600_000,
                "open": opened,
                "high": np.maximum(opened, close) * (1 + spread[0]),
                "low": np.minimum(opened, close) * (1 - spread[1]),
                "close": close,
                "volume": volume,
            }
        )
    )


def both(name: str, kalman: float | None, candles: Candles) -> tuple[np.ndarray, np.ndarray]:
    """Return the set's last WINDOW rows from TA-Lib and from the graph's form of it, unscaled."""
    cfg = compose(f"data/indicators={name}", f"data.indicators.kalman={kalman or 'null'}")
    indicators = build(cfg, "data.indicators")
    width = len(indicators.names)
    scaling = {"clip": None, "centre": [0.0] * width, "scale": [1.0] * width}
    inside = ScaledIndicators(
        type(indicators).__name__, kalman=kalman, scaling=scaling, bars=len(candles), window=WINDOW
    )
    tape = np.stack([getattr(candles, column) for column in COLUMNS], 1)[None]
    return indicators(candles)[-WINDOW:], inside(torch.from_numpy(tape))[0].numpy()


def test_the_bars_of_the_controls_are_those_of_the_tape():
    from candlelab.data.indicators.bars import RawBars

    candles, plain = walk(0, 100), {"clip": None, "centre": [0.0] * 6, "scale": [1.0] * 6}
    inside = ScaledIndicators("RawBars", kalman=None, scaling=plain, bars=100, window=WINDOW, average=20)
    tape = torch.from_numpy(np.stack([getattr(candles, column) for column in COLUMNS], 1)[None])
    np.testing.assert_allclose(inside(tape)[0].numpy(), RawBars(average=20)(candles)[-WINDOW:], rtol=1e-6)


@pytest.mark.parametrize("kalman", [None, 0.5])
@pytest.mark.parametrize("name", ["classic", "minimal", "raw"])
def test_a_graph_computes_what_talib_computes(name, kalman):
    bars = 120 + 60 + WINDOW  # the longest warm-up and that of the filter
    for seed in range(3):
        expected, found = both(name, kalman, walk(seed, bars))
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6)


def test_bars_that_never_move_give_finite_numbers():
    still = np.tile([5.0, 5.0, 5.0, 5.0, 0.0], (1, 152, 1))
    inside = ScaledIndicators(
        "Classic",
        kalman=None,
        scaling={"clip": None, "centre": [0.0] * 11, "scale": [1.0] * 11},
        bars=152,
        window=WINDOW,
    )
    assert torch.isfinite(inside(torch.from_numpy(still))).all()


def test_a_set_without_a_tensor_form_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="data/indicators=wide cannot be computed inside a graph"):
        ScaledIndicators("Wide", kalman=None, scaling={}, bars=200, window=WINDOW)
