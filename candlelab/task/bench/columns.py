"""Work that grows with the bars: threshold search, captions, indicators, scoring; per row, from 20 thousand rows up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from candlelab.config import build, compose
from candlelab.core.candles import Candles
from candlelab.core.volatility import running_volatility
from candlelab.data.caption import Relative, encode_windows
from candlelab.data.source.simulated import Simulated
from candlelab.data.tokenizer import ClosedTokenizer
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.threshold.curve import Trades
from candlelab.task.bench._goals import Row, stays_within, told
from candlelab.task.bench.render import alternating
from candlelab.task.bench.threshold import COST, exact_search, grid_search

SMALL, LARGE, WINDOW, LENGTH = 20_000, 10_000_000, 64, 32
MODELS = ("net", "majority", "last", "reversal", "volatility", "logistic", "trees")


def bench_columns(
    *,
    rounds: int = 3,
    threshold_rows: int = 1_000_000,
    bars: int = 2_000_000,
    scored: int = 100_000,
    largest: int = LARGE,
) -> dict[str, Any]:
    """Return the rows of what is computed once per bar, and under `growth` nanoseconds per row at growing sizes.

    largest  rows up to which the growth is measured; memory for 10 million is some 6 GB.
    """
    rows = [_threshold_against_grid(threshold_rows, rounds), _captions(min(bars, 200_000), rounds)]
    growth = _growth([size for size in (SMALL, 200_000, 2_000_000, LARGE) if size <= largest], rounds)
    rows += [_flat(name, per_row) for name, per_row in growth.items()]
    return told([*rows, _scoring(scored, rounds)]) | {"growth_ns_per_row": growth}


def two_class_trades(size: int, seed: int = 0) -> Trades:
    """Confidences of two classes, all distinct, and returns of one symbol, nothing to be found in them."""
    rng, zero = np.random.default_rng(seed), np.zeros(size, np.int64)
    up = rng.random(size)
    rows = Rows(60_000 * np.arange(size), zero, zero, 1, "1m")
    return Trades(
        np.maximum(up, 1 - up), np.where(up > 0.5, 1, -1).astype(np.int8), rng.normal(0, 1e-3, size), rows, COST
    )


def _threshold_against_grid(size: int, rounds: int) -> Row:
    trades = two_class_trades(size)
    values = np.quantile(trades.score, np.arange(10) / 10)
    ways: dict[str, Callable[[], Any]] = {
        "exact": lambda: exact_search(trades),
        "grid": lambda: grid_search(trades, values),
    }
    seconds = alternating(ways, rounds * 3)
    work = f"exact threshold, {size:,} distinct rows of two classes"
    return stays_within(work, seconds["exact"] / seconds["grid"], 1.0, against="ten thresholds in NumPy")


def simulated_bars(count: int) -> Candles:
    """Bars of one made-up market."""
    market = Simulated(seed=1, bars=count, volatility=0.01, edge=0.0, feature="close_position", feature_window=20)
    return market.fetch(["SIM"], "1m", None, None)


def _captions(count: int, rounds: int) -> Row:
    candles = simulated_bars(count + WINDOW)
    ends, caption, tokenizer = np.arange(WINDOW, len(candles)), Relative(length=LENGTH), ClosedTokenizer()
    seconds = alternating({"ids": lambda: encode_windows(caption, candles, ends, WINDOW, tokenizer)}, rounds)["ids"]
    return stays_within(f"token ids of a caption, windows of {WINDOW} bars", 1e6 * seconds / len(ends), 0.5, unit="us")


def _growth(sizes: list[int], rounds: int) -> dict[str, dict[str, float]]:
    """Nanoseconds per row of each kind of work at each size, the best of some rounds."""
    found: dict[str, dict[str, float]] = {}
    for size in sizes:
        for name, way in _work(size).items():
            found.setdefault(name, {})[f"{size:,}"] = 1e9 * _best(way, rounds) / size
    return found


def _work(size: int) -> dict[str, Callable[[], Any]]:
    """Return what is done once for every bar, on so many bars."""
    candles, trades, ends = simulated_bars(size), two_class_trades(size), np.arange(WINDOW, size)
    cfg = compose("data=simulated", "data/indicators=classic")
    indicators, label = build(cfg, "data.indicators"), build(cfg, "data.label")
    tokenizer, caption = ClosedTokenizer(), Relative(length=LENGTH)
    return {
        "exact threshold": lambda: exact_search(trades),
        "indicators (classic)": lambda: indicators(candles),
        "label": lambda: label(candles, WINDOW),
        "volatility": lambda: running_volatility(candles),
        "captions": lambda: encode_windows(caption, candles, ends, WINDOW, tokenizer),
    }


def _best(way: Callable[[], Any], rounds: int) -> float:
    took = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        way()
        took.append(time.perf_counter() - start)
    return min(took[1:])


def _flat(name: str, per_row: dict[str, float]) -> Row:
    values, sizes = list(per_row.values()), list(per_row)
    work = f"{name}: time of a row at {sizes[-1]}"
    return stays_within(work, values[-1] / values[0], 2.0, against=f"the same at {sizes[0]}")


def predictions_of_noise(count: int) -> pd.DataFrame:
    """A predictions table, as a run reads it, of seven models of two classes on the rows of one symbol."""
    rng, models = np.random.default_rng(0), len(MODELS)
    move = rng.normal(0, 0.01, count)
    said = [(rng.random(count), rng.normal(0, 0.01, count)) for _ in MODELS]
    up, tested = np.concatenate([each for each, _ in said]), np.arange(count) >= count // 2
    columns = {
        "model": pd.Categorical.from_codes(np.repeat(np.arange(models), count), MODELS),
        "symbol": pd.Categorical.from_codes(np.zeros(models * count, np.int8), ["SIM"]),
        "time": np.tile(60_000 * np.arange(count), models),
        "split": pd.Categorical.from_codes(np.tile(1 - tested, models), ["test", "validation"]),
        "segment": np.zeros(models * count, np.int32),
        "label": np.tile((move > 0).astype(int), models),
        "forward_return": np.tile(move, models),
        "bar_return": np.tile(move, models),
        "sigma": np.full(models * count, 0.01),
        "p_0": 1 - up,
        "p_1": up,
        "forecast": np.concatenate([each for _, each in said]),
    }
    return pd.DataFrame(columns, copy=False)


def _scoring(count: int, rounds: int) -> Row:
    table, evaluation = predictions_of_noise(count), build(compose("data=simulated"), "evaluate")

    def score() -> None:
        evaluation.score(table, horizon=1, interval="1m", kind="forecast", classes=("down", "up"))

    return stays_within(
        f"scoring, {len(MODELS)} models on {count:,} rows",
        1e6 * _best(score, rounds) / len(table),
        1.5,
        unit="us a row",
    )
