"""The command as a user meets it."""

import signal
import subprocess
import sys
import time

import pytest
import tiny


@pytest.fixture(scope="module")
def mistake(tmp_path_factory):
    here = tmp_path_factory.mktemp("empty")
    return tiny.command("model=fusoin", "data.windw=3", cwd=here), here


def test_a_mistake_exits_2_with_one_paragraph(mistake):
    done, _ = mistake
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "fusion" in done.stderr and "data.window" in done.stderr


def test_a_mistake_creates_nothing(mistake):
    assert list(mistake[1].iterdir()) == []


def test_cfg_job_prints_the_composed_config():
    done = tiny.command("--cfg", "job", *tiny.TINY)
    assert done.returncode == 0 and "candlelab.model.fusion.Fusion" in done.stdout


def test_a_sweep_without_multirun_is_refused():
    done = tiny.command("seed=0,1", "experiment=smoke")
    assert done.returncode == 2 and "--multirun" in done.stderr


def test_ctrl_c_exits_130_and_the_same_command_goes_on(tmp_path):
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
    folder = tiny.folder_of(tmp_path, *words[-3:])
    while not (folder / "checkpoints" / "last.ckpt").exists() and process.poll() is None:
        time.sleep(0.05)  # waits for a state, not for time to pass
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 130 and "goes on from the last checkpoint" in said


def test_a_sweep_makes_one_run_per_job_and_a_leaderboard(tmp_path):
    done = tiny.command("-m", *tiny.TINY, f"outputs={tmp_path}", "seed=0,1", "trainer.max_epochs=1")
    study = tmp_path / "smoke"
    assert done.returncode == 0, done.stderr
    assert (
        len(list(study.glob("*/metrics.json"))) == 2
        and (study / "leaderboard.md").exists()
        and (study / "report.html").exists()
    )


def test_a_failing_job_is_a_row_and_the_others_go_on(tmp_path):
    done = tiny.command("-m", *tiny.TINY, f"outputs={tmp_path}", "data.source.bars=700,30", "trainer.max_epochs=1")
    assert done.returncode == 3
    assert len(list(tmp_path.glob("smoke/*/metrics.json"))) == 1 and len(list(tmp_path.glob("smoke/*/failed.txt"))) == 1


def test_a_hint_of_doctor_names_the_extra_in_its_brackets(monkeypatch, capsys):
    from candlelab.config import build, compose

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    cfg = compose("task=doctor")
    build(cfg, "task", cfg)
    assert "candlelab[ray]" in " ".join(capsys.readouterr().out.split())


def test_every_option_of_the_help_stands_apart_from_its_purpose():
    from candlelab.config import catalogue, groups

    lines = [line for line in catalogue().splitlines() if line.startswith("    ")]
    assert len(lines) == sum(map(len, groups().values())) and all("  " in line.strip() for line in lines)


def test_the_version_is_ours():
    import candlelab

    assert tiny.command("--version").stdout == f"candlelab {candlelab.__version__}\n"
