"""Every score on test rows is a line in the ledger of trials, and studies, reports and the registry count from it."""

import re
import shutil

import pytest
from export_cases import finished

from candlelab import run as runs
from candlelab.config import build, compose
from candlelab.core.trial_ledger import LEDGER, SEARCHED, append_trial, read_ledger
from candlelab.pipeline.scores.looks import looks_at, years_asked
from candlelab.pipeline.scores.scoring import score_and_report
from candlelab.pipeline.studies.study import row_of
from candlelab.run import load_run

QUICK = (
    "evaluate.n_bootstrap=2",
    "evaluate.n_permutations=2",
    "evaluate/threshold=fixed",
    "evaluate.threshold.value=0.5",
)


@pytest.fixture
def run(tmp_path):
    """A run that was scored once, in an outputs folder of its own."""
    folder = tmp_path / "study" / "run-1"
    shutil.copytree(finished("series").folder, folder)
    runs.unfinish(folder)
    score_and_report(runs.Run(folder), compose(*QUICK), extra={}, data=None)
    return load_run(folder)


def ask(run, *words):
    cfg = compose(*QUICK, "task=report", f"task.run={run.folder}", *words)
    return build(cfg, "task", cfg)


def looks_on_page(page):
    return int(re.search(r"looks at these test rows\D*?(\d+)", re.sub("<[^>]+>", " ", page.read_text())).group(1))


def test_the_own_score_is_the_first_look(run, tmp_path):
    (line,) = read_ledger(tmp_path).entries
    assert (line["study"], line["run"], line["state"]) == ("study", "run-1", "scored")
    assert (
        line["data"] == run.preprocessing["data_hash"] and line["metrics"]["accuracy"] == run.metrics["test/accuracy"]
    )


def test_each_fee_tried_is_a_look_and_a_page_again_is_none(run, tmp_path):
    for fee in (1, 2, 1):
        ask(run, f"evaluate.fee_bps={fee}")
    ask(run)
    assert looks_at(run) == (4, ()) == (len(read_ledger(tmp_path).entries), ())
    assert looks_on_page(run.folder / runs.REPORT) == 4


def test_more_looks_ask_for_a_longer_record(run, capsys):
    for fee in (1, 2):
        ask(run, f"evaluate.fee_bps={fee}")
    assert years_asked(3) == "0.73 years" and "less than 0.73 years of bars" in capsys.readouterr().out
    ask(run)
    assert "0.73 years, for a Sharpe ratio of 1" in (run.folder / runs.REPORT).read_text()


def test_looks_stay_when_their_run_is_deleted(run, tmp_path):
    copy = shutil.copytree(run.folder, tmp_path / "study" / "run-2")
    runs.unfinish(copy)
    score_and_report(runs.Run(copy), compose(*QUICK), extra={}, data=None)
    shutil.rmtree(copy)
    assert looks_at(run)[0] == 2 and row_of(run.folder)["looks"] == 2


def test_a_failed_run_of_the_study_is_a_trial(run, tmp_path):
    runs.note_failure(tmp_path / "study" / "run-3", ValueError("no"), "")
    runs.note_failure(tmp_path / "other" / "run-4", ValueError("no"), "")
    assert looks_at(run)[0] == 2


def test_a_changed_ledger_is_said_on_every_later_report(run, tmp_path, capsys):
    (tmp_path / LEDGER).write_bytes(b"")
    ask(run, "evaluate.fee_bps=1")
    ask(run)
    assert "ledger of trials" in (run.folder / runs.REPORT).read_text()
    assert "Suspicion: line 1 of the ledger of trials does not follow" in capsys.readouterr().out


def test_the_registry_lists_the_trials_of_each_study(run, tmp_path):
    ask(run, "evaluate.fee_bps=1")
    cfg = compose("task=inventory", "task.what=trials", f"outputs={tmp_path}")
    (row,) = build(cfg, "task", cfg)["trials"]
    assert (row["study"], row["scorings"], row["runs"], row["failed"]) == ("study", 2, 1, 0)


def test_a_run_from_elsewhere_leaves_no_ledger_behind(run, tmp_path):
    (run.folder / runs.ORIGIN).unlink()
    (tmp_path / LEDGER).unlink()
    ask(load_run(run.folder), "evaluate.fee_bps=3")
    assert not (tmp_path / LEDGER).exists() and looks_at(load_run(run.folder)) == (0, ())


def test_other_trials_of_a_search_are_counted_though_they_saw_no_test_row(run, tmp_path):
    for trial, name in enumerate(("run-1", "run-2", "run-2", "run-3")):
        append_trial(tmp_path, {"study": "study", "run": name, "state": SEARCHED, "trial": trial})
    assert looks_at(run) == (3, ())
