"""Atomic file writes that survive a power cut, and hashes of files."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from candlelab.core.errors import UserError

CHUNK = 1 << 20


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what was written there takes its place, or nothing changes.

    The file is flushed to the disk before it is renamed and the folder after, so that a power cut leaves the old file or the
    whole new one. A symbolic link at `path` is replaced, never followed. Raises OSError if the disk is full or read-only.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(path, text.encode("utf-8"))


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk; folders cannot be flushed on every system."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except IsADirectoryError:
        return
    except PermissionError:
        if path.is_dir():
            return
        raise
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def crosses_link(path: Path, root: Path) -> bool:
    """Return whether a symbolic link lies on the way from a folder of ours to a path below it, or the path is not below it."""
    try:
        parts = path.absolute().relative_to(root.absolute()).parts
    except ValueError:
        return True
    places = [root.joinpath(*parts[:k + 1]) for k in range(len(parts))]
    return ".." in parts or any(place.is_symlink() for place in places)


def below(root: Path, *parts: str) -> Path:
    """Return a path below a folder, its own folder made; raises UserError if a symbolic link would lead the write elsewhere.

    A link at the file's own name is no harm: an atomic write replaces it.
    """
    path = root.joinpath(*parts)
    if crosses_link(path.parent, root) and path.parent != root:
        raise UserError(f"'{path.parent}' leads out of '{root}' by a symbolic link: nothing is written through it; remove the link")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
