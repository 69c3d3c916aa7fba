"""A package as task=scaffold writes it goes the whole way: contracts, training, kill -9, sweep, ONNX, publishing."""

import os
import subprocess
import sys

import extension_cases
import pytest
import tiny

from candlelab import load_run
from candlelab.config import ConfigError, build, compose, packages, run_folder
from candlelab.config.command_line import check_overrides
from candlelab.pipeline.conformance import Check, checks

NAME = "lab_of_tasks"
WORDS = (f"experiment={NAME}", *extension_cases.QUICK)
KILLED = """
import os, signal, sys
from candlelab.trainer.checkpoints import Checkpoints
save, saved = Checkpoints._save, []
def fatal(self, *given):
    save(self, *given)
    saved.append(given)
    if len(saved) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
Checkpoints._save = fatal
from candlelab.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder on the path, as an installer leaves it; declared to this process, which has read its entry points already."""
    with pytest.MonkeyPatch.context() as patch:
        folder = extension_cases.installed(tmp_path_factory.mktemp("site"), NAME)
        patch.syspath_prepend(str(folder))
        patch.setenv("CANDLELAB_EXTENSIONS", NAME)
        yield folder


@pytest.fixture(scope="module")
def run(place):
    """A run that kill -9 ended after its second checkpoint, and that the same command finished."""
    outputs = place / "outputs"
    cfg = compose(*WORDS, f"outputs={outputs}")
    path = f"{place}{os.pathsep}{tiny.ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *WORDS, f"outputs={outputs}"], env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == -9
    folder = run_folder(cfg)
    assert (folder / "checkpoints" / "last.ckpt").exists()
    build(cfg, "task", cfg)
    return load_run(folder)


@pytest.mark.parametrize("option", ["data/source", "data/label", "render", "model/loss", "model", "experiment"])
def test_every_component_keeps_its_contract(place, option):
    next(check for check in checks(NAME) if check.group == option)()


def test_a_label_that_reads_on_breaks_its_contract(place, monkeypatch):
    from candlelab.data.label import direction

    reads = direction.forward_returns
    monkeypatch.setattr(direction, "forward_returns", lambda candles, horizon: reads(candles, horizon + 1))
    with pytest.raises(AssertionError, match="a label depends on bars after its label_end"):
        Check("data/label", "direction")()


def test_a_killed_run_is_resumed(run):
    assert "(resumed)" in (run.folder / "log.txt").read_text() and run.metrics["fit/epochs"] == 1


def test_the_run_says_whose_code_it_was(run):
    assert run.environment["extensions"][NAME] == packages.identity(NAME)


def test_a_sweep_over_an_extension_is_checked_job_by_job(place):
    jobs = check_overrides([f"experiment={NAME}", "model.net.channels=4,8", f"model/loss={NAME}_brier,focal"])
    assert len({run_folder(job) for job in jobs}) == 4


def test_it_is_exported_with_its_chart_inside_the_graph(run):
    cfg = compose("task=export", f"task.run={run.folder}", "task.int8=false", "task.n_calls=1")
    assert {"model.onnx", "candles_to_signal.onnx"} <= set(build(cfg, "task", cfg))


def test_its_card_says_what_to_install(run, place, capsys):
    words = ("task=publish", "task.what=model", f"task.run={run.folder}", "task.repo=you/net")
    cfg = compose(*words, f"outputs={place / 'published'}")
    build(cfg, "task", cfg)
    assert f"components of `{NAME}`" in capsys.readouterr().out


def test_without_the_declaration_the_run_is_refused_in_one_sentence(run, place, monkeypatch):
    monkeypatch.delenv("CANDLELAB_EXTENSIONS")
    monkeypatch.setattr("sys.path", [entry for entry in sys.path if entry != str(place)])  # nor the entry point
    with pytest.raises(ConfigError, match=f"install the package '{NAME}' if you trust it"):
        _ = load_run(run.folder).cfg


@pytest.mark.slow
def test_a_sweep_of_an_extension_runs(place, tmp_path):
    words = ("-m", *WORDS, "model.net.channels=2,4", f"outputs={tmp_path}")
    done = tiny.command(*words, PYTHONPATH=f"{place}{os.pathsep}{tiny.ROOT}", CANDLELAB_EXTENSIONS="")
    assert done.returncode == 0 and len(list(tmp_path.glob("*/*/report.html"))) == 2, done.stderr


@pytest.mark.parametrize("name", ["My Lab", "class", "numpy", "../up", ""])
def test_a_name_that_no_package_can_have_is_refused(tmp_path, name):
    cfg = compose("task=scaffold", f"task.name='{name}'", f"task.folder={tmp_path}")
    with pytest.raises(ConfigError, match=r"task\.name is"):
        build(cfg, "task", cfg)


def test_a_folder_that_exists_stays_as_it_is(tmp_path):
    (tmp_path / "lab_of_mine").mkdir()
    cfg = compose("task=scaffold", "task.name=lab_of_mine", f"task.folder={tmp_path}")
    with pytest.raises(ConfigError, match="exists already"):
        build(cfg, "task", cfg)
