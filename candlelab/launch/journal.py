"""Journal of a search: Optuna's storage in one file of the study's folder, which a kill -9 at any moment leaves usable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from candlelab.core import files
from candlelab.core.errors import ConfigError

if TYPE_CHECKING:
    import optuna

JOURNAL = "search.jsonl"
ASKED = "asked"  # attribute of a study: a hash of all that its trials share


@contextmanager
def opened(folder: Path, direction: Literal["minimize", "maximize"], asked: str) -> Iterator[optuna.Study]:
    """Hold the study of a folder, begun where there is none.

    asked  a hash of space, settings and data. Raises ConfigError if another process searches there, or other things were asked.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    files.make_folder(folder)
    path = folder / JOURNAL
    lock = FileLock(folder / f".{JOURNAL}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(f"another process searches in '{folder}': wait for it, or choose another study=") from None
    try:
        _mend(path)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        storage = JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))
        study = optuna.create_study(storage=storage, study_name="search", direction=direction, load_if_exists=True)
        if study.user_attrs.setdefault(ASKED, asked) != asked:
            raise ConfigError(
                f"the search in '{folder}' was begun with other settings, data or values: choose another study="
            )
        study.set_user_attr(ASKED, asked)
        yield study
    finally:
        lock.release()


def _mend(path: Path) -> None:
    """Remove what a killed process left: a line that it had not finished, and the lock that it held."""
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    if not path.exists():
        return
    with open(path, "r+b") as file:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            file.truncate(whole)
            os.fsync(file.fileno())
