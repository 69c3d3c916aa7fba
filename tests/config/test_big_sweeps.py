"""The command line of a sweep of hundreds of jobs."""

import pytest

from candlelab import __main__ as command
from candlelab.config import ConfigError, command_line, run_folder
from candlelab.config.command_line import check_overrides

ONE_OF_EIGHTEEN = ("sweep=hf_benchmark_grid", "experiment=regular", "data=eth_months")


def test_the_values_of_a_sweep_are_composed_once_for_all(monkeypatch):
    composed = []
    real = command_line.hydra_compose
    monkeypatch.setattr(command_line, "hydra_compose", lambda *a, **k: composed.append(k) or real(*a, **k))
    jobs = check_overrides([*ONE_OF_EIGHTEEN, "data.stride=7"])  # asked for nowhere else, so nothing is remembered
    assert len(jobs) == 12 and len(composed) <= 3


def test_each_job_of_the_grid_is_a_folder_of_its_own_with_its_own_values():
    jobs = check_overrides(list(ONE_OF_EIGHTEEN))
    assert len({run_folder(job) for job in jobs}) == 12
    assert {(job.data.split.train_days, job.data.window) for job in jobs} == {
        (days, window) for days in (7, 14, 21, 28) for window in (5, 15, 30)
    }


def test_a_setting_of_what_the_config_itself_sweeps_over_is_known():
    jobs = check_overrides([*ONE_OF_EIGHTEEN[:2], "data.split.train_days=7", "data.window=5"])
    assert len(jobs) == 6 and {job.data.split.train_days for job in jobs} == {7}


def test_a_setting_that_no_job_of_the_config_has_is_still_unknown():
    with pytest.raises(ConfigError, match=r"data\.split\.fold"):
        check_overrides([*ONE_OF_EIGHTEEN, "data.split.fold=1"])


@pytest.mark.slow
def test_the_grid_of_hf_benchmark_has_216_cells():
    assert len({run_folder(job) for job in check_overrides(["sweep=hf_benchmark_grid"])}) == 216


@pytest.mark.parametrize(("words", "batch"), [((), 1), (("hydra.sweeper.max_batch_size=5",), 0)])
def test_hydra_composes_a_job_when_its_turn_comes(words, batch):
    assert len(command._batch_of_one(["sweep=quick_test", *words])) == batch
