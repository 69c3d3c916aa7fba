"""A finished run under other fees and rules: its own score stays, and nothing acts on a threshold that has moved."""

import hashlib
import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from export_cases import finished

from candlelab import __main__ as command
from candlelab import run as runs
from candlelab.config import build, compose
from candlelab.core.errors import UserError
from candlelab.export.rule import rule_of
from candlelab.pipeline.overrides import laid_over
from candlelab.run import load_run

HOUR = 3_600_000
QUICK = (
    "evaluate.n_bootstrap=20",
    "evaluate.n_permutations=20",
    "evaluate/threshold=fixed",
    "evaluate.threshold.value=0.5",
)
FEES = {
    0: 1.01**4,
    5: (1.01 - 0.0005) ** 2 * 1.01**2,
    50: (1.01 - 0.005) ** 2 * 1.01**2,
}  # bp -> growth: in on the first bar, out on the last


def four_wins() -> pd.DataFrame:
    """A net that is always sure of up, in four hours of validation and four of test, each of which gains one percent."""
    n = np.arange(8)
    part = np.where(n < 4, "validation", "test")
    return pd.DataFrame(
        {
            "model": "net",
            "symbol": "A",
            "time": n * HOUR,
            "split": part,
            "label": 2,
            "forward_return": 0.01,
            "bar_return": 0.01,
            "sigma": 0.01,
            "segment": 0,
            "p_0": 0.1,
            "p_1": 0.1,
            "p_2": 0.8,
            "forecast": np.nan,
        }
    )


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of those answers, scored once at ten basis points; no fit wrote them, so nobody asks whether they are a fit's."""
    monkeypatch.setattr("candlelab.task.report.check_predictions", lambda found: None)
    from candlelab.pipeline.scores.scoring import score_and_report

    folder = tmp_path / "study" / "run-1"
    shutil.copytree(finished("series").folder, folder)
    four_wins().to_parquet(folder / runs.PREDICTIONS)
    runs.unfinish(folder)
    score_and_report(runs.Run(folder), compose(*QUICK), extra={}, data=None)
    return load_run(folder)


def hashes(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and runs.SCORES not in path.relative_to(folder).parts)
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def ask(run, *words):
    cfg = compose(*QUICK, f"task.run={run.folder}", *words)
    return build(cfg, "task", cfg)


def test_another_fee_is_scored_beside_the_run_and_never_in_its_place(run):
    before = hashes(run.folder)
    assert ask(run, "task=report", "evaluate.fee_bps=5")["test/return_net_pct"] == pytest.approx(100 * (FEES[5] - 1))
    assert hashes(run.folder) == before
    made = next((run.folder / runs.SCORES).iterdir())
    assert {path.name for path in made.iterdir()} >= {
        "evaluate.json",
        "metrics.json",
        "threshold.json",
        "verdict.json",
        "report.html",
    }


def test_its_own_settings_score_nothing_and_write_the_same_page(run):
    before = hashes(run.folder)
    ask(run, "task=report")
    assert hashes(run.folder) == before and not (run.folder / runs.SCORES).exists()


def test_a_sweep_of_fees_is_one_table(run, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["candlelab", "-m", "task=report", f"task.run={run.folder}", "evaluate.fee_bps=0,5,50"]
    )
    command.main()
    table = pd.read_csv(run.folder / runs.SCORES / "scores.csv")
    assert table.fee_bps.tolist() == [0, 5, 10, 50] and table.own.tolist() == [False, False, True, False]
    assert np.allclose(table.return_pct[[0, 1, 3]], [100 * (growth - 1) for growth in FEES.values()])
    assert {"sharpe", "trades", "threshold", "verdict"} <= set(table) and table.trades.tolist() == [1, 1, 1, 1]
    assert "fee_bps" in capsys.readouterr().out and "What if" in (run.folder / runs.SCORES / "scores.html").read_text()


def test_a_command_changes_only_what_it_names():
    own, asked = (
        {"fee_bps": 10, "slippage_bps": 2, "threshold": {"min_trades": 7}},
        {"fee_bps": 5, "slippage_bps": 0, "threshold": {"grid": 1}},
    )
    assert laid_over(own, asked, ["evaluate.fee_bps", "task.run"], "evaluate") == own | {"fee_bps": 5}
    assert laid_over(own, asked, ["evaluate/threshold"], "evaluate") == own | {"threshold": {"grid": 1}}
    assert laid_over(own, asked, ["evaluate"], "evaluate") == asked


def test_every_part_of_a_score_carries_the_hash_of_its_threshold(run):
    rule = rule_of(run)
    assert json.loads((run.folder / runs.THRESHOLD).read_text())["hash"] == rule.hash
    assert json.loads((run.folder / runs.VERDICT).read_text())["threshold_hash"] == rule.hash


@pytest.mark.parametrize("task", ["predict", "export"])
def test_a_threshold_that_moved_is_refused(run, task):
    ask(run, "task=report", "evaluate.threshold.value=0.75")
    moved = next((run.folder / runs.SCORES).glob("*/threshold.json"))
    shutil.copy(moved, run.folder / runs.THRESHOLD)
    (run.folder / runs.MANIFEST).unlink()  # it would have said so first
    with pytest.raises(UserError, match="not the one that this run was scored with"):
        ask(run, f"task={task}")


def test_a_run_whose_threshold_moved_is_not_published(run):
    chosen = json.loads((run.folder / runs.THRESHOLD).read_text())
    runs.write_json(run.folder / runs.THRESHOLD, chosen | {"threshold": 0.9})
    (run.folder / runs.MANIFEST).unlink()
    with pytest.raises(UserError, match="not the one that this run was scored with"):
        ask(run, "task=publish", "task.what=model")
