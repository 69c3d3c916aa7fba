"""Every label rule, horizon, stride and kind of hole gives predictions that the check of predictions believes."""

import numpy as np
import pandas as pd
import pytest

from candlelab.audit.predictions import mismatches
from candlelab.config import build, compose
from candlelab.core.candles import Candles
from candlelab.pipeline.scores.trust import checked_card

HOUR = 3_600_000
RULES = ["direction", "three_class", "next_return", "triple_barrier", "balanced", "window_drift", "last_candle", "body"]


class Given:
    """A source that hands out two coins with holes, halts and coarse ticks."""

    def fetch(self, symbols, interval, start, end):
        rng = np.random.default_rng(1)
        frames = []
        for name in ("A", "B"):
            close = np.maximum(50 + np.cumsum(rng.choice([-0.5, 0, 0.5], 1500)), 5)
            close[200:230] = close[199]
            keep = rng.random(1500) > 0.01
            opened = np.append(close[0], close[:-1])
            high = np.maximum(opened, close) + rng.choice([0, 0.5], 1500)
            low = np.minimum(opened, close) - rng.choice([0, 0.5], 1500)
            frames.append(
                pd.DataFrame(
                    {
                        "symbol": name,
                        "open_time": 1_704_067_200_000 + HOUR * np.arange(1500),
                        "open": opened,
                        "high": high,
                        "low": low,
                        "close": close,
                        "volume": rng.lognormal(3, 1, 1500),
                    }
                )[keep]
            )
        return Candles.from_frame(pd.concat(frames), interval="1h")


def data(rule, *words):
    cfg = compose(
        "data=simulated", "data.window=3", "data/indicators=none", "model=cnn_1d", f"data/label={rule}", *words
    )
    made = build(cfg, "data", None)
    made.source = Given()
    return made, cfg.data.stride


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["data.label.horizon=5"],
        ["data.label.horizon=6", "data.stride=3"],
        ["data.label.horizon=5", "data.stride=3"],
        ["data.thin=0.2", "data.label.horizon=3"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("rule", RULES)
def test_what_a_run_writes_is_believed(rule, words):
    if rule in ("window_drift", "last_candle", "body"):
        words = [word for word in words if "horizon" not in word]
    made, stride = data(rule, *words)
    table = pd.concat([made.rows(part).assign(model="net") for part in ("validation", "test")])
    assert mismatches(table, checked_card(made), stride=stride) == []
