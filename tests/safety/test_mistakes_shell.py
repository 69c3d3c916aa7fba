"""What a shell, a console or a disk does to a command: signals, closed pipes, narrow encodings, refusals of the system."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import tiny
from test_mistakes import answer

from candlelab import __main__ as door
from candlelab.config import command_line
from candlelab.config.command_line import check_overrides, flags_first, without_nulls
from candlelab.core import refusals
from candlelab.core.errors import Stopped


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_one_sentence_and_128_more(monkeypatch, number, code):
    monkeypatch.setattr(door, "_answer", lambda: door_raises(Stopped(number)))
    ended, said = answer(["task=doctor"])
    assert ended == code and signal.Signals(number).name in said and said.count("\n") == 1


def door_raises(error):
    raise error


def test_an_ignored_signal_stays_ignored():
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); from candlelab.core.terminal import stop_when_asked as f; f(); "
        "raise SystemExit(signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tiny.ROOT, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_during_a_fit_leaves_a_checkpoint(tmp_path, number, code):
    words = [
        *tiny.TINY,
        f"outputs={tmp_path}",
        "trainer.max_epochs=200",
        "trainer.patience=200",
        "trainer.checkpoint_minutes=0",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "candlelab", *words], cwd=tiny.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    last = tiny.folder_of(tmp_path, *words[-3:]) / "checkpoints" / "last.ckpt"
    while not last.exists() and process.poll() is None:
        time.sleep(0.05)  # waits for a state, not for time to pass
    process.send_signal(number)
    said = process.communicate(timeout=120)[0].decode()
    assert (
        process.returncode == code
        and "goes on from the last checkpoint" in said
        and "Traceback" not in said
        and last.exists()
    )


def test_a_closed_pipe_is_no_traceback():
    command = f"{sys.executable} -m candlelab --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tiny.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 141) and done.stderr == ""


@pytest.mark.parametrize(
    ("ending", "code"), [("--help >&-", 0), ("task=nope 2>/dev/full", 2), ("task=nope 2>&- >&-", 2)]
)
def test_a_console_that_takes_nothing_changes_no_code(ending, code):
    done = subprocess.run(["bash", "-c", f"{sys.executable} -m candlelab {ending}"], cwd=tiny.ROOT, check=False)
    assert done.returncode == code


def test_a_folder_that_is_gone_is_a_sentence(tmp_path, monkeypatch):
    lost = tmp_path / "lost"
    lost.mkdir()
    monkeypatch.chdir(lost)
    lost.rmdir()
    code, said = answer(["--help"])
    assert code == 2 and "is gone" in said and "Traceback" not in said


def test_no_room_for_a_library_is_no_memory(tmp_path):
    assert "not enough memory" in refusals.refusal(ImportError("libx.so: failed to map segment"), tmp_path)


def test_a_console_of_ascii_gets_question_marks():
    done = tiny.command("task=predict", PYTHONIOENCODING="ascii")
    assert done.returncode == 2 and "Traceback" not in done.stderr and "task.run=?" in done.stderr


@pytest.mark.parametrize(
    ("number", "cure"), [(errno.ENOSPC, "make room"), (errno.EROFS, "read-only"), (errno.EACCES, "permission denied")]
)
def test_what_the_system_refuses_is_one_sentence(monkeypatch, number, cure):
    monkeypatch.setattr(door, "_answer", lambda: door_raises(OSError(number, os.strerror(number), "/somewhere/file")))
    code, said = answer(["task=doctor"])
    assert code == 2 and "/somewhere/file" in said and cure in said and "Traceback" not in said


def test_a_full_disk_in_the_words_of_a_library_is_told_too(monkeypatch, tmp_path):
    monkeypatch.setattr(refusals, "_is_full", lambda place: True)
    assert "make room" in refusals.refusal(RuntimeError("PytorchStreamWriter failed writing file"), tmp_path)


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(door, "_answer", lambda: door_raises(ZeroDivisionError("a bug")))
    code, said = answer(["task=doctor"])
    assert code == 1 and "Traceback" in said


def test_flags_stand_anywhere():
    assert flags_first(["a=1", "-m", "b=2,3", "--cfg", "job", "c=4"]) == ["-m", "--cfg", "job", "a=1", "b=2,3", "c=4"]


def test_null_is_how_people_leave_a_group_out():
    assert without_nulls(["render=null", "experiment=null", "name=null"]) == ["~render", "name=null"]


def test_data_that_cannot_be_leave_no_folder(tmp_path):
    code, said = answer([*tiny.TINY, f"outputs={tmp_path / 'here'}", "data.source.bars=30"])
    assert code == 2 and "no window" in said and not (tmp_path / "here").exists()


def test_a_wrong_path_and_missing_weights_are_one_message(tmp_path):
    code, said = answer(
        ["model=fusion", "data/source=file", "data.source.path=/nowhere.csv", f"outputs={tmp_path / 'here'}"]
    )
    assert code == 2 and "2 problems" in said and "/nowhere.csv" in said and "model.net.pretrained=false" in said


def test_a_setting_of_evaluation_is_told_once_for_a_sweep(tmp_path):
    code, said = answer(["-m", *tiny.TINY, f"outputs={tmp_path / 'here'}", "seed=0,1", "evaluate.confidence_level=1.5"])
    assert code == 2 and said.count("evaluate.confidence_level was 1.5") == 1 and not (tmp_path / "here").exists()


def test_jobs_that_ended_elsewhere_without_a_result_count_as_failed(tmp_path):
    job = tiny.compose(*tiny.TINY, f"outputs={tmp_path}")
    door.failures.clear()
    door._count_failures([job])
    assert door.failures == [str(tiny.folder_of(tmp_path))]
    door.failures.clear()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-m", "seed=range(0,1000000)"], "asks for 1,000,000 jobs"),
        (["-m", "seed=range(0,1000000000000)", "data.window=8,16"], "asks for 2,000,000,000,000 jobs"),
        (["-m", "seed=range(0,9,0)"], "never ends"),
        (["-m", "seed=range(0,inf)"], "never ends"),
        (["-m", "model.net.dropout=interval(0,1)"], "no list of values"),
        (["-m", "model=glob(nope*)"], "gives no value"),
        (["--cfg", "job", "--resolve", "-p", "nope"], "no such part"),
        (["--cfg", "job", "-p", "data.["], "no such part"),
        (["-m", "hydra.sweep.dir=/dev/null"], "outputs=FOLDER"),
        (["hydra.run.dir=/dev/null"], "outputs=FOLDER"),
        (["hydra.verbose=5"], "hydra.verbose"),
        (["hydra.job_logging.root.level=NOPE"], "hydra.job_logging"),
        (["hydra.sweeper=5", "seed=-1"], "seed"),
        (["--shell-completion"], "install=SHELL"),
        (["--shell-completion", "query=bash"], "install=SHELL"),
        (["--multirun", "--cfg", "job"], "exclude each other"),
        (["-m", "seed=choice(1,choice(2,3))"], "sweep inside a sweep"),
        (["data.stride=2147483648"], "at most 2147483647"),
        (["data.split.embargo=1000000000000000000"], "at most 10,000,000"),
        (["data.indicators.kalman=1e300"], "at most 1e+06"),
        (["data.start=\u202e\x1b[31m"], "\\u202e\\x1b[31m"),
        (["data.symbols=['\udcff']"], "not UTF-8"),
        (["study=\udcff"], "not UTF-8"),
    ],
)
def test_what_no_sweep_and_no_console_can_be_is_a_sentence(words, told):
    code, said = answer([*tiny.TINY, *words])
    assert code == 2 and told in said and "Traceback" not in said and said.startswith("candlelab: ")


def test_a_glob_chooses_the_options_it_matches():
    assert [job.trainer.accelerator for job in check_overrides(["trainer=glob(c*)"])] == ["cpu"]


def test_a_long_sweep_says_at_once_how_many_jobs_it_checks(monkeypatch):
    monkeypatch.setattr(command_line, "MANY_JOBS", 2)
    code, said = answer(["-m", *tiny.TINY, "seed=0,1", "evaluate.confidence_level=2"])
    assert code == 2 and said.startswith("2 jobs to check")
