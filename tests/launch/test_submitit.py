"""Slurm's launcher in its local mode: the jobs of a sweep in processes that submitit starts."""

import importlib.util

import pandas as pd
import pytest
import tiny


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("submitit"), reason="hydra-submitit-launcher is not installed")
def test_submitit_runs_the_jobs_of_a_sweep_and_the_study_is_reported(tmp_path):
    words = (*tiny.LOGISTIC, "seed=0,1", f"outputs={tmp_path}", "hydra/launcher=submitit_local")
    done = tiny.command("-m", *words, seconds=600)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "default" / "leaderboard.csv").State.tolist().count("finished") >= 2
