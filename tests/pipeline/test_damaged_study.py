"""A damaged run is a row of its study, and the others are compared all the same."""

import shutil

import pandas as pd
import pytest
import tiny

from candlelab.config import build, compose


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two finished runs, one of them with a broken metrics.json."""
    outputs = tmp_path_factory.mktemp("outputs")
    folder = tiny.trained(outputs)
    copy = shutil.copytree(folder, folder.with_name("simulated-fusion_small-00000000"))
    (copy / "metrics.json").write_text("{")
    cfg = compose(*tiny.TINY, "task=report", f"outputs={outputs}")
    build(cfg, "task", cfg)
    return folder.parent


def test_a_damaged_run_is_a_row_with_its_reason(study):
    board = pd.read_csv(study / "leaderboard.csv")
    damaged = board[board.State == "unreadable"]
    assert len(damaged) == 1 and "metrics.json" in damaged.Reason.item()


def test_the_other_runs_are_compared_all_the_same(study):
    assert "finished" in set(pd.read_csv(study / "leaderboard.csv").State) and (study / "report.html").exists()
