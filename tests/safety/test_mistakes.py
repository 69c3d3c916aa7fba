"""No mistake at the command line ends in a traceback, in a run folder, or in anything but exit code 2 and a sentence."""

import contextlib
import io
import random
import shutil
import sys

import pytest
from user_mistakes import mistakes

from candlelab import __main__ as door
from candlelab.pipeline.training import fit

CORPUS = list(dict.fromkeys(mistakes()))
FEW = 100


def answer(words):
    """Return exit code and what was said when the command runs in this process."""
    said = io.StringIO()
    door.failures.clear()
    door.plans.clear()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        patch.setattr(sys, "argv", ["candlelab", *words])
        try:
            door.main()
        except SystemExit as end:
            return end.code, said.getvalue()
    return 0, said.getvalue()


def wrong_answers(commands, outputs):
    """Return each command that was not refused in a sentence, with what it said."""
    found = []
    for words in commands:
        code, said = answer(words)
        left = sorted(outputs.rglob("config.yaml"))
        if code != 2 or "Traceback" in said or "candlelab: " not in said or left:
            found.append(f"{' '.join(words)[:200]}: code {code}, {len(left)} folders: {said[-300:]}")
        for path in left:
            shutil.rmtree(path.parent)
    return found


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fit, "fit_and_score", taken_for_right)
    return tmp_path


def taken_for_right(*parts):
    raise AssertionError("this mistake would have been trained")


def test_the_corpus_holds_three_hundred_mistakes():
    print(f"{len(CORPUS)} mistakes")
    assert len(CORPUS) >= 300


def test_a_hundred_mistakes_are_a_sentence_each(here):
    assert wrong_answers(random.Random(1).sample(CORPUS, FEW), here) == []


@pytest.mark.slow
def test_every_mistake_is_a_sentence(here):
    wrong = wrong_answers(CORPUS, here)
    print(f"{len(CORPUS)} mistakes, {len(wrong)} answered wrongly")
    assert wrong == []
