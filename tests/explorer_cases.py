"""A made-up market, what a net and simple rules said of it, and the explorer of both."""

from pathlib import Path

import numpy as np
import pandas as pd

from candlelab.core.candles import Candles
from candlelab.evaluate.holdings import holdings
from candlelab.evaluate.rule.threshold import Threshold
from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.table import Task, split_parts
from candlelab.evaluate.threshold.exact import Exact
from candlelab.report.explorer.content import Tested
from candlelab.report.explorer.run_page import Seen, write_run_explorer

HOUR, START = 3_600_000, 1_704_067_200_000
TASK = Task(1, "1h", "forecast", ("down", "up"))
WINDOW, WARMUP = 8, 5
CANDLES = {
    "style": "candlelab.render.candles.CandleChart",
    "window": WINDOW,
    "height": 32,
    "width": 32,
    "body": 0.7,
    "volume": 0.2,
    "moving_averages": [3, 6],
    "paper": [255] * 3,
    "up": [38, 166, 91],
    "down": [214, 39, 40],
    "wick": [64] * 3,
    "averages": [[31, 119, 180], [255, 127, 14]],
    "missing": "adjacent",
}


def market(bars, missing=(), names=("AUSDT",), digits=2, gap=(), late=0):
    """Random walks in cents with flat stretches; bars `missing` removed on purpose, bars `gap` never there.

    late  bars by which symbols other than the first begin later
    """
    many = [_walk(bars, seed, digits) for seed in range(1, len(names) + 1)]
    columns = {name: np.concatenate([each[name] for each in many]) for name in many[0]}
    at = np.tile(np.arange(bars), len(names))
    kept, gone = ~np.isin(at, gap) & ~((np.arange(len(at)) >= bars) & (at < late)), np.isin(at, missing)
    if len(missing):
        columns = {name: np.where(gone, np.nan, values) for name, values in columns.items()}
    return Candles.build(
        symbols=names,
        intervals=("1h",) * len(names),
        symbol=np.repeat(np.arange(len(names)), bars)[kept],
        time=START + HOUR * at[kept],
        missing=gone[kept] if len(missing) else None,
        **{name: values[kept] for name, values in columns.items()},
    )


def _walk(bars, seed, digits):
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.01, bars) * (rng.random(bars) > 0.2)
    close = np.round(100 * np.exp(np.cumsum(moves)), digits)
    opened, spread = np.append(close[:1], close[:-1]), np.round(rng.exponential(0.3, (2, bars)), digits)
    high, low = np.maximum(opened, close) + spread[0], np.minimum(opened, close) - np.minimum(spread[1], 5)
    return {"open": opened, "high": high, "low": low, "close": close, "volume": np.round(rng.exponential(50, bars), 3)}


def predictions(candles, *, models=("net", "reversal"), classes=2, stride=1):
    """What models say at every bar that has a window and a next bar; the first third is validation."""
    ends = np.flatnonzero((candles.position >= WINDOW + WARMUP - 1) & (candles.position % stride == 0))
    ends = ends[(ends + 1 < len(candles)) & (np.append(candles.segment[1:], -1)[ends] == candles.segment[ends])]
    border = START + HOUR * int((candles.time.max() - START) / HOUR / 3)
    moved = candles.close[ends + 1] / candles.close[ends] - 1
    tables = []
    for seed, model in enumerate(models):
        p_up = np.clip(
            0.5 + 8 * moved * (seed == 0) + np.random.default_rng(seed).normal(0, 0.1, len(ends)), 0.01, 0.99
        )
        p = (
            np.stack([1 - p_up, p_up], 1)
            if classes == 2
            else np.stack([0.8 * (1 - p_up), 0 * p_up + 0.2, 0.8 * p_up], 1)
        )
        p = p.astype(np.float32).astype(float)
        tables.append(
            pd.DataFrame(
                {
                    "model": model,
                    "symbol": np.array(candles.symbols)[candles.symbol[ends]],
                    "time": candles.time[ends],
                    "split": np.where(candles.time[ends] < border, "validation", "test"),
                    "label": np.where(moved > 0, classes - 1, 0),
                    "forward_return": moved,
                    "bar_return": _earned(candles, ends),
                    "sigma": 0.01,
                    "segment": candles.segment[ends],
                    "forecast": np.nan,
                    **{f"p_{k}": p[:, k] for k in range(classes)},
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _earned(candles, ends):
    """The return to the next row's close, at the end of a segment to the next bar's."""
    following = np.append(ends[1:], -1)
    following = np.where(candles.segment[following] == candles.segment[ends], following, ends + 1)
    return candles.close[np.where(following < 0, ends + 1, following)] / candles.close[ends] - 1


def settings(rule=None, **costs):
    """Evaluation settings at 10 bp."""
    told = {"fee_bps": 10.0, "slippage_bps": 0.0, "spread_bps": 0.0, "funding_bps": 0.0} | costs
    return Evaluation(
        **told,
        rule=rule or Threshold(),
        threshold=Exact(score="confidence", min_trades=3, smooth=0.0, n_bootstrap=2),
        min_precision=0.8,
        confidence_level=0.95,
        n_bins=5,
        n_bootstrap=2,
        n_permutations=2,
        seed=0,
        positive_control="off",
        sealed=False,
    )


def rows_told(table, chosen, task=TASK, captions=None):
    """The test rows with what was held and the threshold as threshold.json says it."""
    parts = split_parts(table, task)
    found = chosen.chosen(parts)[0]["net"]
    told = {
        "score": "confidence",
        "threshold": found.threshold,
        "position": type(chosen.rule).__name__.lower(),
        "held": dict(found.held),
        "flat": None,
    }
    return Tested(parts["test"]["net"], holdings(chosen, parts), told, captions)


def explored(path: Path, candles, table, chosen=None, **told) -> Path:
    """Write the explorer of a made-up run."""
    chosen, task = chosen or settings(), told.pop("task", TASK)
    seen = Seen(("image",), CANDLES, WINDOW, WARMUP, told.pop("maps", ()))
    words = {"title": "a run", "subtitle": "AUSDT", "headline": "No edge found"} | told
    captions = words.pop("captions", None)
    made = rows_told(table, chosen, task, captions)
    return write_run_explorer(path, candles=candles, tested=made, seen=seen, settings=chosen, task=task, **words)
