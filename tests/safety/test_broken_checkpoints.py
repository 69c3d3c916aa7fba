"""A checkpoint that a power cut broke is passed over: the one before it is taken, or training starts afresh, and it is said."""

import shutil
import zipfile

import pytest
import tiny
import torch

from candlelab import run as runs
from candlelab.config import build, compose, run_folder
from candlelab.pipeline.training.fit import learner_for, places
from candlelab.trainer.checkpoints import usable


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The config of a run that was trained, and its metrics."""
    cfg = compose(*tiny.LOGISTIC, f"outputs={tmp_path_factory.mktemp('whole')}")
    return cfg, build(cfg, "task", cfg)


@pytest.fixture
def run(whole, tmp_path):
    """The same elsewhere, to break it."""
    cfg = whole[0].copy()
    cfg.outputs = str(tmp_path)
    shutil.copytree(run_folder(whole[0]), run_folder(cfg))
    return cfg, run_folder(cfg)


def packed(path):
    """Add a record that unpacks to a hundred times the file; all others stay whole."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr(bomb.namelist()[0].split("/")[0] + "/data/999", bytes(10_000_000))


BREAKS = {
    "packed": packed,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 9),
}


@pytest.mark.parametrize("damage", BREAKS)
def test_a_broken_last_checkpoint_falls_back_to_the_one_before_it(damage, run, capsys):
    cfg, folder = run
    BREAKS[damage](folder / runs.LAST)
    capsys.readouterr()
    assert usable(places(folder), learner_for(cfg)[1]) == folder / runs.PREVIOUS
    assert f"{folder / runs.LAST} is " in (said := capsys.readouterr().out) and "the one before it is tried" in said


def test_without_a_whole_checkpoint_training_starts_afresh_and_says_so(run, capsys):
    cfg, folder = run
    for name in (runs.LAST, runs.PREVIOUS):
        (folder / name).write_bytes(b"")
    capsys.readouterr()
    assert usable(places(folder), learner_for(cfg)[1]) is None
    assert (
        f"{folder / runs.PREVIOUS} is damaged" in (said := capsys.readouterr().out) and "training starts afresh" in said
    )


@pytest.mark.parametrize(("best_epoch", "expected"), [(-1, runs.LAST), (0, None)])
def test_best_weights_are_asked_for_once_an_epoch_was_validated(best_epoch, expected, run):
    cfg, folder = run
    (folder / runs.PREVIOUS).unlink()
    (folder / runs.BEST).unlink()
    stored = torch.load(folder / runs.LAST, weights_only=True)
    stored["callbacks"]["Checkpoints"]["best_epoch"] = best_epoch
    torch.save(stored, folder / runs.LAST)
    assert usable(places(folder), learner_for(cfg)[1]) == (expected and folder / expected)


@pytest.mark.parametrize("broken", [(runs.LAST,), (runs.LAST, runs.PREVIOUS), (runs.BEST,)])
def test_a_run_with_broken_checkpoints_ends_like_one_that_was_left_alone(broken, run, whole):
    cfg, folder = run
    for name in broken:
        (folder / name).write_bytes(b"")
    (folder / runs.METRICS).unlink()
    assert build(cfg, "task", cfg)["test/log_loss"] == whole[1]["test/log_loss"]
