"""Pruning of a run: which epoch ends it, and that it is only put off."""

import csv

import pytest
import tiny

from candlelab import run as runs
from candlelab.config import build, compose, run_folder
from candlelab.core.epochs import pruned_at, running_means


def test_a_running_mean_takes_half_of_the_newest_score():
    assert running_means([4.0, 2.0, 2.0]) == [4.0, 3.0, 2.5]


@pytest.mark.parametrize(
    ("bounds", "epoch"), [([], None), ([None, None, 2.6], None), ([None, 2.9], 1), ([None, None, 2.4, 9.0], 2)]
)
def test_the_first_epoch_whose_best_mean_is_above_its_bound_prunes(bounds, epoch):
    assert pruned_at([4.0, 2.0, 2.0], bounds) == epoch


def test_a_pruned_run_has_no_result_and_the_same_command_without_bounds_completes_it(tmp_path):
    plain = compose(*tiny.LOGISTIC, f"outputs={tmp_path}")
    pruned = compose(*tiny.LOGISTIC, f"outputs={tmp_path}", "trainer.stop_above=[0.0]")
    folder = run_folder(plain)
    assert run_folder(pruned) == folder and build(pruned, "task", pruned) == {}
    assert runs.state(folder) == "interrupted" and len(epochs(folder)) == 1
    build(plain, "task", plain)
    assert runs.state(folder) == "finished" and len(epochs(folder)) == 2


def epochs(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))
