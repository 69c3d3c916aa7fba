"""Folder transfer in chunks: what a folder holds with its hashes, its pieces, and a receiver that believes neither names nor bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from candlelab.core.errors import UserError
from candlelab.core.files import CHUNK, crosses_link, make_folder, refused_in_words, sha256_of, sync

PIECE = 4 * CHUNK  # bytes that travel at a time
MOST = 100_000  # files of a folder


class Damaged(UserError):
    """What arrived is not what was sent."""


@dataclass(frozen=True)
class Sent:
    """A file of a folder on its way: its name with / between the parts, bytes, SHA-256 and time (ns)."""

    name: str
    size: int
    sha256: str
    mtime_ns: int


def parcel_of(folder: Path, *, without: Callable[[PurePosixPath], bool]) -> list[Sent]:
    """Return the files of a folder, sorted by name; [] where there is none. Links, and what lies behind them, stay.

    without  which of them are left out, by their names.
    """
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not Path(root, name).is_symlink())
        for path in (Path(root, name) for name in sorted(names)):
            name = PurePosixPath(path.relative_to(folder).as_posix())
            if path.is_file() and not path.is_symlink() and not without(name):
                told = path.stat()
                found.append(Sent(str(name), told.st_size, sha256_of(path), told.st_mtime_ns))
    return found


def piece_of(folder: Path, name: str, start: int) -> bytes:
    """Return at most PIECE bytes of a file of a folder from `start` on. Raises Damaged for a name that leads out of it."""
    path = _inside(folder, name)
    if crosses_link(path, folder):
        raise Damaged(f"'{name}' lies behind a link: nothing is read through it")
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(PIECE)


class Unpacking:
    """A folder that is being filled from pieces; nobody should look at it before `check` has returned.

    Raises Damaged for names that lead out of the folder, or come twice. The folder must be new: a link in it would be followed.
    """

    def __init__(self, folder: Path, parcel: Sequence[Sent]) -> None:
        if len(parcel) > MOST:
            raise Damaged(f"{len(parcel)} files came for one folder; at most {MOST} do")
        self.folder, self.parcel = folder, list(parcel)
        self._paths = {sent.name: _inside(folder, sent.name) for sent in parcel}
        if len(self._paths) < len(parcel):
            raise Damaged("a file came twice")
        self._sizes = {sent.name: sent.size for sent in parcel}
        make_folder(folder.parent)
        with refused_in_words(folder):
            folder.mkdir()
            for path in self._paths.values():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(exist_ok=False)

    def add(self, name: str, data: bytes) -> None:
        """Put a piece behind those of its file that came before. Raises Damaged for a file that was not told of, or grows too large."""
        path = self._paths.get(name)
        if path is None or path.stat().st_size + len(data) > self._sizes[name]:
            raise Damaged(f"'{name}' is not among what was to come, or longer than was told")
        with refused_in_words(path), open(path, "ab") as file:
            file.write(data)

    def check(self) -> None:
        """Flush all files to the disk with the times that they had. Raises Damaged unless each is the one that was sent."""
        for sent in self.parcel:
            path = self._paths[sent.name]
            if path.stat().st_size != sent.size or sha256_of(path) != sent.sha256:
                raise Damaged(f"'{sent.name}' did not arrive as it was sent: run the same command again")
            with refused_in_words(path):
                os.utime(path, ns=(sent.mtime_ns, sent.mtime_ns))
                sync(path)
        for folder in {path.parent for path in self._paths.values()} | {self.folder}:
            sync(folder)


def all_pieces(parcel: Sequence[Sent], read: Callable[[str, int], bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of one piece after another of all files; read(name, start) fetches one. Raises Damaged if a file ends early."""
    for sent in parcel:
        at = 0
        while at < sent.size:
            data = read(sent.name, at)[: sent.size - at]  # a log may have grown since
            if not data:
                raise Damaged(f"'{sent.name}' became shorter while it was read: run the same command again")
            yield sent.name, data
            at += len(data)


def content_of(parcel: Sequence[Sent]) -> str:
    """Return one hash of names and contents, 64 hex digits."""
    told = "\n".join(f"{sent.sha256} {sent.name}" for sent in sorted(parcel, key=lambda sent: sent.name))
    return hashlib.sha256(told.encode()).hexdigest()


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file of a folder by its name. Raises Damaged for one that leads anywhere else."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or any(sign in name for sign in "\\:\0"):
        raise Damaged(f"{name[:80]!r} is no name of a file in a folder")
    return folder.joinpath(*parts)
