"""What was written down before a run is held against it on every report."""

import json
import shutil

import pytest
from export_cases import finished
from test_looks import QUICK, ask

from candlelab import run as runs
from candlelab.config import build, compose, plain
from candlelab.core.errors import ConfigError
from candlelab.core.trial_ledger import append_trial
from candlelab.pipeline.scores.conduct import REGISTERED
from candlelab.pipeline.scores.looks import settings_hash
from candlelab.pipeline.scores.scoring import score_and_report
from candlelab.run import load_run

WORDS = ("task=preregister", "task.hypothesis='Shape tells the next close'", "task.measure=money")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "study" / "run-1"
    shutil.copytree(finished("series").folder, folder)
    return folder


def register(folder, *words, **other):
    """The line that task=preregister writes, for a run of this name."""
    settings = plain(compose(*QUICK, *words))["evaluate"]
    line = {"study": "study", "run": "run-1", "state": REGISTERED, "time": "2026-01-01 00:00", "measure": "money"}
    line |= {"hypothesis": "it pays", "settings": settings_hash(settings), "evaluate": settings} | other
    append_trial(folder.parents[1], line)


def score(folder) -> list[str]:
    runs.unfinish(folder)
    score_and_report(runs.Run(folder), compose(*QUICK), extra={}, data=None)
    return json.loads((folder / runs.VERDICT).read_text())["conduct"]


def test_the_command_writes_hypothesis_rule_and_config_into_the_ledger(tmp_path):
    cfg = compose(*WORDS, "model=logistic", "data=simulated", f"outputs={tmp_path}")
    entry = build(cfg, "task", cfg)
    assert entry["run"].endswith(entry["config"]) and entry["hypothesis"] == "Shape tells the next close"
    assert entry["evaluate"]["threshold"]["_target_"].endswith("Exact")


def test_an_empty_hypothesis_is_refused(tmp_path):
    cfg = compose("task=preregister", "task.hypothesis=' '", "data=simulated", f"outputs={tmp_path}")
    with pytest.raises(ConfigError, match="give a sentence"):
        build(cfg, "task", cfg)


def test_a_registration_that_was_kept_is_told_with_what_came_out(folder):
    register(folder)
    (told,) = score(folder)
    assert '"it pays", by money; kept' in told and told.endswith("it says not shown")
    assert "it pays" in (folder / runs.REPORT).read_text()


def test_other_fees_are_told(folder):
    register(folder, "evaluate.fee_bps=1")
    (told,) = score(folder)
    assert "not kept (evaluate.fee_bps is 10.0, not 1)" in told.replace("is 10,", "is 10.0,")


def test_sealing_the_test_is_no_other_rule(folder):
    register(folder, "evaluate.sealed=true")
    assert "; kept: config, fees and threshold rule" in score(folder)[0]


def test_looks_before_the_registration_are_told(folder):
    score(folder)
    register(folder)
    (told,) = score(folder)
    assert "1 looks at these rows came before it" in told


def test_a_what_if_under_other_settings_does_not_keep_it(folder):
    register(folder)
    score(folder)
    ask(load_run(folder), "evaluate.fee_bps=3")
    (path,) = folder.glob(f"{runs.SCORES}/*/{runs.VERDICT}")
    assert "not kept (evaluate.fee_bps is 3" in json.loads(path.read_text())["conduct"][0]


def test_another_run_of_a_registered_study_is_exploratory(folder):
    register(folder, run="run-2")
    assert score(folder) == ["Exploratory: this study preregistered run-2, not this run"]


def test_nothing_is_said_where_nothing_was_written_down(folder):
    assert score(folder) == []
