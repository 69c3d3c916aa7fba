"""What a run of the smoke size does beside its training: cost figures, and nine backbones against their bare loops."""

from __future__ import annotations

import tempfile
import time
from typing import Any
from unittest.mock import patch

from candlelab.config import build, compose
from candlelab.pipeline.training import fit
from candlelab.task.bench._goals import Row, stays_within, told
from candlelab.task.bench.trainer import plain_epoch

SMOKE = ("experiment=smoke", "trainer.progress=none")
WINDOWS = 80  # 55 of them in the training part
NINE = (
    "resnet_50",
    "efficientnet_b0",
    "convnext_tiny",
    "vit_base",
    "swin_tiny",
    "mobilenetv3_small",
    "ghostnet_100",
    "edgenext_xx_small",
    "levit_128s",
)
BACKBONE = (
    "data=simulated",
    "data.source.bars=1200",
    f"data.max_samples={WINDOWS}",
    "data/indicators=bars",
    "data/scaling=none",
    "model.net.pretrained=false",
    "evaluate.positive_control=off",
    "trainer.max_epochs=1",
    "trainer.progress=none",
)


def bench_smoke(*, nets: tuple[str, ...] = NINE) -> dict[str, Any]:
    """Return the rows of small runs: the share of the cost figures, and whole runs of nine backbones against their bare loops."""
    return told([_cost_figures(), _nine(nets)])


def _cost_figures() -> Row:
    spent: list[float] = []

    def timed(*words: Any) -> Any:
        begin = time.perf_counter()
        found = costs(*words)
        spent.append(time.perf_counter() - begin)
        return found

    costs = fit.costs
    with patch.object(fit, "costs", timed):
        whole = run_seconds(*SMOKE)
    return stays_within("cost figures of a smoke run", spent[0] / whole, 0.05, against="the whole run")


def _nine(nets: tuple[str, ...]) -> Row:
    """Each net trains bare and in a run in turn; both sides count validation, the run all that it does."""
    bare, whole = 0.0, 0.0
    for name in nets:
        words = (f"model={name}", *BACKBONE)
        bare += plain_epoch(compose(*words))[1]
        whole += run_seconds(*words)
    against = f"their bare loops, {bare:.0f} s"
    return stays_within(
        f"{len(nets)} backbones on {WINDOWS} windows (55 train), whole runs", whole / bare, 1.25, against=against
    )


def run_seconds(*words: str) -> float:
    """Return how long a whole run takes in this process, from its config to its report."""
    with tempfile.TemporaryDirectory(prefix="candlelab-bench-") as outputs:
        cfg = compose(*words, f"outputs={outputs}")
        begin = time.perf_counter()
        build(cfg, "task", cfg)
        return time.perf_counter() - begin
