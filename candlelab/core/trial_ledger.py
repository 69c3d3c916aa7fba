"""Ledger of trials: an append-only log of every look at test rows, tamper-evident by a hash chain.

Each line is JSON and holds its number and the SHA-256 of the line before it (Haber & Stornetta 1991), so that an edited,
removed, inserted or reordered line breaks the chain; a second file holds the number and the hash of the last line, so that
lines cut off at the end are missed. It proves damage, not honesty: whoever rewrites both files leaves no trace.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from candlelab.core import files
from candlelab.core.errors import UserError
from candlelab.core.reading import Unreadable, json_of

LEDGER, HEAD = "ledger.jsonl", "ledger.head.json"
FIRST = "0" * 64  # what the first line says of the line before it
LONGEST = 1 << 20  # bytes of a line
PATIENCE = 60.0  # seconds that a writer waits for another


@dataclass(frozen=True)
class LookedAt:
    """The rows that were looked at: their source, symbols, and the times of the first and the last, ms UTC.

    source  a name of the market that is equal for equal bars; symbols of two sources are never the same.
    """

    source: str
    symbols: tuple[str, ...]
    first: int
    last: int

    def overlaps(self, entry: Mapping[str, Any]) -> bool:
        """Return whether a line of the ledger looked at some of these rows."""
        symbols, first, last = (entry.get(name) for name in ("symbols", "first", "last"))
        if (
            entry.get("source") != self.source
            or not isinstance(symbols, list)
            or type(first) is not int
            or type(last) is not int
        ):
            return False
        return first <= self.last and last >= self.first and any(symbol in self.symbols for symbol in symbols)


@dataclass(frozen=True)
class Ledger:
    """The lines that are there, in order, and in words what is wrong with them; () if nothing is."""

    entries: tuple[dict[str, Any], ...]
    faults: tuple[str, ...]

    def looks(self, part: LookedAt) -> int:
        """Return how many scorings looked at some of these test rows, repeated ones too."""
        return sum(part.overlaps(entry) for entry in self.entries)


def append_trial(outputs: Path, entry: Mapping[str, Any]) -> int:
    """Append one line to outputs/ledger.jsonl and return its number, from 1; flushed to the disk when it returns.

    A line that a killed writer left half-written is removed first: nobody was told of it. Several processes may append.
    Raises CannotWrite if the disk refuses, UserError if another process holds the ledger for a minute.
    """
    path = outputs / LEDGER
    with _alone(outputs), files.refused_in_words(path):
        number, before = _end_of(outputs, _last_line(path))
        told = {"line": number + 1, **entry, "before": before}
        line = json.dumps(told, sort_keys=False, allow_nan=False, default=str).encode()
        if path.is_symlink():
            raise UserError(f"'{path}' is a link: the ledger is a file of its own; remove the link")
        with open(path, "ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        files.sync(outputs)
    files.write_json(outputs / HEAD, {"line": number + 1, "hash": _hash(line)})
    return number + 1


def head_of(outputs: Path) -> dict[str, Any] | None:
    """Return the number and the hash of the ledger's last line; None without a ledger."""
    lines = _whole_lines(outputs)
    return {"line": _number(lines[-1]), "hash": _hash(lines[-1])} if lines else None


def still_holds(outputs: Path, head: Mapping[str, Any]) -> bool:
    """Return whether the ledger still holds the line that was once its last."""
    return any(_hash(line) == head.get("hash") and _number(line) == head.get("line") for line in _whole_lines(outputs))


def _whole_lines(outputs: Path) -> list[bytes]:
    """The lines of the ledger; what stands behind the last line break was never finished. Raises Unreadable."""
    path = outputs / LEDGER
    try:
        return path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    except OSError as error:
        raise Unreadable(path, os.strerror(error.errno or 0)) from error


def _end_of(outputs: Path, last: bytes | None) -> tuple[int, str]:
    """Number and hash of the line to follow: the last one, or one that is gone but known, so that the break stays to be seen."""
    head = _head(outputs) or {"line": 0, "hash": FIRST}
    number = 0 if last is None else _number(last)
    return (number, _hash(last)) if last is not None and number > head["line"] else (head["line"], head["hash"])


def _head(outputs: Path) -> dict[str, Any] | None:
    try:
        return json_of(outputs / HEAD, {"line": range(1 << 40), "hash": str}) if (outputs / HEAD).is_file() else None
    except Unreadable:
        return None


def read_ledger(outputs: Path) -> Ledger:
    """Return the ledger of an outputs folder, with everything that shows that it was changed; empty where there is none."""
    whole = _whole_lines(outputs)
    entries, faults = [_entry(line) for line in whole], []
    before, number = FIRST, 0
    for line, entry in zip(whole, entries, strict=True):
        if entry is None:
            faults.append(f"line {number + 1} of the ledger of trials cannot be read")
        elif entry.get("before") != before or entry.get("line") != number + 1:
            faults.append(
                f"line {number + 1} of the ledger of trials does not follow: one was edited, removed or moved"
            )
        before, number = _hash(line), _number(line) or number + 1
    kept = tuple(entry for entry in entries if entry is not None)
    return Ledger(kept, (*faults[:3], *_cut_off(outputs, number, before)))


def _cut_off(outputs: Path, number: int, last: str) -> list[str]:
    """Lines that were there once and are gone, or another last line than was written."""
    head = _head(outputs)
    if head is None:
        return [f"'{HEAD}' beside the ledger of trials is missing or damaged: lines may be gone"] if number else []
    if head["line"] > number:
        return [f"{head['line'] - number} of {head['line']} lines of the ledger of trials are gone"]
    if head["line"] == number and head["hash"] != last:
        return [f"line {number} of the ledger of trials is not the one that was written"]
    return []  # a writer that was killed between the two files leaves the head one line behind


@contextmanager
def _alone(outputs: Path) -> Iterator[None]:
    files.make_folder(outputs)
    try:
        with files.refused_in_words(outputs / LEDGER), FileLock(outputs / f".{LEDGER}.lock", timeout=PATIENCE):
            yield
    except Timeout:
        raise UserError(
            f"another process holds the ledger of '{outputs}' for a minute: stop it, and repeat the command"
        ) from None


def _last_line(path: Path) -> bytes | None:
    """The last whole line, None if there is none; what is not whole is cut off."""
    if not path.exists():
        return None
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2 * LONGEST))
        tail = file.read()
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            file.truncate(size - len(tail) + whole)
    lines = tail[:whole].split(b"\n")[:-1]
    return lines[-1] if lines else None


def _number(line: bytes) -> int:
    number = (_entry(line) or {}).get("line")
    return number if type(number) is int else 0


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
