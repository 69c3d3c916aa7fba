"""A walk-forward sweep ends with one verdict per model, over all its folds and seeds."""

import json
import shutil

import pandas as pd
import pytest
import tiny
from hostile_tables import own_file

from candlelab import run as runs
from candlelab.config import build, compose
from candlelab.core.trial_ledger import read_ledger
from candlelab.pipeline.studies.records import study_models, study_verdicts
from candlelab.pipeline.studies.study import readable_rows_of, write_study

WORDS = (
    *tiny.LOGISTIC,
    "data/split=walk_forward",
    "data.split.folds=2",
    "study=walk",
    "trainer.max_epochs=1",
    "evaluate.positive_control=off",
)
JOBS = [(fold, seed) for seed in (0, 1) for fold in (0, 1)]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two folds x two seeds of logistic regression."""
    outputs = tmp_path_factory.mktemp("outputs")
    for fold, seed in JOBS:
        cfg = compose(*WORDS, f"outputs={outputs}", f"data.split.fold={fold}", f"seed={seed}")
        build(cfg, "task", cfg)
    return outputs / "walk"


def verdicts_of(folder):
    rows = [row for path in runs.runs_in(folder) for row in readable_rows_of(path)]
    return study_verdicts(folder, study_models(rows))


def test_folds_and_seeds_make_one_verdict(study):
    (found,) = verdicts_of(study)
    assert (found.tried.words(), len(found.records)) == ("2 folds x 2 seeds", 2)


def test_the_record_has_the_test_rows_of_every_fold(study):
    (found,) = verdicts_of(study)
    rows = sum(len(runs.Run(path).test) for path in runs.runs_in(study)) // 2
    assert found.means["test/n"] == rows


def test_the_study_page_and_the_terminal_begin_with_the_verdict(study, capsys):
    page = write_study(study, None).read_text(encoding="utf-8")
    said = capsys.readouterr().out
    assert page.index("2 folds x 2 seeds") < page.index("Leaderboard") and said.index("2 folds x 2 seeds") < said.index(
        "report "
    )


def test_a_joined_record_is_scored_and_noted_once(study):
    write_study(study, None)
    before = len(read_ledger(study.parent).entries)
    write_study(study, None)
    entries = read_ledger(study.parent).entries
    assert len(entries) == before and sum(entry.get("folds") == 2 for entry in entries) == 2


def test_a_seed_without_all_folds_is_left_out_and_said(study, tmp_path):
    copy = tmp_path / "outputs" / "walk"
    shutil.copytree(study, copy)
    gone = next(
        p for p in runs.runs_in(copy) if (runs.Run(p).recipe.seed, runs.Run(p).recipe.data.split.fold) == (1, 1)
    )
    shutil.rmtree(gone)
    (found,) = verdicts_of(copy)
    assert found.tried.words() == "2 folds x 1 seed (seed 1 left out: not all folds are there)"


def test_one_seed_more_leaves_the_records_of_the_others_as_they_were(study, tmp_path):
    one = tmp_path / "outputs" / "walk"
    shutil.copytree(study, one)
    for path in runs.runs_in(one):
        if runs.Run(path).recipe.seed == 1:
            shutil.rmtree(path)
    (few,), (more,) = verdicts_of(one), verdicts_of(study)
    assert more.records[0] == few.records[0] and more.means["test/n"] == few.means["test/n"]


def test_verdicts_are_written_for_programs(study):
    write_study(study, None)
    (told,) = json.loads((study / "verdicts.json").read_text())
    assert told["tried"]["folds"] == 2 and told["verdict"]["information"]["answer"] in ("yes", "no", "not shown")


def test_the_leaderboard_still_has_a_row_for_every_run(study):
    write_study(study, None)
    assert len(pd.read_csv(study / "leaderboard.csv")) >= 4


def test_a_study_of_bars_of_ones_own_takes_the_interval_from_the_file(tmp_path):
    own = own_file(tmp_path / "MYUSDT.csv", 600)
    words = [word for word in WORDS if not word.startswith(("data=", "data.source"))]
    for seed in (0, 1):
        cfg = compose(
            *words, f"outputs={tmp_path}", "data=own", f"data.source.path={own}", "data.window=8", f"seed={seed}"
        )
        build(cfg, "task", cfg)
    rows = [row for path in runs.runs_in(tmp_path / "walk") for row in readable_rows_of(path)]
    assert {row["interval"] for row in rows} == {"4h"}
    assert write_study(tmp_path / "walk", None).is_file()
