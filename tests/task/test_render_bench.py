"""The benchmark of the drawing runs and says what it must."""

from __future__ import annotations

import pytest

from candlelab.task.bench import render as bench_render


@pytest.mark.slow
def test_the_benchmark_reports_rates_and_ratios(monkeypatch):
    monkeypatch.setattr(
        bench_render, "STYLES", {"ohlc_bars": {"window": 100}, "jkx_i20": {}, "gramian": {"window": 20, "size": 32}}
    )
    monkeypatch.setattr(bench_render, "BATCH", 1 << 21)
    measured = bench_render.bench_render(rounds=1, stored=300)
    row = measured["styles"]["ohlc_bars"]["numba"]
    assert {"images_per_second", "ratio_to_constant", "ratio_to_pil", "ratio_to_mplfinance"} <= set(row)
    assert measured["stores"]["zarr"]["size_ratio"] < 1 / 6
