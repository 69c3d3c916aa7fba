"""The package that docs/extending.md builds by hand, written to a disk as the page has it, keeps every contract and trains."""

import re
import sys

import extension_cases
import pytest
import tiny

from candlelab import load_run
from candlelab.config import ConfigError, build, compose, run_folder
from candlelab.pipeline.conformance import checks

NAME = "hand_lab"
PAGE = (tiny.ROOT / "docs" / "extending.md").read_text()
FILES = dict(re.findall(r"^```\w+ title=\"(\S+)\"\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
WORDS = ("data=simulated", "data/source=walk", "data/label=calm", "render=area", "model=perceptron")
QUICK = tuple(word for word in extension_cases.QUICK if not word.startswith("evaluate.threshold"))
OPTIONS = ("data/source", "data/label", "render", "model", "model/loss")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder on the path, as an installer leaves it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("by_hand")
        for path, text in FILES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        patch.syspath_prepend(str(folder))
        patch.setenv("CANDLELAB_EXTENSIONS", NAME)
        yield folder


@pytest.mark.parametrize("option", OPTIONS)
def test_every_component_of_the_page_keeps_its_contract(place, option):
    next(check for check in checks(NAME) if check.group == option)()


def test_the_package_of_the_page_trains(place, tmp_path):
    cfg = compose(*WORDS, *QUICK, f"outputs={tmp_path}")
    build(cfg, "task", cfg)
    assert load_run(run_folder(cfg)).environment["extensions"][NAME]["source"]


@pytest.mark.parametrize("word", WORDS[1:])
def test_without_the_declaration_no_option_of_the_page_exists(place, monkeypatch, word):
    monkeypatch.delenv("CANDLELAB_EXTENSIONS")
    monkeypatch.setattr("sys.path", [entry for entry in sys.path if entry != str(place)])
    with pytest.raises(ConfigError, match=word.partition("=")[2]):
        compose("data=simulated", word)
