"""Writes are atomic, and none leaves its folder by a symbolic link."""

import pytest

from candlelab.core import files
from candlelab.core.errors import UserError


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(OSError), files.atomic(tmp_path / "a") as temporary:
        temporary.write_text("half")
        raise OSError("disk full")
    assert [p.name for p in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_text() == "old"


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "a").symlink_to(tmp_path / "victim")
    files.write_text(tmp_path / "a", "new")
    assert (tmp_path / "victim").read_text() == "mine" and not (tmp_path / "a").is_symlink()


def test_a_linked_folder_below_the_root_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="symbolic link"):
        files.path_below(tmp_path / "run", "figures", "charts.npz")
