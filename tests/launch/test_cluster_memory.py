"""The bars of a data set on a node of a Ray cluster: prepared once, by the command, and in memory once for all jobs of the node."""

import json
import os
from pathlib import Path

import pytest
import tiny
from made_up_jobs import job
from omegaconf import OmegaConf

from candlelab.config import compose, plain
from candlelab.launch.board import Board
from candlelab.launch.cluster import RayLauncher

JOBS = 3
ASKED = {"address": None, "num_cpus": 0.1, "num_gpus": 0, "memory_mb": None, "object_store_mb": 500, "retries": 0}
pytestmark = pytest.mark.slow


@pytest.fixture
def declared(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("CANDLELAB_EXTENSIONS", "made_up_jobs")
    places = [str(Path(__file__).parents[1]), str(tiny.ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")


def test_jobs_of_a_node_read_one_copy_of_the_bars(declared, tmp_path, monkeypatch):
    """Three jobs that read every bar, each in a folder of its node: a bar more adds to the memory of all together what it takes once."""
    small, large = (held_by_all(tmp_path / str(bars), bars, monkeypatch) for bars in (1_000, 1_000_000))
    once = large["bytes"]
    assert once > 80e6 and large["pss"] - small["pss"] < 1.3 * once, (once, small, large)
    assert large["rss"] - small["rss"] > (JOBS - 0.3) * once, "each of the processes does see all of them"


def held_by_all(place, bars, monkeypatch):
    """Proportional and resident memory, bytes, of the jobs once all have read all bars and wait."""
    data = plain(compose(*tiny.LOGISTIC, f"data.source.bars={bars}"))["data"]
    jobs = [OmegaConf.merge(job(place / "outputs", f"hold{k}", "hold"), {"data": data}) for k in range(JOBS)]
    found = {}

    def measure(board):
        told = [json.loads(path.with_name("held.json").read_text()) for path in (place / "node").rglob("log.txt")]
        if len(told) == JOBS:
            pids = [each["pid"] for each in told]
            assert len({*pids}) == JOBS and len({each["read"] for each in told}) == 1
            found.update(bytes=told[0]["bytes"], pss=sum(memory(pid, "Pss") for pid in pids))
            found.update(rss=sum(memory(pid, "Rss") for pid in pids))
            raise KeyboardInterrupt

    monkeypatch.setattr(Board, "show", measure)
    with pytest.raises(KeyboardInterrupt):
        RayLauncher(**ASKED, shared=False, scratch=str(place / "node")).run_all(jobs)
    return found


def memory(pid, kind):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))
