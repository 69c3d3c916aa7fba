"""A Ray cluster whose second node has a file system of its own where the command's outputs are: what comes back of its runs."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import tiny

TIMED = "Train_Seconds Epoch_Seconds Samples_Per_Second Peak_Memory_MB Load_Seconds Latency_P50_MS Latency_P90_MS Throughput"
pytestmark = pytest.mark.slow


def can_hide():
    """Whether this account may mount something over a folder for a process of its own."""
    words = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(words, capture_output=True).returncode == 0


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A node without cores for the command, and one of a core that finds an empty folder where the outputs are."""
    pytest.importorskip("ray")
    if not can_hide():
        pytest.skip("no mounts of one's own here")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    (tmp_path / "outputs").mkdir()
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 80 * 2**20})
    ray = Path(sys.executable).with_name("ray")
    joins = f"exec {ray} start --address={made.address} --num-cpus=1 --object-store-memory={80 * 2**20} --block"
    hidden = f"mount -t tmpfs none {tmp_path / 'outputs'} && {joins}"
    env = os.environ | {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(tiny.ROOT)}
    with open(tmp_path / "node.log", "w") as log:
        node = subprocess.Popen(["unshare", "-m", "sh", "-c", hidden], env=env, stdout=log, stderr=log)
    made.where = f"hydra.launcher.address='{made.address}'"
    yield made
    node.terminate()
    node.wait()
    made.shutdown()


def begin(outputs, *words):
    command = [sys.executable, "-m", "candlelab", "-m", *tiny.LOGISTIC, "seed=0,1,2", *words, f"outputs={outputs}"]
    return subprocess.Popen(command, cwd=tiny.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def end(driver):
    told = driver.communicate()[0]
    assert driver.returncode == 0, told
    return told


def table(outputs):
    return pd.read_csv(outputs / "default" / "leaderboard.csv").drop(columns=TIMED.split())


def left_of_launches(outputs):
    return list((outputs / "cache" / "launches").iterdir())


def test_a_sweep_on_a_node_that_sees_nothing_equals_the_plain_one(cluster, tmp_path):
    outputs = tmp_path / "outputs"
    scratch = f"hydra.launcher.scratch={tmp_path / 'node'}"
    end(begin(outputs, "hydra/launcher=ray", cluster.where, scratch))
    end(begin(tmp_path / "plain"))
    pd.testing.assert_frame_equal(table(outputs), table(tmp_path / "plain"))
    for run in outputs.glob("default/*/metrics.json"):
        checked = tiny.command("task=verify", f"task.run={run.parent}", f"outputs={outputs}")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert f"run {tmp_path / 'node'}" in (run.parent / "log.txt").read_text(), "it was made on the node"
    assert not list((tmp_path / "node").rglob("*.json")) and not left_of_launches(outputs)


def test_after_a_kill_of_the_command_the_same_one_brings_the_rest(cluster, tmp_path):
    outputs = tmp_path / "outputs"
    words = ("hydra/launcher=ray", cluster.where, f"hydra.launcher.scratch={tmp_path / 'node'}")
    driver = begin(outputs, *words)
    while not list(outputs.glob("default/*/metrics.json")):
        assert driver.poll() is None, driver.stdout.read()
        time.sleep(0.1)
    driver.kill()
    driver.communicate()
    before = {path: path.stat().st_mtime_ns for path in outputs.glob("default/*/metrics.json")}
    assert all((path.parent / "manifest.json").exists() and (path.parent / "passport.json").exists() for path in before)
    end(begin(outputs, *words))
    after = {path: path.stat().st_mtime_ns for path in outputs.glob("default/*/metrics.json")}
    assert len(after) == 3 and all(after[path] == when for path, when in before.items())
    assert not left_of_launches(outputs)
