"""A damaged run gives the same answer, or one sentence: never a traceback, and never another answer without a word."""

import shutil

import pytest
from mutation_cases import answers, damage, pristine

from candlelab import run as runs
from candlelab.core.errors import UserError

FAST, ALL = range(100), range(1000)
COMMANDS = ("load", "report"), ("load", "predict")  # of the fast tests, in turn


@pytest.fixture(scope="module")
def whole():
    return answers(pristine())


def assert_answer_or_sentence(seed, whole, tmp_path, capsys, *commands: str) -> None:
    folder = tmp_path / pristine().name
    shutil.copytree(pristine(), folder, copy_function=shutil.copy2)
    told = damage(folder, seed)
    capsys.readouterr()
    found = answers(folder, *commands)
    believed = "believed as they are" in capsys.readouterr().err
    for name, said in found.items():
        if isinstance(said, UserError):
            assert "\n" not in str(said).strip() or "problems:" in str(said), f"{told}: {said}"
        else:
            assert believed or said.replace(str(folder), str(pristine())) == whole[name], (
                f"{told}: {name} says something else without a word"
            )
    shutil.rmtree(folder)


def test_the_whole_run_answers(whole):
    assert not [said for said in whole.values() if isinstance(said, UserError)]


def test_a_hundred_damages_give_the_answer_or_a_sentence(whole, tmp_path, capsys):
    for seed in FAST:
        assert_answer_or_sentence(seed, whole, tmp_path, capsys, *COMMANDS[seed % 2])


@pytest.mark.slow
@pytest.mark.parametrize("seed", ALL)
def test_a_damage_gives_the_answer_or_a_sentence(seed, whole, tmp_path, capsys):
    assert_answer_or_sentence(seed, whole, tmp_path, capsys)


@pytest.mark.parametrize("name", [runs.WEIGHTS, runs.PREDICTIONS, runs.THRESHOLD, runs.METRICS])
def test_the_sentence_names_the_file_and_the_cure(name, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(pristine(), folder)
    (folder / name).write_bytes(b"")
    refused = [str(said) for said in answers(folder).values() if isinstance(said, UserError)]
    assert refused and all(name in said and "resume=never" in said for said in refused)


def test_a_run_without_a_manifest_is_said_to_be_believed(tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(pristine(), folder)
    (folder / runs.MANIFEST).unlink()
    runs.load_run(folder)
    assert "has no manifest.json" in capsys.readouterr().err
