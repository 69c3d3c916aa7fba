"""A study repeated on worlds without an edge: its own jobs, resumable, with a p-value on its page."""

import pytest
import tiny

from candlelab import run as runs
from candlelab.config import ConfigError, build, compose
from candlelab.core.trial_ledger import read_ledger
from candlelab.pipeline.studies.null_worlds import jobs_of, mirrored_job, world_folder
from candlelab.task import train as training

WORDS = (*tiny.LOGISTIC, "trainer.max_epochs=1", "study=lucky", "evaluate.positive_control=off")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """A study of one run and its two worlds."""
    place = tmp_path_factory.mktemp("outputs")
    for words in (WORDS, ("task=null_worlds", "task.worlds=2", "study=lucky")):
        cfg = compose(*words, f"outputs={place}")
        build(cfg, "task", cfg)
    return place


@pytest.mark.slow
def test_the_page_says_where_the_best_lies(outputs):
    page = (outputs / "lucky" / "report.html").read_text(encoding="utf-8")
    assert "How lucky?" in page and "of 2 worlds without an edge" in page


@pytest.mark.slow
def test_a_second_call_trains_nothing(outputs, monkeypatch):
    monkeypatch.setattr(training, "train", None)
    cfg = compose("task=null_worlds", "task.worlds=2", "study=lucky", f"outputs={outputs}")
    assert [each["worlds"] for each in build(cfg, "task", cfg)] == [2, 2]


@pytest.mark.slow
def test_a_world_has_the_jobs_of_the_study_on_other_bars(outputs):
    (own,), (world,) = (runs.runs_in(outputs / "lucky"), runs.runs_in(world_folder(outputs / "lucky", 0)))
    first, other = runs.Run(own), runs.Run(world)
    assert first.recipe.model == other.recipe.model and first.recipe.data.split == other.recipe.data.split
    assert first.preprocessing["data_hash"] != other.preprocessing["data_hash"]


@pytest.mark.slow
def test_worlds_are_no_looks_at_the_real_rows(outputs):
    assert {entry["study"] for entry in read_ledger(outputs).entries} == {"lucky"}


@pytest.mark.slow
def test_a_world_job_has_its_own_number_and_no_control(outputs):
    (job,) = jobs_of(outputs / "lucky")
    made = mirrored_job(job, world_folder(outputs / "lucky", 7), 7)
    assert (made.data.source.world, made.study, made.evaluate.positive_control) == (7, "world-007", "off")


def test_a_study_without_a_forecast_is_refused(tmp_path):
    cfg = compose("task=null_worlds", "study=nothing", f"outputs={tmp_path}")
    with pytest.raises(ConfigError, match="no finished forecast run"):
        build(cfg, "task", cfg)
