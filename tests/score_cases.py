"""Predictions tables with a known edge, and how they are scored in tests."""

import numpy as np
import pandas as pd

from candlelab.evaluate.rule.threshold import Threshold
from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.threshold.exact import Exact

CLASSES = {2: ("down", "up"), 3: ("down", "neutral", "up")}


def predictions(*, edge=0.0, classes=2, rows=1500, symbols=1, seed=0, baselines=("majority", "reversal")):
    """A net that sees a feature which shifts the next return by `edge` standard deviations, and baselines that do not."""
    rng = np.random.default_rng(seed)
    frames = []
    for symbol in range(symbols):
        feature = rng.choice([-1, 1], rows)
        move = 0.01 * (edge * feature + rng.normal(size=rows))
        label = (move > 0).astype(int) if classes == 2 else np.digitize(move, [-0.005, 0.005])
        frames.append(
            pd.DataFrame(
                {
                    "symbol": f"S{symbol}",
                    "time": 3_600_000 * np.arange(rows),
                    "split": np.where(np.arange(rows) < rows // 3, "validation", "test"),
                    "label": label,
                    "forward_return": move,
                    "bar_return": move,
                    "sigma": 0.01,
                    "segment": symbol,
                    "forecast": 0.001 * feature,
                    "sure": 0.1 * feature + rng.uniform(-0.02, 0.02, rows),
                }
            )
        )
    table = pd.concat(frames, ignore_index=True)
    blocks = []
    for model in ("net", *baselines):
        lean = (
            table["sure"] if model == "net" else 0.01 if model == "majority" else rng.choice([-0.01, 0.01], len(table))
        )
        p = {0: 1 / classes - lean, classes - 1: 1 / classes + lean, **({1: 1 / 3} if classes == 3 else {})}
        blocks.append(table.drop(columns="sure").assign(model=model, **{f"p_{k}": p[k] for k in sorted(p)}))
    return pd.concat(blocks, ignore_index=True)


def evaluation(**changed):
    exact = Exact(score="confidence", min_trades=20, smooth=0.0, n_bootstrap=10)
    settings = {
        "fee_bps": 10.0,
        "slippage_bps": 0.0,
        "spread_bps": 0.0,
        "funding_bps": 0.0,
        "rule": Threshold(),
        "threshold": exact,
        "min_precision": 0.8,
        "confidence_level": 0.95,
        "n_bins": 10,
        "n_bootstrap": 50,
        "n_permutations": 50,
        "seed": 0,
        "positive_control": "off",
        "sealed": False,
    }
    return Evaluation(**settings | changed)


def score(table, *, kind="forecast", horizon=1, bayes=None, **changed):
    classes = CLASSES[sum(name.startswith("p_") for name in table)]
    return evaluation(**changed).score(table, horizon=horizon, interval="1h", kind=kind, classes=classes, bayes=bayes)
