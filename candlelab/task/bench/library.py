"""The library's front door beside the program behind it: drawing 100,000 charts, and feeding a plain PyTorch loop."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

import candlelab
from candlelab.config import compose
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.render import memory
from candlelab.render.bars import COLUMNS
from candlelab.task.bench.pipeline import plain_step
from candlelab.task.bench.render import BATCH, STYLES, alternating, market, renderer_of
from candlelab.task.bench.trainer import one_epoch

DRAWN = ("jkx_i5", "jkx_i20", "candles_plain")  # styles of which 100,000 charts fit into memory
DRAW_GOAL, CHARTS_GOAL = 0.9, 0.95
CNN = ("model=cnn_small", "data=simulated", "data/label=direction", "data.source.bars=6000", "data.window=48")


def bench_library(*, charts: int = 100_000, draw_rounds: int = 12, train_rounds: int = 4) -> dict[str, Any]:
    """Return ratios of one process, both sides in turn, best rounds, as many threads: {"draw": {style: …}, "charts": {…}}.

    draw    `candlelab.draw` of a DataFrame, from the table to the pictures, beside the renderer of bench=render on its own
            batches. warm: memory of earlier pictures is used again, as a loop does; cold: every page is fresh.
    charts  samples per second of a plain PyTorch loop over `candlelab.Charts`, beside one epoch of candlelab's trainer.
    """
    return {
        "draw": {style: bench_draw(style, charts, draw_rounds) for style in DRAWN},
        "charts": bench_charts(train_rounds),
    }


def bench_draw(style: str, charts: int, rounds: int) -> dict[str, Any]:
    """Return charts per second of the front door and of the bare renderer, and their ratio, warm and cold."""
    renderer, tape = renderer_of(style, **STYLES[style]), market(charts + 300)
    count = min(BATCH // int(np.prod(renderer.shape)), 8192, charts)
    ends = np.sort(np.random.default_rng(1).integers(300, len(tape.close), count))
    every, table = np.arange(300, len(tape.close)), table_of(tape)

    def draw() -> np.ndarray:
        settings: dict[str, Any] = STYLES[style]
        return candlelab.draw(table, every, style, **settings)

    def draw_into_fresh_pages() -> np.ndarray:
        memory.release()
        return draw()

    ways = {"bare": lambda: renderer.draw(tape, ends), "warm": draw, "cold": draw_into_fresh_pages}
    seconds = alternating(ways, rounds)
    memory.release()
    bare = count / seconds["bare"]
    rates = {way: len(every) / seconds[way] for way in ("warm", "cold")}
    per_second = {f"{way}_per_second": rate for way, rate in {"bare": bare, **rates}.items()}
    return per_second | {way: held(DRAW_GOAL, rate / bare) for way, rate in rates.items()}


def table_of(tape: Any) -> pd.DataFrame:
    """Return the bars as the table that somebody would have read from a file."""
    columns = {name: getattr(tape, name) for name in COLUMNS}
    return pd.DataFrame({"time": pd.date_range("2020-01-01", periods=len(tape.close), freq="min"), **columns})


def bench_charts(rounds: int) -> dict[str, Any]:
    """Return samples per second of the same net in a plain loop over Charts and in candlelab's trainer, and their ratio."""
    cfg = compose(*CNN, "trainer.max_epochs=1", "trainer.progress=none")
    loops, trainers = [], []
    for _ in range(rounds):
        loops.append(_looped(cfg))
        trainers.append(one_epoch(cfg)[0])
    loop, trainer = max(loops), max(trainers)
    return {"loop_per_second": loop, "trainer_per_second": trainer} | held(CHARTS_GOAL, loop / trainer)


def _looped(cfg: Any) -> float:
    torch.manual_seed(0)
    parts = assemble(cfg)
    charts = candlelab.Charts(
        parts.data.prepared.candles, "candles", "direction", cfg.data.window, size=cfg.model.image_size
    )
    loader = DataLoader(charts, batch_size=parts.data.rows_per_batch, shuffle=True, collate_fn=charts.collate)
    step = plain_step(parts, total_steps=len(loader))
    step(next(iter(loader)))
    start = time.perf_counter()
    for batch in loader:
        step(batch)
    return len(charts) / (time.perf_counter() - start)


def held(goal: float, figure: float) -> dict[str, Any]:
    """Return a goal, what was measured, and whether it holds."""
    return {"goal": goal, "figure": figure, "holds": "yes" if figure >= goal else "no"}
