"""A passport holds for the run it was written for; one changed digit, or one forged result, and `verify` names it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from export_cases import finished
from safetensors.numpy import load_file, save_file
from test_looks import QUICK, ask

from candlelab import __main__ as command
from candlelab import run as runs
from candlelab.config import compose
from candlelab.core.errors import UserError
from candlelab.core.trial_ledger import HEAD, LEDGER
from candlelab.export.cards import model_card
from candlelab.pipeline.audits.verification import verify_score
from candlelab.pipeline.scores.passport import read_passport, sealed
from candlelab.pipeline.scores.scoring import score_and_report
from candlelab.run import load_run
from candlelab.task.publish import model_parcel

EDITS = 3  # digits of each text file
DIGIT = re.compile(rb"\d")


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> Path:
    """An outputs folder with a run that was scored once."""
    folder = tmp_path_factory.mktemp("outputs") / "study" / "run-1"
    shutil.copytree(finished("series").folder, folder)
    (folder / runs.EPOCHS).write_text("epoch,step,train/loss,val/loss\n0,7,0.70,0.69\n1,14,0.68,0.69\n")
    runs.unfinish(folder)
    score_and_report(runs.Run(folder), compose(*QUICK), extra={"fit/seconds": 12.5}, data=None)
    return folder


@pytest.fixture
def run(scored, tmp_path) -> Path:
    """A copy of it, ledger included, to be changed."""
    shutil.copytree(scored.parents[1], tmp_path / "outputs")
    return tmp_path / "outputs" / "study" / "run-1"


def said(folder) -> str:
    """Everything that verification objects to."""
    try:
        return "; ".join(fault for check in verify_score(str(folder)) for fault in check.faults)
    except UserError as error:
        return str(error)


def text_edits(path: Path):
    """The file with one digit raised by one, at places spread over it."""
    content = path.read_bytes()
    places = [match.start() for match in DIGIT.finditer(content)]
    for place in {places[k] for k in np.linspace(0, len(places) - 1, EDITS).astype(int)} if places else ():
        digit = b"%d" % ((int(content[place : place + 1]) + 1) % 10)
        yield content[:place] + digit + content[place + 1 :]


def edited_weight(path: Path) -> bytes:
    weights = load_file(path)
    first = max(weights, key=lambda name: weights[name].size)
    weights[first] = weights[first] + np.float32(1e-4)
    save_file(weights, path.with_suffix(".edit"))
    return path.with_suffix(".edit").read_bytes()


def edited_prediction(path: Path) -> bytes:
    table = pd.read_parquet(path)
    table.loc[len(table) // 2, "p_0"] += 1e-6
    table.to_parquet(path.with_suffix(".edit"), index=False)
    return path.with_suffix(".edit").read_bytes()


def every_edit(folder: Path):
    """(file, its content with one digit changed) for everything a verdict rests on."""
    for path in (folder.parents[1] / LEDGER, folder.parents[1] / HEAD, *sorted(folder.iterdir())):
        if path.suffix in (".json", ".jsonl", ".yaml", ".csv", ".html"):
            yield from ((path, content) for content in text_edits(path))
    yield folder / runs.WEIGHTS, edited_weight(folder / runs.WEIGHTS)
    yield folder / runs.PREDICTIONS, edited_prediction(folder / runs.PREDICTIONS)


def test_a_run_that_nobody_touched_holds(run):
    checks = {check.name: check for check in verify_score(str(run))}
    assert said(run) == "" and {"files", "origin", "bars", "predictions", "verdict", "ledger"} == set(checks)
    assert not any(check.unchecked for check in checks.values())


def test_one_changed_digit_fails_with_the_name_of_its_file(run):
    tried, missed = 0, []
    for path, content in list(every_edit(run)):
        whole = path.read_bytes()
        path.write_bytes(content)
        name = "ledger" if path.name in (LEDGER, HEAD) else path.name
        missed += [] if name in said(run) else [path.name]
        tried += 1
        path.write_bytes(whole)
    assert tried >= 40 and not missed


def reseal(folder: Path, *names: str) -> None:
    """Make manifest and passport agree with changed files, as a forger on the same account would."""
    with runs.rewriting(folder, *names):
        pass
    path = folder / runs.PASSPORT
    body = read_passport(path)["passport"]
    body["files"] |= {name: runs.Manifest.of(folder, [name]).files[name]["sha256"] for name in names}
    path.write_text(sealed(body))


@pytest.mark.parametrize("name", (runs.METRICS, runs.VERDICT, runs.THRESHOLD, runs.CURVES))
def test_a_forged_number_under_new_seals_comes_out_otherwise(run, name):
    text = (run / name).read_text()
    place = re.search(r"0\.\d{3}(\d)", text).start(1)
    (run / name).write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
    reseal(run, name)
    assert f"{name}: " in said(run)


def test_predictions_that_the_weights_do_not_make_are_named(run):
    table = pd.read_parquet(run / runs.PREDICTIONS)
    probabilities = [name for name in table if name.startswith("p_")]
    table[probabilities] = table[probabilities].to_numpy()[:, ::-1]
    table.to_parquet(run / runs.PREDICTIONS, index=False)
    runs.unfinish(run)
    score_and_report(runs.Run(run), compose(*QUICK), extra={}, data=None)
    assert "are not what the weights say" in said(run)


def test_a_verdict_that_only_the_passport_tells_is_named(run):
    body = read_passport(run / runs.PASSPORT)["passport"]
    body["verdict"]["information"]["value"] += 0.001
    (run / runs.PASSPORT).write_text(sealed(body))
    assert "passport.json: verdict.information.value" in said(run)


def test_the_passport_of_another_account_is_not_taken_for_ones_own(run):
    text = (run / runs.PASSPORT).read_text()
    (run / runs.PASSPORT).write_text(re.sub(r'"mark": ".*"', f'"mark": "{"0" * 64}"', text))
    assert "was not sealed by the account that trained the run" in said(run)


@pytest.mark.parametrize("name", ("rows", "code", "files", "ledger", "format"))
def test_a_passport_without_its_parts_is_no_passport(run, name):
    body = read_passport(run / runs.PASSPORT)["passport"]
    (run / runs.PASSPORT).write_text(sealed({key: value for key, value in body.items() if key != name}))
    assert runs.PASSPORT in said(run)


def test_a_ledger_that_lost_its_lines_is_named(run):
    (run.parents[1] / LEDGER).write_bytes(b"")
    assert "ledger of trials" in said(run)


def test_a_what_if_score_has_a_passport_of_its_own(run):
    ask(load_run(run), "evaluate.fee_bps=3")
    (score,) = (run / runs.SCORES).glob("*/")
    assert said(score) == "" and said(run) == ""
    (score / runs.TRADES).write_text("symbol\n7\n")
    assert runs.TRADES in said(score)


def test_a_page_written_again_keeps_the_passport_whole(run):
    ask(load_run(run))
    assert said(run) == "" and said(run / runs.PREDICTIONS) == ""


def test_a_run_without_passport_gets_one_from_its_report(run):
    (run / runs.PASSPORT).unlink()
    assert f"task=report task.run={run} writes one" in said(run)
    ask(load_run(run))
    assert said(run) == ""


def test_a_model_card_embeds_the_passport(run):
    made = load_run(run)
    passport = (run / runs.PASSPORT).read_text()
    text = model_card(made, repo="me/net", exports=[], command="python -m candlelab", passport=passport)
    (run / "README.md").write_text(text)
    assert said(run / "README.md") == ""
    (run / "README.md").write_text(re.sub(r'("fingerprint": ")(.)', r"\1x", text, count=1))
    assert "README.md embeds another passport" in said(run / "README.md")


def test_a_published_run_holds_in_the_hands_of_a_stranger(run, tmp_path):
    there = tmp_path / "there"
    for name, path in model_parcel(load_run(run), tmp_path / "parcel", "me/net").files.items():
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, there / name)
    assert said(there / "README.md") == ""
    (there / runs.METRICS).write_text((there / runs.METRICS).read_text().replace("3", "4", 1))
    assert runs.METRICS in said(there)


def test_the_short_verb_is_the_task(run, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["candlelab", "verify", str(run)])
    command.main()
    assert "holds: what could be computed again is what it says" in capsys.readouterr().out


def test_a_run_that_does_not_hold_ends_with_the_code_of_a_mistake(run, monkeypatch, capsys):
    (run / runs.TRADES).write_text("symbol\n7\n")
    monkeypatch.setattr("sys.argv", ["candlelab", "verify", str(run)])
    with pytest.raises(SystemExit) as ending:
        command.main()
    assert ending.value.code == 2 and runs.TRADES in capsys.readouterr().err
