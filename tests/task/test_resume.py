"""A training killed at any of its checkpoints, on real data of the lab, ends with the numbers of one that was left alone."""

import csv
import multiprocessing
import os
import signal

import pytest
import tiny

from candlelab import config
from candlelab.task.train import train
from candlelab.trainer.checkpoints import Checkpoints


def train_until(outputs, killed_at: int | None) -> None:
    """Train in this process, which kill -9 ends after its n-th checkpoint."""
    save, saved = Checkpoints._save, []

    def fatal(self, *given):
        save(self, *given)
        saved.append(given)
        if len(saved) == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    Checkpoints._save = fatal
    train(config.compose(*tiny.LOGISTIC, f"outputs={outputs}"))


def rows_of(processes, outputs, *, killed_at: int | None = None):
    """Train in processes of their own, killed after the n-th checkpoint and then left alone; return the rows of metrics.csv."""
    for stop in (killed_at, None):
        process = processes.Process(target=train_until, args=(outputs, stop))
        process.start()
        process.join()
        assert process.exitcode == (0 if stop is None else -signal.SIGKILL)
    with next(outputs.glob("*/*/metrics.csv")).open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def processes():
    """A maker of processes that never ran autograd: torch cannot train in the fork of a process that did."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["candlelab.pipeline.training.fit", "candlelab.task.train"])
    return context


@pytest.mark.parametrize("moments", [(2, 4, 7), pytest.param(range(1, 9), marks=pytest.mark.slow)])
def test_killed_at_checkpoints_of_two_epochs_nothing_differs(processes, tmp_path, moments):
    whole = rows_of(processes, tmp_path / "whole")
    assert len(whole) == 3
    for moment in moments:  # two in the middle of each epoch, the best one, the one at the epoch's end
        assert rows_of(processes, tmp_path / str(moment), killed_at=moment) == whole, f"checkpoint {moment}"
