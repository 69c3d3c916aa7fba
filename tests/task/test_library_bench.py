"""The benchmark of the front door runs and says what was asked, what was found and whether it holds."""

from __future__ import annotations

import pytest

from candlelab.task.bench.library import bench_charts, bench_draw, held


def test_a_figure_below_its_goal_does_not_hold():
    assert held(0.9, 0.89)["holds"] == "no" and held(0.9, 0.9)["holds"] == "yes"


@pytest.mark.slow
def test_the_benchmark_of_the_front_door_tells_warm_memory_from_cold():
    row = bench_draw("jkx_i5", 400, 1)
    assert {"goal", "figure", "holds"} <= set(row["warm"]) & set(row["cold"])


@pytest.mark.slow
def test_the_benchmark_of_charts_trains_the_same_net_in_both_loops(monkeypatch):
    monkeypatch.setattr(
        "candlelab.task.bench.library.CNN",
        ("model=cnn_small", "data=simulated", "data/label=direction", "data.source.bars=600"),
    )
    assert bench_charts(1)["trainer_per_second"] > 0
