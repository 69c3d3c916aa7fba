"""A run whose manifest was written anew after an edit says a sentence or gives an answer, and never believes a contradiction."""

import shutil

import pytest
from mutation_cases import answers
from resealed_runs import corpus, resealed

from candlelab.core.errors import UserError

CASES = {f"{k}-{case.name[:60]}": case for k, case in enumerate(corpus())}
QUICK = [name for k, name in enumerate(CASES) if CASES[name].refused and k % 3 == 0]


def assert_refused_or_answered(case, tmp_path, *commands) -> None:
    folder = resealed(case, tmp_path)
    found = answers(folder, *commands)
    refused = [said for said in found.values() if isinstance(said, UserError)]
    assert refused or not case.refused, f"{case.name} is believed"
    assert not [said for said in refused if "\n" in str(said).strip() and "problems:" not in str(said)]
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", QUICK)
def test_a_resealed_lie_is_refused_in_a_sentence(name, tmp_path):
    assert_refused_or_answered(CASES[name], tmp_path, "load", "report", "predict")


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_resealed_edit_gives_an_answer_or_a_sentence(name, tmp_path):
    assert_refused_or_answered(CASES[name], tmp_path)


def test_the_corpus_of_resealed_runs_is_large_enough():
    print(f"{len(CASES)} resealed edits, {sum(case.refused for case in CASES.values())} of them must be refused")
    assert len(CASES) >= 300
