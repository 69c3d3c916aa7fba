"""Data that were prepared on another machine: a job there needs neither the files that they come from nor the same folders."""

import numpy as np
import pytest
import tiny

from candlelab.config import ConfigError, compose
from candlelab.launch.one_job import data_here, take_data
from candlelab.pipeline.inputs import shared
from candlelab.pipeline.training.check import check_job


@pytest.fixture
def carried(tmp_path):
    """A job on a file of bars whose data were prepared with the file, which is gone now."""
    path = tmp_path / "bars.csv"
    times = np.datetime64("2024-01-01") + np.arange(300) * np.timedelta64(1, "h")
    rows = [f"{time},{k + 1},{k + 3},{k + 1},{k + 2},5" for k, time in enumerate(times)]
    path.write_text("\n".join(["open_time,open,high,low,close,volume", *rows]))
    words = [word for word in tiny.LOGISTIC if not word.startswith("data.source") and word != "data=simulated"]
    job = compose(*words, "data=own", f"data.source.path={path}", "data.interval=1h", f"outputs={tmp_path / 'here'}")
    made = data_here(job)
    path.unlink()
    shared._prepared.clear()
    yield job, made
    shared._prepared.clear()


def test_a_job_on_a_machine_without_the_file_says_so(carried):
    with pytest.raises(ConfigError, match=r"no csv, .* file at"):
        check_job(carried[0].copy())


def test_a_job_that_was_given_its_bars_needs_no_file(carried, tmp_path):
    job, made = carried
    job.outputs, job.data.scratch = str(tmp_path / "there"), str(tmp_path / "there" / "cache")
    take_data(job, *made)
    check_job(job)
