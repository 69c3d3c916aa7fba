"""Manifest of a folder: SHA-256, size and time of its files, sealed with a checksum of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from candlelab.core.files import sha256_of, write_text
from candlelab.core.reading import CURE, Unreadable, json_of

FORMAT = 1
SMALL = 8 << 20  # bytes up to which a file is hashed at every reading; a larger one only where its time has moved
FORM = {
    "manifest": {
        "format": int,
        "files": {...: {"sha256": str, "bytes": range(1 << 62), "mtime_ns": (None, int)}},
        "rewriting": [str],
    },
    "seal": str,
}


@dataclass(frozen=True)
class Manifest:
    """What a folder consists of.

    files      name -> {sha256, bytes, mtime_ns (None: not known)}.
    rewriting  names that somebody is replacing, or was when the machine stopped.
    """

    files: dict[str, dict[str, Any]]
    rewriting: list[str] = field(default_factory=list)
    format: int = FORMAT

    @classmethod
    def of(cls, folder: Path, names: Iterable[str]) -> Manifest:
        """Return the manifest of the files among `names` that are there."""
        return cls({name: entry_of(folder / name) for name in names if (folder / name).is_file()})

    @classmethod
    def read(cls, path: Path, *, cure: str = CURE) -> Manifest:
        """Return a stored manifest. Raises Unreadable if it is damaged, or does not match its own seal."""
        stored = json_of(path, FORM, cure=cure)
        body = stored["manifest"]
        if stored["seal"] != _seal(body):
            raise Unreadable(path, "is damaged (it does not match its own checksum)", cure)
        if body["format"] != FORMAT:
            raise Unreadable(path, f"has the format {body['format']}, this candlelab reads {FORMAT}", cure)
        return cls(body["files"], body["rewriting"])

    def write(self, path: Path) -> None:
        """Store the manifest atomically."""
        write_text(path, json.dumps({"manifest": asdict(self), "seal": _seal(asdict(self))}, indent=1) + "\n")

    def with_content(self, name: str, data: bytes) -> Manifest:
        """Return the manifest with a file that is about to be written."""
        entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "mtime_ns": None}
        return Manifest(self.files | {name: entry}, self.rewriting)

    def without(self, names: Iterable[str]) -> Manifest:
        """Return the manifest with files on their way to be replaced."""
        names = list(names)
        return Manifest(
            {name: entry for name, entry in self.files.items() if name not in names}, sorted({*self.rewriting, *names})
        )

    def replaced(self, folder: Path, names: Iterable[str]) -> Manifest:
        """Return the manifest with files as they are now."""
        names = list(names)
        return Manifest(
            self.files | Manifest.of(folder, names).files, [name for name in self.rewriting if name not in names]
        )

    def check(self, folder: Path, name: str, *, cure: str = CURE) -> None:
        """Raise Unreadable unless a file is the one that was written: by size and time, by hash where it is small or has moved."""
        path, told = folder / name, self.files.get(name)
        if name in self.rewriting:
            raise Unreadable(path, "was being replaced when the program stopped", cure)
        if told is None:
            raise Unreadable(path, "is not named by the manifest beside it", cure)
        try:
            found = path.stat()
            if not path.is_file():
                raise Unreadable(path, "is no file", cure)
            moved = found.st_mtime_ns != told["mtime_ns"] or found.st_size <= SMALL
            same = found.st_size == told["bytes"] and (not moved or sha256_of(path) == told["sha256"])
        except FileNotFoundError:
            raise Unreadable(path, "is missing", cure) from None
        except OSError as error:
            raise Unreadable(path, f"cannot be read ({error.strerror})", cure) from None
        if not same:
            raise Unreadable(path, "is not the file that was written (its size or checksum differs)", cure)


def entry_of(path: Path) -> dict[str, Any]:
    """Return what a manifest says of a file."""
    found = path.stat()
    return {"sha256": sha256_of(path), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def _seal(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
