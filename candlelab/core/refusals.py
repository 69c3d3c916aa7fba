"""What the operating system refuses (full disk, no permission, read-only) or the installation lacks, in one sentence."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from candlelab.core.errors import UserError

CURES = {
    errno.ENOSPC: "the disk is full: make room, then start the same command again",
    errno.EDQUOT: "the quota of the disk is used up: make room, then start the same command again",
    errno.EROFS: "it lies on a read-only file system: choose another folder (outputs=FOLDER)",
    errno.EACCES: "permission denied: change its permissions, or choose another place (outputs=FOLDER)",
    errno.EPERM: "the system does not permit it: choose another place (outputs=FOLDER)",
    errno.ENOTDIR: "a part of this path is a file, not a folder: choose another place (outputs=FOLDER)",
    errno.EISDIR: "this is a folder, not a file: give a file",
    errno.ENAMETOOLONG: "the name is too long for the file system: choose a shorter one",
    errno.EIO: "the disk reports an input/output error: look after the disk, then start the same command again",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n), then start the same command again",
    errno.ENOMEM: "there is not enough memory: choose a smaller data.batch_size, model or data set",
}
OF_TRAINING = (
    "torch",
    "torchvision",
    "timm",
    "transformers",
    "tokenizers",
    "pytorch_lightning",
    "torchmetrics",
    "scipy",
    "sklearn",
    "zarr",
    "h5py",
    "matplotlib",
    "mplfinance",
    "PIL",
)
# How torch says it, on a CPU and on a GPU, and how a loader does that has no room for a library.
NO_MEMORY = ("can't allocate memory", "out of memory", "not enough memory", "failed to map segment")
FULL = 1 << 20  # bytes left on a disk on which nothing more can be written


def refusal(error: BaseException, outputs: Path) -> str | None:
    """Return the sentence for an error that the system or the installation caused, itself or further down; None for any other.

    outputs   where this command writes: libraries that write for us tell of a full disk in words of their own.
    """
    for cause in _chain(error):
        if isinstance(cause, ModuleNotFoundError) and _of_training(cause):
            return what_to_add(cause)
        if isinstance(cause, OSError) and cause.errno in CURES:
            place = f"'{cause.filename}': " if cause.filename else ""
            return place + CURES[cause.errno]
        if (
            isinstance(cause, FileNotFoundError)
            and cause.filename
            and outputs.absolute().is_relative_to(Path(cause.filename).absolute())
        ):
            return f"'{cause.filename}': the system makes no folder there: choose another place (outputs=FOLDER)"
        if isinstance(cause, MemoryError) or (
            isinstance(cause, (RuntimeError, ImportError)) and any(words in str(cause) for words in NO_MEMORY)
        ):
            return CURES[errno.ENOMEM]
    if _is_full(outputs):
        return f"'{outputs}': {CURES[errno.ENOSPC]} ({' '.join(str(error).split())[:200]})"
    return None


@contextmanager
def core_alone() -> Iterator[None]:
    """Raise UserError, saying what to install, where a package that comes with training is absent."""
    try:
        yield
    except ModuleNotFoundError as error:
        if not _of_training(error):
            raise
        raise UserError(what_to_add(error)) from error


def what_to_add(error: ModuleNotFoundError) -> str:
    """Return the sentence for a package that comes with training and is absent."""
    return f"this needs {error.name}, which comes with training: pip install 'candlelab[train]'"


def _of_training(error: ModuleNotFoundError) -> bool:
    return (error.name or "").split(".")[0] in OF_TRAINING


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_full(outputs: Path) -> bool:
    place = outputs.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        disk = shutil.disk_usage(place)
        return disk.total > FULL > disk.free
    except OSError:
        return False
