"""A finished run: what its folder holds, and that it comes back whole."""

import json

import numpy as np
import pandas as pd
import pytest
import tiny

import candlelab
from candlelab.config import ConfigError, build, compose

FILES = (
    "config.yaml",
    "environment.json",
    "checkpoints/best.ckpt",
    "checkpoints/last.ckpt",
    "model.safetensors",
    "preprocessing.json",
    "metrics.csv",
    "metrics.json",
    "predictions.parquet",
    "threshold.json",
    "report.html",
)
NAMES = [
    f"{part}/{name}"
    for part in ("test", "val")
    for name in (
        "accuracy",
        "balanced_accuracy",
        "f1_macro",
        "mcc",
        "auroc",
        "auprc",
        "brier",
        "ece",
        "n",
        "n_eff",
        "sharpe_net",
        "psr",
        "turnover",
        "max_drawdown_pct",
    )
]
NAMES += [
    f"baseline/{name}/{score}"
    for score in ("accuracy", "auroc")
    for name in ("majority", "last_direction", "reversal", "volatility", "logistic", "gradient_boosting")
]
NAMES += [
    "bayes/accuracy",
    "fit/epochs",
    "fit/seconds",
    "fit/epoch_seconds",
    "fit/samples_per_second",
    "fit/peak_memory_mb",
    "net/parameters",
    "net/flops",
    "net/load_seconds",
    "latency/p50_ms",
    "latency/p90_ms",
    "latency/throughput",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.trained(tmp_path_factory.mktemp("outputs"))


@pytest.fixture(scope="module")
def run(folder):
    return candlelab.load_run(folder)


def test_a_run_folder_is_complete(folder):
    assert [name for name in FILES if not (folder / name).is_file()] == []


def test_metrics_have_the_promised_names(run):
    assert [name for name in NAMES if name not in run.metrics] == []


def test_metrics_are_strict_json(folder):
    assert json.loads((folder / "metrics.json").read_text(), parse_constant=lambda word: pytest.fail(word))


def test_every_model_stands_on_the_same_rows(run):
    keys = {name: tuple(zip(t.symbol, t.time, t.split)) for name, t in run.predictions.groupby("model")}
    assert len(set(keys.values())) == 1 and len(keys) == 7


def test_predictions_of_the_reloaded_model_equal_the_saved_ones(run):
    from candlelab.pipeline.scores.predictions import net_rows

    p, forecast = net_rows(tiny.learner_of(run), run.data, error=None)["test"]
    saved = run.predictions.query("model == 'net' and split == 'test'")
    assert np.array_equal(p, saved.filter(regex=r"^p_\d").to_numpy()) and np.array_equal(
        forecast, saved.forecast.to_numpy()
    )


def test_bar_returns_chain_to_the_close(run):
    rows = run.predictions.query("model == 'net' and split == 'test'")
    assert np.allclose(rows.bar_return, rows.forward_return)


def test_other_fees_are_scored_without_training(run, folder):
    before = (folder / "model.safetensors").stat().st_mtime_ns
    cfg = compose(*tiny.TINY, f"outputs={folder.parents[1]}", "task=report", f"task.run={folder}", "evaluate.fee_bps=0")
    assert build(cfg, "task", cfg)["fit/epochs"] == run.metrics["fit/epochs"]
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_a_finished_run_is_not_repeated(folder, capsys):
    tiny.trained(folder.parents[1])
    assert "is finished" in capsys.readouterr().out


def test_a_missing_run_names_the_nearest(folder):
    with pytest.raises(ConfigError, match=f"did you mean '{folder.name}'"):
        candlelab.load_run(folder.parent / (folder.name[:-1] + "x"))


def test_the_same_seed_gives_the_same_metrics(folder, run, tmp_path):
    again = candlelab.load_run(tiny.trained(tmp_path)).metrics
    timed = (
        "fit/seconds",
        "fit/epoch_seconds",
        "fit/samples_per_second",
        "fit/peak_memory_mb",
        "net/load_seconds",
        *(n for n in NAMES if "latency" in n),
    )
    assert {k: v for k, v in again.items() if k not in timed} == {
        k: v for k, v in run.metrics.items() if k not in timed
    }


def test_changed_data_are_reported_not_skipped(folder, monkeypatch):
    made = json.loads((folder / "preprocessing.json").read_text())
    monkeypatch.setattr("candlelab.run.Run.preprocessing", made | {"data_hash": "0" * 16})
    with pytest.raises(ConfigError, match="data have changed"):
        tiny.trained(folder.parents[1])


def test_nothing_in_the_run_needs_unpickling(folder):
    import torch

    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] >= 0
    assert not [p for p in folder.rglob("*") if p.suffix in (".pkl", ".pickle", ".joblib", ".pt", ".pth")]


def test_the_epoch_table_has_one_row_per_epoch(folder, run):
    assert pd.read_csv(folder / "metrics.csv").epoch.tolist() == list(range(run.metrics["fit/epochs"]))
