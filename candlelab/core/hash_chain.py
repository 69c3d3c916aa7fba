"""Append-only log of JSON lines, tamper-evident by a hash chain.

Each line holds its number and the SHA-256 of the line before it (Haber & Stornetta 1991), so that an edited, removed, inserted
or reordered line breaks the chain; a second file holds the number and the hash of the last line, so that lines cut off at the
end are missed. It proves damage, not honesty: whoever rewrites both files leaves no trace.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from candlelab.core import files
from candlelab.core.errors import UserError
from candlelab.core.reading import Unreadable, json_of

FIRST = "0" * 64  # what the first line says of the line before it
LONGEST = 1 << 20  # bytes of a line
PATIENCE = 60.0  # seconds that a writer waits for another

Entry = dict[str, Any]


@dataclass(frozen=True)
class ChainLines:
    """The lines that are there, in order, and in words what is wrong with them; () if nothing is."""

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class HashChain:
    """A log in a file that ends in .jsonl; its head lies beside it as .head.json. `noun` names it in messages."""

    path: Path
    noun: str

    @property
    def head_path(self) -> Path:
        """Where the number and the hash of the last line are kept."""
        return self.path.with_suffix(".head.json")

    def append(self, entry: Mapping[str, Any]) -> int:
        """Append one line and return its number, from 1; flushed to the disk when it returns.

        A line that a killed writer left half-written is removed first: nobody was told of it. Several processes may append.
        Raises CannotWrite if the disk refuses, UserError if another process holds the log for a minute.
        """
        with self._alone():
            return int(self._write([entry])[-1]["line"])

    def append_unless(
        self, entries: Sequence[Mapping[str, Any]], told: Callable[[Mapping[str, Any], Sequence[Entry]], bool]
    ) -> list[Entry]:
        """Append those entries of which `told(entry, lines that are there)` is False; return them as they were written.

        Looked at and written under one lock: of two writers with the same entry one writes it.
        """
        with self._alone():
            there = self.read().entries
            fresh = [entry for entry in entries if not told(entry, there)]
            return self._write(fresh) if fresh else []

    def head(self) -> dict[str, Any] | None:
        """Return the number and the hash of the last line; None where there is none."""
        lines = self._whole_lines()
        return {"line": _number(lines[-1]), "hash": _hash(lines[-1])} if lines else None

    def holds(self, head: Mapping[str, Any]) -> bool:
        """Return whether the log still holds the line that was once its last."""
        return any(
            _hash(line) == head.get("hash") and _number(line) == head.get("line") for line in self._whole_lines()
        )

    def read(self) -> ChainLines:
        """Return all lines, with everything that shows that they were changed; empty where there is no file."""
        whole = self._whole_lines()
        entries, faults = [_entry(line) for line in whole], []
        before, number, hashes = FIRST, 0, {0: FIRST}
        for line, entry in zip(whole, entries, strict=True):
            if entry is None:
                faults.append(f"line {number + 1} of the {self.noun} cannot be read")
            elif entry.get("before") != before or entry.get("line") != number + 1:
                faults.append(f"line {number + 1} of the {self.noun} does not follow: one was edited, removed or moved")
            before, number = _hash(line), _number(line) or number + 1
            hashes[number] = before
        kept = tuple(entry for entry in entries if entry is not None)
        return ChainLines(kept, (*faults[:3], *self._cut_off(number, hashes)))

    def copy(self) -> dict[str, bytes]:
        """Return the log and its head as they belong together, file name -> bytes; {} where there is no log."""
        with self._alone():
            return {path.name: path.read_bytes() for path in (self.path, self.head_path) if path.is_file()}

    def _write(self, entries: Sequence[Mapping[str, Any]]) -> list[Entry]:
        """Write whole lines, flush them, and only then move the head: a kill in between leaves it behind, never ahead."""
        number, before = self._end(_last_line(self.path, self._known))
        written, lines = [], []
        for entry in entries:
            number += 1
            told = {"line": number, **entry, "before": before}
            line = json.dumps(told, sort_keys=False, allow_nan=False, default=str).encode()
            before = _hash(line)
            written.append(told)
            lines.append(line + b"\n")
        if self.path.is_symlink():
            raise UserError(f"'{self.path}' is a link: the {self.noun} is a file of its own; remove the link")
        with open(self.path, "ab") as file:
            file.write(b"".join(lines))
            file.flush()
            os.fsync(file.fileno())
        files.sync(self.path.parent)
        files.write_json(self.head_path, {"line": number, "hash": before})
        return written

    def _whole_lines(self) -> list[bytes]:
        """The lines; what stands behind the last line break was never finished, unless the head knows it. Raises Unreadable."""
        try:
            *whole, rest = self.path.read_bytes().split(b"\n") if self.path.is_file() else [b""]
        except OSError as error:
            raise Unreadable(self.path, os.strerror(error.errno or 0)) from error
        return [*whole, rest] if _hash(rest) == self._known else whole

    def _end(self, last: bytes | None) -> tuple[int, str]:
        """Number and hash of the last line, or of one that is gone but known, so that the break stays to be seen."""
        head = self._written_head() or {"line": 0, "hash": FIRST}
        number = 0 if last is None else _number(last)
        return (number, _hash(last)) if last is not None and number > head["line"] else (head["line"], head["hash"])

    @property
    def _known(self) -> str:
        """Hash of the last line, as the head has it: a whole line, though an editor may have taken its line break."""
        return str((self._written_head() or {"hash": FIRST})["hash"])

    def _written_head(self) -> dict[str, Any] | None:
        try:
            form = {"line": range(1 << 40), "hash": str}
            return json_of(self.head_path, form) if self.head_path.is_file() else None
        except Unreadable:
            return None

    def _cut_off(self, number: int, hashes: Mapping[int, str]) -> list[str]:
        """Lines that were there once and are gone, or another last line than was written."""
        head = self._written_head()
        if head is None:
            name = self.head_path.name
            return [f"'{name}' beside the {self.noun} is missing or damaged: lines may be gone"] if number else []
        if head["line"] > number:
            return [f"{head['line'] - number} of {head['line']} lines of the {self.noun} are gone"]
        if hashes.get(head["line"]) != head["hash"]:  # a writer that was killed leaves the head behind
            return [f"line {head['line']} of the {self.noun} is not the one that was written"]
        return []

    @contextmanager
    def _alone(self) -> Iterator[None]:
        folder = self.path.parent
        files.make_folder(folder)
        lock = FileLock(folder / f".{self.path.name}.lock", timeout=PATIENCE)
        try:
            with files.refused_in_words(self.path), lock:
                yield
        except Timeout:
            raise UserError(
                f"another process holds the {self.noun} in '{folder}' for a minute: stop it, and repeat the command"
            ) from None


def _last_line(path: Path, known: str) -> bytes | None:
    """The last whole line, None if there is none; what is not whole is cut off, a line of the known hash gets its line break."""
    if not path.exists():
        return None
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2 * LONGEST))
        tail = file.read()
        whole = tail.rfind(b"\n") + 1
        if _hash(tail[whole:]) == known:
            file.write(b"\n")
            return tail[whole:]
        if whole < len(tail):
            file.truncate(size - len(tail) + whole)
    lines = tail[:whole].split(b"\n")[:-1]
    return lines[-1] if lines else None


def _number(line: bytes) -> int:
    number = (_entry(line) or {}).get("line")
    return number if type(number) is int else 0


def _entry(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
