"""A training killed at any of its checkpoints, on real data of the lab, ends with the numbers of one that was left alone."""

import csv
import os
import signal

import pytest

from candlelab import config
from candlelab.task.train import train
from candlelab.trainer.checkpoints import Checkpoints

WORDS = ("model=logistic", "data=simulated", "data.source.bars=400", "data/indicators=bars", "data/scaling=none", "data.window=8",
         "trainer.progress=none", "trainer.max_epochs=2", "trainer.checkpoint_minutes=0", "evaluate.draws=2", "evaluate.null_draws=2",
         "evaluate.threshold.draws=2")


def rows_of(outputs, *, killed_at: int | None = None):
    """Train in a forked process, kill -9 it after its n-th checkpoint and train again; return the rows of metrics.csv."""
    for stop in (killed_at, None):
        pid = os.fork()
        if pid == 0:
            save, saved = Checkpoints._save, []

            def fatal(self, *given, save=save, saved=saved, stop=stop):
                save(self, *given)
                saved.append(given)
                if len(saved) == stop:
                    os.kill(os.getpid(), signal.SIGKILL)

            Checkpoints._save = fatal
            train(config.compose(*WORDS, f"outputs={outputs}"))
            os._exit(0)
        os.waitpid(pid, 0)
    with next(outputs.glob("*/*/metrics.csv")).open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_killed_at_any_checkpoint_of_two_epochs_nothing_differs(tmp_path):
    whole = rows_of(tmp_path / "whole")
    assert len(whole) == 3
    for moment in range(1, 9):  # two in the middle of each epoch, the best one, the one at the epoch's end
        assert rows_of(tmp_path / str(moment), killed_at=moment) == whole, f"checkpoint {moment}"
