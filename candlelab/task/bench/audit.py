"""What the leakage audits cost: the cheap one as a share of the shortest run there is, the full one of seven years of hours."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from candlelab.config import build, compose
from candlelab.pipeline.audits.pipelines import audit_pipeline, cheap_audit
from candlelab.pipeline.inputs.shared import share_prepared

SEVEN_YEARS = 7 * 365 * 24  # hours
NETS = ("cnn_small", "fusion_small", "cnn_lstm_attn")
SHARE, SECONDS = 0.02, 60.0

Given = ParamSpec("Given")
Made = TypeVar("Made")


def bench_audit() -> dict[str, object]:
    """Return the seconds of a smoke run, of the audit inside it and their ratio; and the seconds of the full audit by net.

    Both are the best of three rounds; the run is experiment=smoke, of whose time an audit takes more than of any longer run's.
    """
    with tempfile.TemporaryDirectory() as outputs:
        cfg = compose("experiment=smoke", "trainer.progress=none", "resume=never", f"outputs={outputs}")
        whole = min(_seconds(build, cfg, "task", cfg) for _ in range(3))
        data = share_prepared(cfg, build(cfg, "data", build(cfg, "render")))
        inside = min(_seconds(cheap_audit, data) for _ in range(3))
    full = {net: min(_full(net) for _ in range(3)) for net in NETS}
    return {
        "run_seconds": whole,
        "cheap_seconds": inside,
        "cheap_share": inside / whole,
        "cheap_share_goal": SHARE,
        "full_seconds": full,
        "full_seconds_goal": SECONDS,
        "holds": inside <= SHARE * whole and max(full.values()) <= SECONDS,
    }


def _full(net: str) -> float:
    cfg = compose("data=simulated", f"data.source.bars={SEVEN_YEARS}", "data.start=2018-01-01", f"model={net}")
    return _seconds(audit_pipeline, cfg)


def _seconds(call: Callable[Given, Made], *given: Given.args, **settings: Given.kwargs) -> float:
    start = time.perf_counter()
    call(*given, **settings)
    return time.perf_counter() - start
