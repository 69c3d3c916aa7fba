"""A ledger of trials misses no line: edits, removals, moves and cuts are seen, kills and two writers survived."""

import json
import multiprocessing
import os

import pytest

from candlelab.core import hash_chain
from candlelab.core.errors import UserError
from candlelab.core.trial_ledger import HEAD, LEDGER, LookedAt, append_trial, read_ledger

PART = {"source": "planted", "symbols": ["A"], "first": 100, "last": 200}


def written(folder, count=5):
    for k in range(count):
        append_trial(folder, {"run": f"run-{k}", **PART})
    return folder / LEDGER


def lines_of(folder):
    return (folder / LEDGER).read_bytes().splitlines(keepends=True)


def test_every_line_follows_the_one_before(tmp_path):
    written(tmp_path)
    ledger = read_ledger(tmp_path)
    assert ledger.faults == () and [entry["line"] for entry in ledger.entries] == [1, 2, 3, 4, 5]


def edited(lines):
    return [*lines[:2], lines[2].replace(b"run-2", b"run-9"), *lines[3:]]


def last_edited(lines):
    return [*lines[:-1], lines[-1].replace(b"run-4", b"run-9")]


TAMPERED = {
    "edited": edited,
    "last line edited": last_edited,
    "removed": lambda lines: lines[:2] + lines[3:],
    "first removed": lambda lines: lines[1:],
    "moved": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "cut off": lambda lines: lines[:-1],
    "all gone": lambda lines: [],
    "inserted": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "not JSON": lambda lines: [*lines[:2], b"\x00\xff\n", *lines[3:]],
    "no object": lambda lines: [*lines[:2], b"[[1]]\n", *lines[3:]],
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_changed_ledger_is_told(tmp_path, change):
    path = written(tmp_path)
    path.write_bytes(b"".join(change(lines_of(tmp_path))))
    assert read_ledger(tmp_path).faults


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_changed_ledger_is_told_after_later_lines_too(tmp_path, change):
    path = written(tmp_path)
    path.write_bytes(b"".join(change(lines_of(tmp_path))))
    written(tmp_path, 2)
    assert read_ledger(tmp_path).faults


def test_a_head_that_is_gone_is_told(tmp_path):
    written(tmp_path)
    (tmp_path / HEAD).unlink()
    assert "missing" in read_ledger(tmp_path).faults[0]


@pytest.mark.parametrize("left", range(1, 40, 6))
def test_a_writer_killed_half_way_through_a_line_leaves_no_trace(tmp_path, left):
    path = written(tmp_path)
    half = lines_of(tmp_path)[-1][:left]
    with open(path, "ab") as file:
        file.write(half)
    assert read_ledger(tmp_path).faults == () and append_trial(tmp_path, PART) == 6
    assert read_ledger(tmp_path).faults == ()


def test_a_writer_killed_before_the_head_is_survived(tmp_path, monkeypatch):
    written(tmp_path)
    monkeypatch.setattr(hash_chain.files, "write_json", lambda *_: os._exit)
    append_trial(tmp_path, PART)
    monkeypatch.undo()
    assert read_ledger(tmp_path).faults == () and append_trial(tmp_path, PART) == 7


def _writer(folder, name):
    for _ in range(20):
        append_trial(folder, {"run": name, **PART})


def test_two_writers_lose_no_line(tmp_path):
    both = [multiprocessing.get_context("fork").Process(target=_writer, args=(tmp_path, name)) for name in "ab"]
    _ = [each.start() for each in both], [each.join() for each in both]
    ledger = read_ledger(tmp_path)
    assert ledger.faults == () and len(ledger.entries) == 40


def test_looks_are_counted_by_market_symbols_and_time(tmp_path):
    written(tmp_path, 3)
    append_trial(tmp_path, PART | {"first": 201, "last": 300})
    append_trial(tmp_path, PART | {"symbols": ["B"]})
    append_trial(tmp_path, PART | {"source": "another"})
    append_trial(tmp_path, {"run": "failed before it looked"})
    assert read_ledger(tmp_path).looks(LookedAt("planted", ("A", "C"), 150, 200)) == 3


def test_a_ledger_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "other").write_text("")
    (tmp_path / LEDGER).symlink_to(tmp_path / "other")
    with pytest.raises(UserError, match="is a link"):
        append_trial(tmp_path, PART)
    assert (tmp_path / "other").read_text() == ""


def test_not_a_number_is_not_written(tmp_path):
    with pytest.raises(ValueError):
        append_trial(tmp_path, {"auroc": float("nan")})
    assert json.dumps(read_ledger(tmp_path).entries) == "[]"
