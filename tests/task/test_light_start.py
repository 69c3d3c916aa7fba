"""What a command imports: a finished run repeated needs no tensors, no tables and no compiler, a prediction no trainer."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pytest
import tiny
from numba import njit

from candlelab.config import build, compose, run_folder
from candlelab.core import volatility
from candlelab.core.errors import ConfigError
from candlelab.pipeline.inputs import stamp

TRAINERS = {"pytorch_lightning", "torchmetrics", "torchvision", "torch._dynamo"}
LISTED = """
import atexit, runpy, sys
atexit.register(lambda: print("imported", *sys.modules))
runpy.run_module("candlelab", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> list[str]:
    """The command of a finished run."""
    outputs = tmp_path_factory.mktemp("light")
    cfg = compose(*tiny.LOGISTIC, f"outputs={outputs}")
    build(cfg, "task", cfg)
    return [*tiny.LOGISTIC, f"outputs={outputs}"]


def imported(words: list[str]) -> set[str]:
    done = subprocess.run([sys.executable, "-c", LISTED, *words], capture_output=True, text=True, cwd=tiny.ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_a_finished_run_repeated_imports_no_torch_pandas_or_numba(words):
    assert not {"torch", "pandas", "numba", "scipy"} & imported(words)


def test_a_prediction_imports_no_trainer(words):
    folder = run_folder(compose(*words))
    found = imported(["task=predict", f"task.run={folder}"])
    assert "torch" in found and not TRAINERS & found


def test_a_finished_run_without_a_stamp_makes_its_bars_again(words, monkeypatch):
    cfg = compose(*words)
    monkeypatch.setattr("candlelab.task.train.bars_stamp", lambda cfg: "another code")
    assert build(cfg, "task", cfg)["fit/epochs"] > 0


def test_bars_that_changed_under_a_finished_run_are_told(words, monkeypatch):
    cfg = compose(*words)
    monkeypatch.setattr("candlelab.task.train.bars_stamp", lambda cfg: "another code")
    monkeypatch.setattr("candlelab.data.samples.SampleSet.fingerprint", "0" * 16)
    with pytest.raises(ConfigError, match="its data have changed since"):
        build(cfg, "task", cfg)


def test_the_stamp_follows_settings_and_code(tmp_path, monkeypatch):
    first, other = (stamp.bars_stamp(compose(*tiny.LOGISTIC, f"data.source.seed={seed}")) for seed in (1, 2))
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "candles.py").write_text("another code")
    monkeypatch.setattr(stamp, "PACKAGE", tmp_path)
    assert len({first, other, stamp.bars_stamp(compose(*tiny.LOGISTIC, "data.source.seed=1"))}) == 3


@pytest.mark.parametrize("words", [["data=btc_1h"], ["data=own", "data.source.path=bars.csv"]])
def test_bars_from_outside_have_no_stamp(words):
    assert stamp.bars_stamp(compose("model=logistic", *words)) is None


def test_the_stamp_lies_in_the_environment_of_the_run(words):
    told = json.loads((run_folder(compose(*words)) / "environment.json").read_text())
    assert len(told["bars"]) == 64


def test_volatility_has_the_same_bits_as_plain_python_and_as_machine_code():
    close = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 900)))
    close[100:105] = np.nan
    segment = np.repeat([0, 1, 2], [400, 1, 499]).astype(np.int32)
    plain = inspect.unwrap(volatility._running_volatility)
    machine = njit(plain)(close, segment, 0.05)
    plain = plain(close, segment, 0.05)
    np.testing.assert_array_equal(plain, machine)
