"""Jobs side by side on this machine: what each is given, what becomes of one that fails or dies, and how Ctrl-C ends them."""

import json
import os
from pathlib import Path

import numba
import pandas as pd
import pytest
import tiny
from made_up_jobs import job
from omegaconf import OmegaConf

from candlelab.config import ConfigError, command_line, compose, plain, run_folder
from candlelab.config.command_line import check_overrides
from candlelab.core.run_folder import failure, state
from candlelab.launch import one_job, side_by_side
from candlelab.launch.board import Board
from candlelab.launch.local import LocalLauncher, visible_gpus
from candlelab.render import style

TIMED = "Train_Seconds Epoch_Seconds Samples_Per_Second Peak_Memory_MB Load_Seconds Latency_P50_MS Latency_P90_MS Throughput"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture(scope="module", autouse=True)
def declared():
    """The made-up task as an extension that the processes of the launcher know, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANDLELAB_EXTENSIONS", "made_up_jobs")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]))
        yield


@pytest.fixture(scope="module")
def ended(declared, tmp_path_factory):
    """Five jobs in two slots with two GPUs: three finish, one fails, one is killed by the system."""
    outputs = tmp_path_factory.mktemp("outputs")
    jobs = [job(outputs, what, what.rstrip("123")) for what in ("finish1", "fail", "finish2", "die", "finish3")]
    launcher = LocalLauncher(jobs=2, threads="auto", gpus=2)
    launcher.run_all(jobs)
    return {each.name: run_folder(each) for each in jobs}, launcher


def told(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_every_job_has_a_process_and_its_share_of_threads_and_gpus(ended):
    folders, launcher = ended
    seen = [told(folders[f"finish{number}"]) for number in (1, 2, 3)]
    assert len({each["pid"] for each in seen}) == 3 and len({each["parent"] for each in seen}) == 1
    assert {each["OMP_NUM_THREADS"] for each in seen} == {str(launcher.threads())}
    assert {each["CUDA_VISIBLE_DEVICES"] for each in seen} <= {"0", "1"}


def test_a_job_draws_with_its_own_threads_also_where_numba_is_loaded_already(monkeypatch):
    for name in one_job.THREADS:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 7)
    one_job.use_threads(1)
    assert style.workers() == 1


def test_a_job_that_fails_says_why_and_one_that_dies_leaves_its_last_words(ended):
    folders, _ = ended
    assert failure(folders["fail"]) == "RuntimeError: the fan failed"
    assert "signal 9 (out of memory?)" in failure(folders["die"])
    assert "I can do no more" in (folders["die"] / "failed.txt").read_text()


def test_ctrl_c_lets_every_job_write_its_checkpoint(declared, tmp_path, monkeypatch):
    jobs = [job(tmp_path, f"wait{number}", "wait") for number in (1, 2)]

    def interrupt(board):
        if all((run_folder(each) / "log.txt").exists() for each in jobs):
            raise KeyboardInterrupt

    monkeypatch.setattr(Board, "show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        LocalLauncher(jobs=2, threads="auto", gpus=0).run_all(jobs)
    assert [state(run_folder(each)) for each in jobs] == ["interrupted"] * 2
    assert all((run_folder(each) / "checkpoint").exists() for each in jobs)


def test_a_finished_job_is_not_sent(ended, monkeypatch):
    folders, launcher = ended
    jobs = {name: job(folder.parents[1], name, "fail") for name, folder in folders.items()}
    sent, looked_at = [], []
    monkeypatch.setattr(command_line, "check_overrides", lambda words: [jobs[words[0]]])
    monkeypatch.setattr(side_by_side, "run_noted", lambda each: looked_at.append(each.name))
    monkeypatch.setattr(launcher, "run_all", lambda left: sent.extend(each.name for each in left), raising=False)
    launcher.launch([[name] for name in jobs], 0)
    assert sent == ["fail", "die"] and looked_at == ["finish1", "finish2", "finish3"]


def test_the_table_shows_the_newest_line_of_every_running_job(tmp_path):
    each = job(tmp_path, "one", "wait")
    run_folder(each).mkdir(parents=True)
    (run_folder(each) / "log.txt").write_text("12:00:00 epoch 1/9\n12:00:01 epoch 2/9 · 3 min left\n")
    board = Board([each, job(tmp_path, "two", "wait")])
    board.started(0, "GPU 3")
    columns = [list(column.cells) for column in board.table().columns]
    assert [column[0] for column in columns[1:]][:2] == ["running", "GPU 3"]
    assert columns[4][0] == "epoch 2/9 · 3 min left" and columns[1][1] == "waiting"


def test_gpus_are_counted_without_asking_cuda(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-5")
    assert visible_gpus() == ("3", "GPU-5")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == ()


@pytest.mark.parametrize(("word", "told"), [("jobs=0", "give 1 or more"), ("jobs=many", "whole number")])
def test_a_launcher_that_cannot_be_is_refused_before_anything_is_made(word, told):
    with pytest.raises(ConfigError, match=rf"hydra\.launcher\.\w+.*{told}"):
        check_overrides(["hydra/launcher=local", f"hydra.launcher.{word}"])


def sweep(outputs, *words):
    """The command with the launcher under test; what its leaderboard says but for what the clock does."""
    done = tiny.command("-m", *tiny.LOGISTIC, "seed=0,1,2", *words, f"outputs={outputs}", OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    return pd.read_csv(outputs / "default" / "leaderboard.csv").drop(columns=TIMED.split())


@pytest.mark.slow
def test_jobs_side_by_side_make_the_same_table_as_one_after_the_other(tmp_path):
    beside = sweep(tmp_path / "beside", "hydra/launcher=local", "hydra.launcher.jobs=2")
    pd.testing.assert_frame_equal(beside, sweep(tmp_path / "plain"))


@pytest.mark.slow
def test_the_bars_are_in_memory_once(declared, tmp_path, monkeypatch):
    """Two jobs that read every bar: a bar more adds to the memory of all processes together what it takes once."""
    small, large = (held_by_two(tmp_path / str(bars), bars, monkeypatch) for bars in (1_000, 1_000_000))
    once = tape_bytes(large["jobs"][0])
    assert once > 80e6 and large["pss"] - small["pss"] < 1.3 * once, (once, small, large)
    assert large["rss"] - small["rss"] > 2.7 * once, "each of the three processes does see all of them"


def held_by_two(outputs, bars, monkeypatch):
    """Proportional and resident memory, bytes, of the nursery and of two jobs that have read all bars and wait."""
    data = plain(compose(*tiny.LOGISTIC, f"data.source.bars={bars}"))["data"]
    jobs = [OmegaConf.merge(job(outputs, f"hold{number}", "hold"), {"data": data}) for number in (1, 2)]
    found = {}

    def measure(board):
        if all((run_folder(each) / "log.txt").exists() for each in jobs):
            pids = json.loads((run_folder(jobs[0]) / "held.json").read_text())["parent"], *map(pid_of, jobs)
            found.update(pss=sum(map(memory("Pss"), pids)), rss=sum(map(memory("Rss"), pids)), jobs=jobs)
            raise KeyboardInterrupt

    monkeypatch.setattr(Board, "show", measure)
    with pytest.raises(KeyboardInterrupt):
        LocalLauncher(jobs=2, threads="auto", gpus=0).run_all(jobs)
    return found


def pid_of(each):
    return json.loads((run_folder(each) / "held.json").read_text())["pid"]


def tape_bytes(each):
    return json.loads((run_folder(each) / "held.json").read_text())["bytes"]


def memory(kind):
    def of_process(pid):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))

    return of_process
