"""Jobs on a Ray cluster: what becomes of one that fails, or whose node goes away, and that the study is that of the plain sweep."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import tiny
from made_up_jobs import job

from candlelab.config import ConfigError, plugins, run_folder
from candlelab.config.command_line import check_overrides
from candlelab.core.errors import UserError
from candlelab.core.run_folder import failure, state
from candlelab.launch.cluster import RayLauncher

SETTINGS = {"address": None, "num_cpus": 1, "num_gpus": 0, "memory_mb": None, "object_store_mb": 80, "retries": 1}
SETTINGS |= {"shared": "auto", "scratch": None}
TIMED = "Train_Seconds Epoch_Seconds Samples_Per_Second Peak_Memory_MB Load_Seconds Latency_P50_MS Latency_P90_MS Throughput"


def test_a_cluster_without_ray_says_what_to_install(monkeypatch):
    monkeypatch.setattr(plugins, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^hydra/launcher=ray is not installed: pip install 'candlelab\[ray\]'$"):
        check_overrides(["hydra/launcher=ray"])


@pytest.fixture
def ray(monkeypatch):
    found = pytest.importorskip("ray")
    monkeypatch.setenv("CANDLELAB_EXTENSIONS", "made_up_jobs")
    places = [str(Path(__file__).parents[1]), str(tiny.ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    for name in (
        "RAY_USAGE_STATS_ENABLED",
        "RAY_worker_niceness",
        "RAY_enable_worker_prestart",
        "RAY_prestart_worker_first_driver",
    ):
        monkeypatch.setenv(name, "0")
    yield found
    found.shutdown()


def test_a_cluster_of_its_own_reports_to_nobody_and_one_that_is_not_there_is_a_sentence(ray, monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    told = []

    def init(**words):
        told.append(os.environ["RAY_USAGE_STATS_ENABLED"])
        raise ConnectionError("nobody there")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(UserError, match=r"there is no Ray cluster at .*=x:1 \(nobody there\): start one"):
        RayLauncher(**SETTINGS | {"address": "x:1"}).run_all([job(tmp_path, "one", "finish")])
    assert told == ["0"]
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")


@pytest.fixture
def node(ray):
    """The address of a cluster of one node of one core, with no more than that takes."""
    from ray.cluster_utils import Cluster

    spare = {"include_log_monitor": False, "no_monitor": True, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=spare | {"num_cpus": 1, "object_store_memory": 80 * 2**20})
    yield made.address
    made.shutdown()


def test_runs_come_back_from_ray_and_a_failed_one_says_why(node, tmp_path):
    jobs = [job(tmp_path / "outputs", what, what) for what in ("finish", "fail")]
    asked = {"address": node, "object_store_mb": None, "shared": False, "scratch": str(tmp_path / "node")}
    RayLauncher(**SETTINGS | asked).run_all(jobs)
    assert [state(run_folder(each)) for each in jobs] == ["finished", "failed"]
    assert failure(run_folder(jobs[1])) == "RuntimeError: the fan failed"
    assert (run_folder(jobs[0]) / "home").read_text() == str(tmp_path / "outputs")


@pytest.mark.slow
def test_a_failed_job_is_noted_and_one_that_dies_is_started_again_first(ray, tmp_path):
    jobs = [job(tmp_path, what, what.rstrip("12")) for what in ("finish1", "fail", "die_once", "die", "finish2")]
    RayLauncher(**SETTINGS).run_all(jobs)
    states = {each.name: state(run_folder(each)) for each in jobs}
    assert states == dict.fromkeys(states, "finished") | {"fail": "failed", "die": "failed"}
    assert failure(run_folder(jobs[1])) == "RuntimeError: the fan failed"
    assert "went away 2 times" in failure(run_folder(jobs[3]))


NINE = ["byobnet", "convnext", "convnext2", "efficientnet", "efficientnet_gn", "nfnet", "resnet", "vit", "vit2"]
SWEEP = (
    "experiment=smoke",
    "model=timm_backbone",
    "data.source.bars=150",
    "data.window=8",
    "model.image_size=32",
    f"model.net.backbone={','.join(f'test_{name}' for name in NINE)}",
    "trainer.progress=lines",
    "trainer.checkpoint_minutes=0",
    "trainer.max_epochs=6",
    "evaluate.n_bootstrap=20",
    "evaluate.n_permutations=20",
    "evaluate.threshold.n_bootstrap=5",
)


def begin(outputs, *words):
    """Start the smoke sweep of nine backbones."""
    command = [sys.executable, "-m", "candlelab", "-m", *SWEEP, *words, f"outputs={outputs}"]
    return subprocess.Popen(command, cwd=tiny.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(outputs):
    return {path: path.stat().st_mtime_ns for path in outputs.glob("smoke/*/metrics.json")}


def wait_for(outputs, jobs, driver):
    """Wait until so many jobs are finished; the driver must be alive."""
    while len(finished(outputs)) < jobs:
        assert driver.poll() is None, driver.stdout.read()
        time.sleep(0.2)


def table(outputs):
    return pd.read_csv(outputs / "smoke" / "leaderboard.csv").drop(columns=TIMED.split())


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The leaderboard of the same sweep, one job after another in one process."""
    outputs = tmp_path_factory.mktemp("plain")
    driver = begin(outputs)
    told = driver.communicate()[0]
    assert driver.returncode == 0, told
    return table(outputs)


@pytest.fixture
def cluster(ray):
    """Three simulated nodes of one core each; the driver joins the first."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80 * 2**20})
    made.others = [made.add_node(num_cpus=1, object_store_memory=80 * 2**20) for _ in range(2)]
    yield made
    made.shutdown()


@pytest.mark.slow
def test_a_study_whose_node_is_killed_equals_the_plain_one(cluster, plain, tmp_path):
    driver = begin(tmp_path, "hydra/launcher=ray", f"hydra.launcher.address='{cluster.address}'")
    wait_for(tmp_path, 2, driver)
    cluster.remove_node(cluster.others[0], allow_graceful=False)
    told = driver.communicate()[0]
    assert driver.returncode == 0 and "goes on elsewhere from its checkpoint" in told, told
    pd.testing.assert_frame_equal(table(tmp_path), plain)


@pytest.mark.slow
def test_after_a_kill_of_the_driver_the_same_command_finishes_the_rest(cluster, plain, tmp_path):
    words = ("hydra/launcher=ray", f"hydra.launcher.address='{cluster.address}'")
    driver = begin(tmp_path, *words)
    wait_for(tmp_path, 3, driver)
    driver.kill()
    driver.communicate()
    before = finished(tmp_path)
    again = begin(tmp_path, *words)
    told = again.communicate()[0]
    assert again.returncode == 0 and 3 <= len(before) < 9, told
    after = finished(tmp_path)
    assert all(after[path] == when for path, when in before.items()), "a finished job was trained again"
    pd.testing.assert_frame_equal(table(tmp_path), plain)


@pytest.mark.slow
def test_ctrl_c_ends_with_every_checkpoint_written(cluster, tmp_path):
    driver = begin(
        tmp_path, "trainer.max_epochs=4000", "hydra/launcher=ray", f"hydra.launcher.address='{cluster.address}'"
    )
    while len(list(tmp_path.glob("smoke/*/checkpoints/last.ckpt"))) < 2:
        assert driver.poll() is None, driver.stdout.read()
        time.sleep(0.2)
    driver.send_signal(signal.SIGINT)
    told = driver.communicate()[0]
    assert driver.returncode == 130 and "goes on from the last checkpoint" in told, told
    logs = [path.read_text() for path in tmp_path.glob("smoke/*/log.txt")]
    assert len(logs) >= 2 and all("ended by" in log for log in logs)
