"""A run shows itself in a notebook, and every figure of its report is a call."""

import shutil

import pytest
import tiny

from candlelab import load_run
from candlelab.config import build, compose, run_folder
from candlelab.core.errors import UserError
from candlelab.pipeline.scores.explorer import write_explorer
from candlelab.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    cfg = compose(*tiny.LOGISTIC, f"outputs={tmp_path_factory.mktemp('shown')}")
    build(cfg, "task", cfg)
    return load_run(run_folder(cfg))


def test_a_run_shows_its_verdict_in_a_notebook(run):
    assert "Information beyond chance?" in run._repr_html_() and run.folder.name in run._repr_html_()


@pytest.mark.parametrize(
    "name", ["accuracy", "versus", "confusion", "calibration", "threshold_curve", "equity", "drawdown"]
)
def test_every_figure_of_the_report_is_a_call(run, name):
    figure = getattr(run, name)()
    assert "<svg" in figure.document() and "data:image/svg+xml" in figure._repr_html_()


def test_the_figures_are_those_of_the_report(run):
    report = (run.folder / "report.html").read_text()
    assert all(f"<strong>{title}" in report or title in report for title in run.figures())


def test_a_figure_that_is_not_there_says_which_are(run):
    with pytest.raises(UserError, match="there is no figure 'Months of rain' here: this score has Accuracy"):
        run.figure("Months of rain")


def test_a_figure_is_saved_as_a_file_of_its_own(run, tmp_path):
    import xml.etree.ElementTree as tree

    assert tree.parse(run.calibration().save(tmp_path / "c.svg")).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_forecast_run_ends_with_a_page_to_look_at_it(run):
    page = (run.folder / "explore.html").read_text()
    assert run.folder.name in page and "script-src 'sha256-" in page.replace("&#39;", "'")


def test_the_page_of_a_run_is_written_again_as_it_was(run, capsys):
    before = (run.folder / "explore.html").read_bytes()
    cfg = compose("task=explore", f"task.run={run.folder}")
    build(cfg, "task", cfg)
    assert f"page {run.folder / 'explore.html'}" in capsys.readouterr().out
    assert (run.folder / "explore.html").read_bytes() == before


def test_bars_that_have_changed_make_no_page(run):
    other = run.data.having(fingerprint="0" * 16)
    with pytest.raises(UserError, match="would show other prices than the net saw"):
        write_explorer(run, other)


def test_a_recogniser_has_no_page_of_positions(run):
    recogniser = Run(run.folder)
    recogniser.__dict__["preprocessing"] = run.preprocessing | {"kind": "recognition"}
    with pytest.raises(UserError, match="recognises what is drawn"):
        write_explorer(recogniser, run.data)


def test_a_study_of_one_run_has_its_page(run):
    cfg = compose("task=explore", f"study={run.folder.parent.name}", f"outputs={run.folder.parents[1]}")
    build(cfg, "task", cfg)
    text = (run.folder.parent / "explore.html").read_text()
    assert run.folder.name in text and '"markets":[[{"name":"SIM"' in text


@pytest.mark.parametrize("name", ["trades.csv", "metrics.json"])
def test_a_damaged_run_is_left_out_of_the_page_of_its_study(run, tmp_path, name):
    study = tmp_path / "study"
    shutil.copytree(run.folder, study / "sound"), shutil.copytree(run.folder, study / "hurt")
    (study / "hurt" / name).write_text("hurt")
    cfg = compose("task=explore", "study=study", f"outputs={tmp_path}")
    build(cfg, "task", cfg)
    text = (study / "explore.html").read_text()
    assert "hurt is damaged and left out" in text and name in text and '"name":"hurt"' not in text


def test_runs_of_several_studies_are_not_one_page(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "other" / run.folder.name)
    cfg = compose("task=explore", f"task.run=[{run.folder},{tmp_path / 'other' / run.folder.name}]")
    with pytest.raises(UserError, match="choose runs of one"):
        build(cfg, "task", cfg)


def test_a_study_without_runs_says_what_to_give(tmp_path):
    cfg = compose("task=explore", "study=none", f"outputs={tmp_path}")
    with pytest.raises(UserError, match=r"give task\.run=FOLDER"):
        build(cfg, "task", cfg)
