"""One progress of the whole run: the same words on a terminal, in a log file and in the run's log.txt."""

import io
import re
from types import SimpleNamespace

import pytest
import tiny
from rich.console import Console

from candlelab.core.run_log import RunLog, duration
from candlelab.trainer.progress import RunProgress

LINE = re.compile(r"epoch \d+/2 · \d+ of \d+ · val AUROC \.\d{3} \(best \.\d{3}\) · \d+ s left")


def trainer(step=0, **metrics):
    return SimpleNamespace(
        global_step=step,
        estimated_stepping_batches=20,
        current_epoch=step // 10,
        max_epochs=2,
        num_training_batches=10,
        callback_metrics=metrics,
    )


def shown(kind, log, console=None):
    """Go through an epoch of ten steps and its validation, then one step more."""
    progress = RunProgress(kind, log, console)
    progress.on_train_start(trainer(), None)
    for step in range(1, 11):
        progress.on_train_batch_end(trainer(step), None, None, None, step - 1)
    progress.on_validation_end(trainer(9, **{"val/auroc": 0.5344, "val/loss": 0.7}), None)
    progress.on_train_batch_end(trainer(11), None, None, None, 0)
    return progress


def test_a_line_says_epoch_batch_measure_best_and_time_left(tmp_path):
    progress = shown("none", RunLog(tmp_path / "log.txt"))
    assert progress.line(trainer(14), 4).startswith("epoch 2/2 · 4 of 10 · val AUROC .534 (best .534) · ")


def test_the_best_stays_when_the_next_is_worse():
    progress = shown("none", RunLog(None))
    progress.on_validation_end(trainer(19, **{"val/auroc": 0.51}), None)
    assert "val AUROC .510 (best .534)" in progress.line(trainer(19), 10)


def test_a_net_without_classes_shows_its_loss():
    progress = RunProgress("none", RunLog(None))
    progress.on_train_start(trainer(), None)
    progress.on_validation_end(trainer(9, **{"val/loss": 1.25}), None)
    assert "val loss 1.25 (best 1.25)" in progress.line(trainer(9), 10)


def test_lines_are_one_per_tenth_and_one_per_epoch(capsys):
    shown("lines", RunLog(None))
    assert len(capsys.readouterr().out.splitlines()) == 7  # 0, 10, … 50 %, and the epoch


def test_a_terminal_shows_one_line_for_all_epochs(tmp_path, capsys):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    shown("bar", RunLog(tmp_path / "log.txt"), console).teardown(None, None, "fit")
    assert "epoch 2/2" in console.file.getvalue() and capsys.readouterr().out == ""


def test_a_resumed_run_remembers_its_best():
    fresh = RunProgress("none", RunLog(None))
    fresh.load_state_dict(shown("none", RunLog(None)).state_dict())
    assert fresh.seen["val/auroc"] == (0.5344, 0.5344)


def test_a_log_has_the_time_before_every_line_and_keeps_what_was_there(tmp_path):
    for text in ("run a\n\nreport b", "run a (resumed)"):
        RunLog(tmp_path / "log.txt").note(text)
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert len(lines) == 3 and all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S", line) for line in lines)


def test_durations_are_said_in_words():
    assert [duration(s) for s in (5, 600, 7200)] == ["5 s", "10 min", "2.0 h"]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return (tiny.trained(tmp_path_factory.mktemp("out")) / "log.txt").read_text()


@pytest.mark.parametrize(
    "words",
    [
        r"run \S+smoke",
        r"train +\d+ windows",
        r"at most \d+ s on this CPU and [\d,]+ MB",
        LINE.pattern,
        r"trained 2 epochs in",
        r"Information beyond chance\?",
        r"report \S+report.html",
    ],
)
def test_the_log_of_a_run_tells_it_from_the_estimate_to_the_verdict(log, words):
    assert re.search(words, log)


def test_a_run_that_fails_says_so_in_its_log(tmp_path, monkeypatch):
    from candlelab.trainer.trainer import Trainer

    monkeypatch.setattr(Trainer, "fit", lambda *args, **kw: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tiny.trained(tmp_path)
    assert "ended by ZeroDivisionError" in (tiny.folder_of(tmp_path) / "log.txt").read_text()
