"""Somebody else's run executes nothing, sends nothing, and writes nothing outside of itself."""

import json
import shutil
import socket
import time
from functools import cache

import numpy as np
import pytest
from export_cases import finished
from hostile_runs import Canary, corpus

from candlelab.config import build, compose
from candlelab.core.errors import UserError
from candlelab.pipeline.load import load_or_download

CASES = dict(corpus())
QUICK = list(CASES)[::2]
TOKEN = "hf_canaryCANARYcanaryCANARY"


@pytest.fixture
def network(monkeypatch):
    """Every address that anything tries to reach; none is reached."""
    asked = []

    def refuse(self, address):
        asked.append(address)
        raise ConnectionRefusedError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return asked


def used(folder, outputs) -> list:
    """What a user does with a run: load, predict, report, explain, publish; each ends with an answer or one sentence."""
    said = []
    for words in (
        ["task=predict", "task.at=now"],
        ["task=report", "evaluate.fee_bps=3"],
        ["task=publish", "task.what=model"],
        ["task=explain"],
    ):
        cfg = compose(*words, f"task.run={folder}", f"outputs={outputs}")
        try:
            said.append(build(cfg, "task", cfg))
        except UserError as error:
            assert "\n" not in str(error).split("problems:")[0] and str(error)
            said.append(str(error))
    try:
        run = load_or_download(folder)
        said.append([run.cfg, run.model, run.data])
    except UserError as error:
        said.append(str(error))
    return said


@cache
def honest():
    """An honest run with charts to explain."""
    run = finished("fusion")
    data = run.data
    (run.folder / "figures").mkdir(exist_ok=True)
    ends = data.prepared.ends[data.samples("test")[:4]]
    np.savez_compressed(run.folder / "figures" / "charts.npz", images=data.charts(ends), rows=np.arange(4))
    return run.folder


def assert_harmless(name, tmp_path, network, capsys):
    canary = Canary(tmp_path)
    folder = shutil.copytree(honest(), tmp_path / "outputs" / "study" / "run", symlinks=True)
    CASES[name](folder, canary)
    start = time.process_time()
    said = used(folder, tmp_path / "outputs")
    assert not canary.sings and time.process_time() - start < 50  # five commands of ten seconds
    assert not [a for a in network if a[0] == "127.0.0.1" and a[1] == 9]
    told = capsys.readouterr()
    assert TOKEN not in told.out + told.err + str(said)
    assert not [
        p for p in tmp_path.rglob("*") if p.is_file() and not p.is_symlink() and TOKEN.encode() in p.read_bytes()
    ]


@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_run_does_nothing(name, tmp_path, network, capsys):
    assert_harmless(name, tmp_path, network, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name not in QUICK])
def test_the_other_hostile_runs_do_nothing(name, tmp_path, network, capsys):
    assert_harmless(name, tmp_path, network, capsys)


def test_the_corpus_is_large_enough():
    print(f"{len(CASES)} hostile runs, {len(QUICK)} of them in the quick suite")
    assert len(CASES) >= 60


def test_a_net_of_nan_gives_no_signal(tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = shutil.copytree(
        finished("fusion").folder, tmp_path / "run", ignore=shutil.ignore_patterns("manifest.json")
    )
    weights = {
        name: np.full_like(value, np.nan) if value.dtype.kind == "f" else value
        for name, value in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.safetensors")
    cfg = compose("task=predict", f"task.run={folder}")
    with pytest.raises(UserError, match="not finite"):
        build(cfg, "task", cfg)


def test_a_threshold_of_nan_gives_no_signal(tmp_path):
    folder = shutil.copytree(
        finished("fusion").folder, tmp_path / "run", ignore=shutil.ignore_patterns("manifest.json")
    )
    (folder / "threshold.json").write_text(json.dumps({"threshold": float("nan"), "score": "confidence"}))
    cfg = compose("task=predict", f"task.run={folder}")
    with pytest.raises(UserError, match="threshold"):
        build(cfg, "task", cfg)
