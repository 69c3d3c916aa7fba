"""The benchmarks of the goals run, tell goal, figure and whether it holds, and write json and markdown."""

from __future__ import annotations

import json

import pytest
from omegaconf import OmegaConf

from candlelab.task import bench
from candlelab.task.bench import checkpoints, columns, drawing, memory, smoke, starting, steps, storing
from candlelab.task.bench._goals import as_markdown, reaches, stays_within, told

KEYS = {"work", "against", "goal", "figure", "unit", "holds"}


def test_a_row_says_whether_it_holds():
    rows = [reaches("a", 0.9, 0.95), reaches("b", 1, 1), stays_within("c", 21, 20, unit="us"), stays_within("d", 2, 2)]
    assert [row.as_dict()["holds"] for row in rows] == ["no", "yes", "no", "yes"]


def test_rows_become_a_markdown_table():
    table = as_markdown(told([stays_within("calls", 12.345, 20, against="none", unit="us")])["rows"])
    assert table.splitlines()[-1] == "| calls | none | <= 20 us | 12.3 us | yes |"


def test_rows_are_written_as_json_and_as_markdown(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "bench_drawing", lambda: told([reaches("a", 2, 1)]))
    bench.bench(OmegaConf.create({"bench": "drawing", "outputs": str(tmp_path)}))
    assert json.loads((tmp_path / "bench" / "drawing.json").read_text())["rows"][0]["holds"] == "yes"
    assert "| a |" in (tmp_path / "bench" / "drawing.md").read_text()


def test_every_kind_of_work_has_a_time_per_row(monkeypatch):
    monkeypatch.setattr(columns, "SMALL", 1000)
    monkeypatch.setattr(columns, "_scoring", lambda count, rounds: stays_within("scoring", 1, 1))
    made = columns.bench_columns(rounds=1, threshold_rows=1000, bars=1000, scored=400, largest=1000)
    assert all(set(row) == KEYS for row in made["rows"])
    assert all(list(per_row) == ["1,000"] for per_row in made["growth_ns_per_row"].values())


@pytest.mark.slow
def test_scoring_has_a_time_per_row():
    assert columns._scoring(400, 1).figure > 0


@pytest.mark.slow
def test_the_rows_of_drawing_are_measured(monkeypatch):
    monkeypatch.setattr(drawing, "SHARES", (("jkx_i5", {}, {1: 0.5}),))
    rows = drawing.bench_drawing(rounds=1, tape_rows=3000)["rows"]
    assert len(rows) == 2 + 2 + 6 + 1 and all(row["figure"] > 0 for row in rows)


@pytest.mark.slow
def test_the_rows_of_storing_are_measured():
    assert len(storing.bench_storing(rounds=1, pictures=300, rival_pictures=300)["rows"]) == 3


@pytest.mark.slow
def test_the_rows_of_starting_are_measured(monkeypatch):
    monkeypatch.setattr(starting, "SMOKE", starting.LOGISTIC)
    assert len(starting.bench_starting(rounds=1)["rows"]) == 6


@pytest.mark.slow
def test_the_rows_of_steps_are_measured(monkeypatch):
    monkeypatch.setattr(steps, "NETS", {"cnn_small": steps.NETS["cnn_small"]})
    assert len(steps.bench_steps(rounds=1, rows=8)["rows"]) == 3 + 2


@pytest.mark.slow
def test_the_rows_of_checkpoints_are_measured(monkeypatch):
    monkeypatch.setattr(checkpoints, "WEIGHTS", 150_000)
    rows = checkpoints.bench_checkpoints(rounds=2, epochs=1)["rows"]
    assert len(rows) == 1 + 3 and 0.3 < rows[-1]["figure"] < 0.4


@pytest.mark.slow
def test_the_rows_of_small_runs_are_measured():
    rows = smoke.bench_smoke(nets=("mobilenetv3_small",))["rows"]
    assert len(rows) == 2 and all(row["figure"] > 0 for row in rows)


@pytest.mark.slow
def test_the_rows_of_memory_are_measured():
    made = memory.bench_memory(small=2000, large=4000)
    assert len(made["rows"]) == 4 and all(pair["run"] > 0.1 for pair in made["gigabytes"].values())
