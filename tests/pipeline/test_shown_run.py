"""A run shows itself in a notebook, and every figure of its report is a call."""

import pytest
import tiny

from candlelab import load_run
from candlelab.config import build, compose, run_folder
from candlelab.core.errors import UserError


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
