"""A yaml of one's own that is broken is named in a sentence before Hydra reads it; none grows without end."""

import os

import pytest
from test_mistakes import answer

from candlelab.config.search_path import CHOSEN, refuse_unreadable
from candlelab.core.errors import UserError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
BROKEN = {
    "a name twice": (b"window: 8\nwindow: 9\n", "duplicate key window"),
    "a bracket too few": (b"window: [8\n", "line 2"),
    "deep": (b"a: " + b"[" * 5000, "nested|nesting"),
    "deeper than a config": (b"a: " + b"[" * 50 + b"]" * 50, "nested deeper than 20"),
    "a bomb": (BOMB.encode(), "more than 20,000 entries"),
    "a tag": (b"a: !!python/object/apply:os.getcwd []\n", "tag"),
    "Latin-1": (b"# caf\xe9\nwindow: 8\n", "UTF-8"),
    "a zero byte": (b"win\0dow: 8\n", "no valid YAML"),
    "a list": (b"- 8\n", "key: value"),
    "a number": (b"8\n", "no valid YAML"),
    "numbers as names": (b"1: 8\n", "key: value"),
    "megabytes": (b"a: '" + b"x" * 300_000 + b"'\n", "more than the 200,000"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_yaml_of_ones_own_is_named(name, tmp_path):
    path, (content, told) = tmp_path / "me.yaml", BROKEN[name]
    path.write_bytes(content)
    with pytest.raises(UserError, match=told) as refused:
        refuse_unreadable(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_aliases_and_interpolations_are_ones_own_affair(tmp_path):
    path = tmp_path / "me.yaml"
    path.write_text("a: &a [1, 2]\nb: *a\nc: ${oc.env:HOME}\n")
    assert refuse_unreadable(path) is None


@pytest.fixture
def chosen(tmp_path, monkeypatch):
    """A folder for --config-dir, forgotten afterwards."""
    monkeypatch.setenv(CHOSEN, str(tmp_path))
    yield tmp_path
    os.environ.pop(CHOSEN, None)


@pytest.mark.parametrize("word", ["data=me", "--cfg=job", "--help"])
def test_a_pipe_in_the_folder_of_ones_own_stops_no_command(chosen, word):
    (chosen / "data").mkdir()
    os.mkfifo(chosen / "data" / "me.yaml")
    code, said = answer([f"--config-dir={chosen}", word])
    assert code == 2 and "me.yaml" in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("group", "text", "told"),
    [
        ("task", "n: 1\n", "task: expected a component"),
        ("model", "# @package _global_\nx: 1\n", "model: missing"),
        ("data", "defaults: [me]\n", "back to itself"),
    ],
)
def test_an_option_of_ones_own_that_makes_no_run_is_told(chosen, group, text, told):
    (chosen / group).mkdir()
    (chosen / group / "me.yaml").write_text(text)
    code, said = answer([f"--config-dir={chosen}", f"{group}=me"])
    assert code == 2 and told in said and "Traceback" not in said
