"""Names that others chose reach a terminal as text: nothing in them is obeyed, nothing turns the letters round."""

import pytest
from resealed_runs import Case, edit_of, resealed

from candlelab import run as runs
from candlelab.config import build, compose
from candlelab.core.errors import UserError
from candlelab.core.terminal import visible

TITLE, TURNED = "\x1b]0;mine\x07up", "\u202epu"


@pytest.mark.parametrize("letter", ["\x1b", "\x07", "\r", "\x9b", "\u202e", "\u2066", "\ufeff", "\0"])
def test_what_a_terminal_obeys_is_written_out(letter):
    assert visible(f"a{letter}b\nü…") == f"a{letter.encode('unicode_escape').decode()}b\nü…"


@pytest.mark.parametrize("name", [TITLE, TURNED, "", "x" * 10_000])
@pytest.mark.parametrize("place", ["classes", "symbols", "features"])
def test_a_run_with_such_a_name_is_refused(place, name, tmp_path):
    folder = resealed(Case("name", edit_of(runs.PREPROCESSING, (place,), [name])), tmp_path)
    with pytest.raises(UserError, match="not a name"):
        runs.load_run(folder).preprocessing  # noqa: B018


def test_a_folder_of_such_a_name_is_listed_as_text(tmp_path, capsys):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / TITLE).mkdir()
    (tmp_path / "study" / TITLE / runs.CONFIG).write_text("x: 1")
    cfg = compose("task=inventory", f"outputs={tmp_path}")
    build(cfg, "task", cfg)
    told = capsys.readouterr().out
    assert "\\x1b]0;mine\\x07up" in told and "\x1b]" not in told


def test_a_run_without_scores_has_no_dashboard(tmp_path):
    folder = resealed(Case("no scores", lambda made: (made / runs.METRICS).write_text("{}")), tmp_path)
    cfg = compose("task=dashboard", "trainer/logger=tensorboard", f"task.run={folder}")
    with pytest.raises(UserError, match="no scores to show"):
        build(cfg, "task", cfg)


def test_a_dashboard_refuses_what_a_report_refuses(tmp_path):
    folder = resealed(Case("curves", edit_of(runs.CURVES, ("confusion", "counts"), [[1]])), tmp_path)
    cfg = compose("task=dashboard", "trainer/logger=tensorboard", f"task.run={folder}")
    with pytest.raises(UserError, match="confusion"):
        build(cfg, "task", cfg)
