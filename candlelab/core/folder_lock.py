"""Lock of a folder between processes: one writes, the others are told who does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from candlelab.core.errors import ConfigError
from candlelab.core.files import make_folder, refuse_strange, refused_in_words, write_text
from candlelab.core.run_files import LOCK, OWNER


class Busy(ConfigError):
    """Another process is at work in the folder."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder for writing; a lock dies with its process, so one that was left behind is taken over.

    Raises Busy, naming the owner, if another process holds it.
    """
    make_folder(folder)
    refuse_strange(folder)
    lock, owner = FileLock(folder / LOCK), folder / OWNER
    try:
        with refused_in_words(folder / LOCK):
            lock.acquire(timeout=0)
            write_text(owner, str(os.getpid()))
    except Timeout:
        who = f" ({owner.read_text(encoding='utf-8')[:20]})" if owner.is_file() else ""
        raise Busy(f"another process{who} is at work in '{folder}': wait for it or stop it") from None
    try:
        yield
    finally:
        lock.release()
