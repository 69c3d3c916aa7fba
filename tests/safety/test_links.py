"""Nothing follows a symbolic link out of the outputs folder."""

import pytest

from candlelab import load_run
from candlelab.config import compose
from candlelab.core.errors import UserError
from candlelab.task.clean import clean


def finished_run(folder):
    (folder / "checkpoints").mkdir(parents=True)
    for name in ("config.yaml", "metrics.json", "checkpoints/last.ckpt"):
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize("link", ["study", "study/run", "study/run/checkpoints", "study/run/checkpoints/last.ckpt"])
def test_clean_removes_nothing_through_a_link(tmp_path, link):
    outputs, victim = tmp_path / "outputs", finished_run(tmp_path / "elsewhere" / "study" / "run")
    place = outputs / link
    place.parent.mkdir(parents=True)
    for name in ("config.yaml", "metrics.json"):
        if link.startswith("study/run/"):
            (outputs / "study" / "run" / name).write_text("{}")
    place.symlink_to(tmp_path / "elsewhere" / link)
    assert clean(compose("task=clean", f"outputs={outputs}"), confirm=True, days=0, keep=None) == []
    assert (victim / "checkpoints" / "last.ckpt").exists()


def test_a_run_with_a_linked_folder_is_refused(tmp_path):
    run = finished_run(tmp_path / "run")
    (run / "figures").symlink_to(tmp_path)
    with pytest.raises(UserError, match="symbolic link"):
        load_run(run)


def test_a_run_with_a_link_to_itself_is_refused(tmp_path):
    run = finished_run(tmp_path / "run")
    (run / "verdict.json").symlink_to("verdict.json")
    with pytest.raises(UserError, match="leads back to itself"):
        load_run(run)
