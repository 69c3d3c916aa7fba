"""Atomic file writes that survive a power cut, and hashes of files."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from candlelab.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np


CHUNK = 1 << 20
DASHBOARD = "wandb"  # where W&B's client keeps its own files and links to its logs
REFUSALS = frozenset(
    (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.EIO,
        errno.ENAMETOOLONG,
        errno.EFBIG,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ELOOP,
    )
)
NO_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # what file systems say that cannot flush a folder


class CannotWrite(UserError):
    """The disk is full, read-only or broken, or somebody else's."""


@contextmanager
def refused_in_words(path: Path) -> Iterator[None]:
    """Turn what an operating system says when it refuses to write into one sentence with the path and the cure."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        raise CannotWrite(
            f"'{path}' could not be written ({os.strerror(error.errno)}): make room or give leave to write there, or choose "
            "another folder with outputs=…, and run the same command again"
        ) from error


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what was written there takes its place, or nothing changes.

    The file is flushed to the disk before it is renamed and the folder after, so that a power cut leaves the old file or the
    whole new one. A symbolic link at `path` is replaced, never followed. The folder is made where there is none.
    Raises CannotWrite if the disk is full, read-only or broken.
    """
    with in_place(path) as temporary:
        yield temporary
    with refused_in_words(path):
        sync(path.parent)


@contextmanager
def in_place(path: Path) -> Iterator[Path]:
    """Do what `atomic` does but for the flush of the folder, which whoever writes many files into it does once, at the end."""
    temporary = path.with_name(f".{path.name[:80]}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")
    with refused_in_words(path):
        make_folder(path.parent)
        try:
            yield temporary
            sync(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Give a finished file or folder its name, so that a power cut leaves all of it or nothing. Raises CannotWrite."""
    with refused_in_words(target):
        if source.is_file():
            sync(source)
        os.replace(source, target)
        sync(target.parent)


def make_folder(path: Path) -> None:
    """Make a folder and those above it so that a power cut does not lose them. Raises CannotWrite."""
    if path.is_dir():
        return
    with refused_in_words(path):
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync(path.parent)


def remove(*paths: Path) -> None:
    """Remove files, those that are there, so that a power cut does not bring them back. Raises CannotWrite."""
    for path in paths:
        with refused_in_words(path):
            path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        with refused_in_words(folder):
            if folder.is_dir():
                sync(folder)


def remove_litter(folder: Path) -> None:
    """Remove temporary files that a killed process or a full disk left in a folder nobody else is writing into."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(path, text.encode("utf-8"))


def json_text(value: Any) -> str:
    """Return strict JSON; NaN becomes null."""
    return json.dumps(_without_nan(value), indent=1, sort_keys=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; NaN becomes null."""
    write_text(path, json_text(value))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _without_nan(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    return None if isinstance(value, float) and value - value != 0 else value


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz atomically."""
    import numpy as np

    memory = io.BytesIO()
    columns: dict[str, Any] = {**arrays}
    np.savez_compressed(memory, **columns)
    write_bytes(path, memory.getvalue())


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
    except OSError as error:
        if error.errno not in NO_FLUSH or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def crosses_link(path: Path, root: Path) -> bool:
    """Return whether a symbolic link lies on the way from a folder of ours to a path below it, or the path is not below it."""
    try:
        parts = path.absolute().relative_to(root.absolute()).parts
    except ValueError:
        return True
    places = [root.joinpath(*parts[: k + 1]) for k in range(len(parts))]
    return ".." in parts or any(place.is_symlink() for place in places)


def end_of(path: Path) -> Path:
    """Return where a path leads in the end; raises UserError if its links lead back to themselves."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a circle is a RuntimeError before Python 3.13
        raise UserError(f"'{path}' is a symbolic link that leads back to itself: remove it") from None


def refuse_strange(folder: Path) -> None:
    """Raise UserError if a folder holds a symbolic link out of itself, or anything that is neither a file nor a folder.

    Links into the blobs of the Hub's own cache are how it keeps snapshots, and stay; so do those in the folder of W&B's client,
    in which nothing of ours reads or writes.
    """
    home = end_of(folder)
    blobs = (
        home.parents[1] / "blobs"
        if home.parent.name == "snapshots" and home.parents[1].name.startswith("models--")
        else None
    )
    for entry in folder.rglob("*"):
        if entry.relative_to(folder).parts[0] == DASHBOARD:
            continue
        if entry.is_symlink():
            target = end_of(entry)
            if not target.is_relative_to(home) and not (blobs and target.is_relative_to(blobs)):
                raise UserError(
                    f"'{entry}' is a symbolic link out of '{folder}': nothing is read or written through it; remove it"
                )
        elif not entry.is_file() and not entry.is_dir():
            raise UserError(f"'{entry}' is neither a file nor a folder (a pipe, a device or a socket): remove it")


def path_below(root: Path, *parts: str) -> Path:
    """Return a path below a folder, its own folder made; raises UserError if a symbolic link would lead the write elsewhere.

    A link at the file's own name is no harm: an atomic write replaces it.
    """
    path = root.joinpath(*parts)
    if crosses_link(path.parent, root) and path.parent != root:
        raise UserError(
            f"'{path.parent}' leads out of '{root}' by a symbolic link: nothing is written through it; remove the link"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
