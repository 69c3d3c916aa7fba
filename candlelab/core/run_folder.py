"""States of a run folder: new, interrupted, failed, finished, and being rewritten; and what moves it from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from candlelab.core import files
from candlelab.core.files import json_text
from candlelab.core.manifest import Manifest, entry_of
from candlelab.core.reading import text_of
from candlelab.core.run_files import (
    BEST,
    CONFIG,
    EPOCHS,
    EXPORTS,
    FAILED,
    FITTED,
    LAST,
    MANIFEST,
    METRICS,
    PASSPORT,
    PREVIOUS,
    SCORED,
    SEALED,
    STEP,
)
from candlelab.core.trial_ledger import append_trial

CURE = "bring back the file as the run wrote it, or train again with resume=never"


def manifest_in(folder: Path) -> Manifest | None:
    """Return what a run consists of; None for an unfinished or an older run."""
    path = folder / MANIFEST
    return Manifest.read(path, cure=CURE) if path.exists() else None


def state(folder: Path) -> str:
    """Return "finished", "failed", "sealed", "interrupted" or "new"."""
    for name, word in (
        (METRICS, "finished"),
        (FAILED, "failed"),
        (SEALED, "sealed"),
        (LAST, "interrupted"),
        (CONFIG, "interrupted"),
    ):
        if (folder / name).exists():
            return word
    return "new"


def runs_in(study: Path) -> list[Path]:
    """Return the folders of a study that hold a run in any state, sorted by name."""
    return sorted(p.parent for p in study.glob(f"*/{CONFIG}")) if study.is_dir() else []


def forget(folder: Path) -> None:
    """Remove what an earlier fit left, final metrics first, so that a stop half-way leaves no finished run."""
    files.remove(folder / METRICS)
    files.remove(*(folder / name for name in (MANIFEST, PASSPORT, SEALED, FAILED, LAST, PREVIOUS, BEST, EPOCHS, STEP)))


def unfinish(folder: Path) -> None:
    """Make a folder for a score that is about to be written; one that is there is finished no longer."""
    files.make_folder(folder)
    files.remove(folder / METRICS)
    files.remove(folder / MANIFEST, folder / PASSPORT)


def finish(folder: Path, metrics: dict[str, Any]) -> None:
    """Say what the run (or the score) consists of, unless a manifest does, and then, last of all, that it is finished."""
    data = json_text(metrics).encode("utf-8")
    if not (folder / MANIFEST).exists():
        Manifest.of(folder, (*FITTED, *SCORED)).with_content(METRICS, data).write(folder / MANIFEST)
    files.write_bytes(folder / METRICS, data)


def write_manifest(path: Path, parts: dict[str, Path]) -> Path:
    """Write the manifest of a run that is put together from files of several places; name in the run -> file."""
    kept = {name: file for name, file in parts.items() if not name.startswith(EXPORTS) and name != MANIFEST}
    Manifest({name: entry_of(file) | {"mtime_ns": None} for name, file in kept.items()}).write(path)
    return path


@contextmanager
def rewriting(folder: Path, *names: str) -> Iterator[None]:
    """Let files of a finished run be replaced or added: they leave its manifest, and come back with their new checksums.

    Where the machine stops in between, readers of these files say so, and writing them again mends the run.
    """
    manifest = manifest_in(folder)
    if manifest is None:
        yield
        return
    manifest.without(names).write(folder / MANIFEST)
    yield
    manifest.without(names).replaced(folder, names).write(folder / MANIFEST)


def note_failure(folder: Path, error: BaseException, trace: str) -> None:
    """Write failed.txt: the reason in its first line; a run that failed before keeps its first reason. A failure is a trial."""
    if not (folder / FAILED).exists():
        reason = " ".join(str(error).split()) or type(error).__name__
        files.write_text(folder / FAILED, f"{type(error).__name__}: {reason}\n\n{trace}")
        append_trial(folder.parents[1], {"study": folder.parent.name, "run": folder.name, "state": "failed"})


def failure(folder: Path) -> str | None:
    """Return the first line of failed.txt, None without."""
    return text_of(folder / FAILED).partition("\n")[0] if (folder / FAILED).exists() else None
