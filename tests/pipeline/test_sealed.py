"""Nothing of a sealed run depends on what comes after the first test sample; opening it is counted, and changes the words."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import tiny

from candlelab import run as runs
from candlelab.config import build, compose, run_folder
from candlelab.core.columns import OHLCV
from candlelab.core.errors import UserError
from candlelab.core.trial_ledger import read_ledger
from candlelab.data import tape as tapes
from candlelab.data.sealing import without_future
from candlelab.data.split.parts import TEST
from candlelab.pipeline.inputs import shared
from candlelab.pipeline.inputs.assemble import assemble
from candlelab.pipeline.studies.study import row_of
from candlelab.task.report import report_study
from candlelab.task.unseal import unseal_run

SEALED = (*tiny.LOGISTIC, "evaluate.sealed=true", "evaluate.positive_control=off")
KINDS = {
    "numbers": SEALED,
    "charts and captions": (*tiny.TINY, "trainer.max_epochs=1", "evaluate.sealed=true"),
}


@pytest.fixture
def other_future(monkeypatch):
    """A switch: from then on every bar from the first test sample on is another one."""
    fetched = tapes.fetch_tape

    def after(first):
        def fetch_tape(*words, **more):
            tape = fetched(*words, **more)
            late, stretch = tape.time >= first, np.exp(np.random.default_rng(3).normal(0, 0.1, len(tape)))
            columns = {name: np.where(late, stretch * getattr(tape, name), getattr(tape, name)) for name in OHLCV}
            return replace(tape, **columns)

        shared._prepared.clear()
        monkeypatch.setattr(tapes, "fetch_tape", fetch_tape)

    yield after
    shared._prepared.clear()


def first_test(data) -> int:
    made = data.prepared
    return int(made.candles.time[made.ends[made.part == TEST]].min())


def trained(outputs, *words):
    cfg = compose(*words, f"outputs={outputs}")
    build(cfg, "task", cfg)
    return run_folder(cfg)


def said(folder) -> list[str]:
    return json.loads((folder / runs.VERDICT).read_text())["conduct"]


@pytest.mark.parametrize("kind", ("numbers", pytest.param("charts and captions", marks=pytest.mark.slow)))
def test_what_a_sealed_run_is_made_of_holds_nothing_of_the_future(kind, other_future, tmp_path):
    cfg = compose(*KINDS[kind], f"outputs={tmp_path}")
    one = assemble(cfg).data
    other_future(first_test(one))
    two = assemble(cfg).data
    assert one.fingerprint != two.fingerprint
    for made, again in ((one.prepared, two.prepared), (one.tape, two.tape), (one.prepared.labels, two.prepared.labels)):
        for field in fields(made):
            values = getattr(made, field.name)
            if isinstance(values, np.ndarray):
                np.testing.assert_array_equal(values, getattr(again, field.name), err_msg=field.name)
    assert not len(one.samples("test")) and len(one.traded("test"))


@pytest.mark.parametrize("kind", ("numbers", pytest.param("charts and captions", marks=pytest.mark.slow)))
def test_a_sealed_run_is_the_same_whatever_the_test_labels_are(kind, other_future, tmp_path):
    one = trained(tmp_path / "one", *KINDS[kind])
    other_future(first_test(assemble(compose(*KINDS[kind], f"outputs={tmp_path}")).data))
    two = trained(tmp_path / "two", *KINDS[kind])
    for name in (runs.WEIGHTS, runs.PREDICTIONS, runs.CONFIG):
        same = (one / name).read_bytes() == (two / name).read_bytes()
        assert same or name == runs.CONFIG  # which names its own outputs folder
    told, again = (json.loads((folder / runs.SEALED).read_text()) for folder in (one, two))
    assert told["validation"] == again["validation"] and told["threshold"] == again["threshold"]
    assert json.loads((one / runs.PREPROCESSING).read_text()) != json.loads((two / runs.PREPROCESSING).read_text())


def test_an_unsealed_run_scores_as_one_that_was_never_sealed(tmp_path):
    folder = trained(tmp_path / "sealed", *SEALED)
    assert runs.state(folder) == "sealed"
    opened = unseal_run(None, run=str(folder))
    never = trained(tmp_path / "never", *SEALED, "evaluate.sealed=false")
    plain = runs.load_run(never).metrics
    assert {k: v for k, v in opened.items() if k.startswith("test/")} == {
        k: v for k, v in plain.items() if k.startswith("test/")
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A sealed run that was opened once."""
    folder = trained(tmp_path_factory.mktemp("outputs"), *SEALED)
    unseal_run(None, run=str(folder))
    return folder


def test_the_first_unsealing_is_said_to_be_one_look(run):
    states = [entry["state"] for entry in read_ledger(run.parents[1]).entries]
    assert states[:2] == ["sealed", "unsealed"] and runs.load_run(run).metrics
    assert "these rows were then read once" in (run / runs.REPORT).read_text()


def test_every_later_unsealing_changes_the_words(run):
    told = []
    for _ in range(2):
        unseal_run(None, run=str(run))
        told += said(run)
    assert [word in sentence for word, sentence in zip(("look 2", "look 3"), told, strict=True)] == [True, True]


@pytest.mark.slow
def test_rows_that_another_run_had_seen_are_no_sealed_test(tmp_path):
    trained(tmp_path, *SEALED, "evaluate.sealed=false", "seed=1")
    folder = trained(tmp_path, *SEALED)
    unseal_run(None, run=str(folder))
    assert said(folder) == [
        "Not a sealed test: these rows had been looked at 1 times before, 0 of them unsealings of other runs"
    ]


def test_what_was_fixed_cannot_be_changed_before_the_seal_is_opened(tmp_path):
    folder = trained(tmp_path, *SEALED)
    (folder / runs.PREPROCESSING).write_text((folder / runs.PREPROCESSING).read_text() + "\n")
    with pytest.raises(UserError, match=f"{runs.PREPROCESSING} .* changed after the run was sealed"):
        unseal_run(None, run=str(folder))


def test_a_seal_of_ones_own_making_is_refused(tmp_path):
    folder = trained(tmp_path, *SEALED)
    told = json.loads((folder / runs.SEALED).read_text())
    runs.write_json(folder / runs.SEALED, told | {"threshold": 0.9})
    with pytest.raises(UserError, match="not the seal that the ledger of trials names"):
        unseal_run(None, run=str(folder))


def test_a_sealed_run_is_no_failure_and_waits(tmp_path, capsys):
    folder = trained(tmp_path, *SEALED)
    trained(tmp_path, *SEALED, "evaluate.sealed=false")
    assert "is sealed: nothing to do" in capsys.readouterr().out and not (folder / runs.METRICS).exists()
    assert row_of(folder)["reason"] == f"sealed; task=unseal task.run={folder} scores it"


def test_a_study_of_sealed_runs_has_nothing_to_compare_yet(tmp_path, capsys):
    trained(tmp_path, *SEALED)
    report_study(compose(*SEALED, f"outputs={tmp_path}"))
    assert "1 runs, all sealed" in capsys.readouterr().out


def test_a_test_part_in_front_of_the_training_cannot_be_sealed():
    made = assemble(compose(*tiny.LOGISTIC)).data.prepared
    with pytest.raises(UserError, match="must lie behind training and validation"):
        without_future(replace(made, part=made.part[::-1]))
