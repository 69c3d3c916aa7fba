"""Every window of a period, streamed to a Parquet file."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from export_cases import finished

from candlelab.config import build, compose
from candlelab.core.errors import DataTrouble
from candlelab.pipeline.inputs import new_candles
from candlelab.pipeline.scores import every_window


def ask(run, monkeypatch, *words):
    """Return the counts and the rows of task=predict task.all=true."""
    monkeypatch.setattr("candlelab.task.predict.overridden", lambda: [word.split("=")[0] for word in words])
    cfg = compose("task=predict", f"task.run={run.folder}", "task.all=true", *words)
    counts = build(cfg, "task", cfg)
    newest = max((run.folder / "predict").glob("all*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    return counts, pd.read_parquet(newest)


@pytest.mark.parametrize("kind", ["fusion", "series", "regression", "recognition"])
def test_every_window_gets_what_the_run_predicted(kind, monkeypatch):
    monkeypatch.setattr(every_window, "WINDOWS", 100)
    run = finished(kind)
    _, rows = ask(run, monkeypatch)
    told = run.predictions.merge(rows, on=["symbol", "time"], how="left")
    for k, name in enumerate(run.preprocessing["classes"]):
        np.testing.assert_allclose(told[f"p_{k}"], told[f"p_{name}"], atol=1e-6)
    np.testing.assert_allclose(told.forecast_x, told.forecast_y, atol=1e-8)


def test_rows_are_those_of_all_symbols_in_order(monkeypatch):
    monkeypatch.setattr(every_window, "GROUP", 200)
    run = finished("series")
    counts, rows = ask(run, monkeypatch, "data.symbols=[SIM,OTHER]")
    need = run.preprocessing["window"] + run.preprocessing["warmup"] - 1
    assert counts.windows.tolist() == [700 - need] * 2 and len(rows) == counts.windows.sum()
    assert (rows.groupby("symbol").time.diff().dropna() == 3_600_000).all()
    path = next((run.folder / "predict").glob("all-SIM-OTHER.parquet"))
    assert pq.ParquetFile(path).metadata.num_row_groups > 1


def test_a_block_of_bars_at_a_time_says_the_same(monkeypatch):
    run = finished("series")
    _, whole = ask(run, monkeypatch, "data.symbols=[A,B]")
    monkeypatch.setattr(every_window, "BARS", 100)
    monkeypatch.setattr(new_candles, "SymbolBySymbol", type("Nobody", (), {}))
    pd.testing.assert_frame_equal(ask(run, monkeypatch, "data.symbols=[A,B]")[1], whole)


def test_a_signal_is_a_side_that_is_sure_enough(monkeypatch):
    _, rows = ask(finished("series"), monkeypatch, "task.threshold=0.4")
    sure = rows.confidence >= 0.4
    assert sure.any() and set(rows.signal[~sure]) <= {"NONE"}
    assert (rows.signal[sure & (rows["class"] == "up")] == "LONG").all()


def test_a_period_without_a_window_is_one_sentence(monkeypatch):
    with pytest.raises(DataTrouble, match="no window of"):
        ask(finished("series"), monkeypatch, "data.end=2020-01-01T05:00")
