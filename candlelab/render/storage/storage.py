"""What every kind of store shares: pictures in parts, each written under a temporary name and then put in place."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from candlelab.core import files
from candlelab.core.errors import UserError
from candlelab.render.storage.beside import Beside

PIECES = "pieces"  # folder of pieces that are joined at the end of a build
Mode = Literal["single", "batch"]


class Pictures(NamedTuple):
    """What the pictures of a store are: shape (C, H, W), (paper, ink) levels if there are only these two, and what stands beside them."""

    shape: tuple[int, int, int]
    levels: tuple[int, int] | None
    beside: Beside | None = None  # when a store is written


@dataclass(frozen=True)
class StorePart:
    """A stretch of pictures in one file or folder: where, the number of the first, how many."""

    path: str
    first: int
    count: int


class Storage(ABC):
    """A way of keeping pictures.

    path        folder of the store; null: the task chooses one.
    max_images  keep only this many windows, spread evenly; null: all.
    """

    path: str | None
    max_images: int | None

    kind: str
    warning: str | None = None  # one line for the user before a build
    lossless = True

    def __init__(self, path: str | None, max_images: int | None):
        if max_images is not None and max_images < 1:
            raise UserError(f"max_images is {max_images}: give at least 1, or null for all")
        self.path, self.max_images = path, max_images

    @abstractmethod
    def parts(self, count: int, pictures: Pictures) -> list[StorePart]:
        """Return how `count` pictures are cut into parts; one part is redrawn when a build was interrupted inside it."""

    def begin(self, folder: Path, parts: list[StorePart], pictures: Pictures) -> None:
        """Make the folder, and write into it what other programs need besides the parts."""
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def write(self, folder: Path, part: StorePart, blocks: Iterable[np.ndarray], pictures: Pictures) -> None:
        """Write a part from blocks of pictures (b, C, H, W); it appears under its name only when complete."""

    def finish(self, folder: Path, parts: list[StorePart], pictures: Pictures) -> list[StorePart]:
        """Return the parts of the finished store."""
        return parts

    @abstractmethod
    def read(self, folder: Path, part: StorePart, rows: np.ndarray, pictures: Pictures) -> np.ndarray:
        """Return the pictures `rows` (numbers inside the part, ascending) of a part; uint8 (k, C, H, W)."""

    def read_beside(self, folder: Path, part: StorePart, rows: np.ndarray, name: str) -> np.ndarray:
        """Return rows (numbers inside the part) of an array that stands beside the pictures; raises UserError if this kind keeps none."""
        raise UserError(
            f"a store of kind {self.kind} keeps pictures only: choose render/storage=hdf5, npz or zarr for {name}"
        )

    def side_files(self, parts: list[StorePart], table: pd.DataFrame) -> dict[str, str]:
        """Return name -> text of files to put beside the parts; table has one row per picture."""
        return {}

    def sums(self, folder: Path, part: StorePart) -> list[str]:
        """Return checksums of the files of a part, one for all its pictures or one for each. Raises OSError."""
        return [checksum(folder / part.path)]

    def check(self, folder: Path, part: StorePart, rows: np.ndarray, sums: list[str], seen: set[str]) -> None:
        """Raise ValueError unless the files that hold these pictures are those that were written.

        seen  paths of parts that need no second look; a part that passes is added.
        """
        if part.path not in seen:
            check_checksum(folder / part.path, sums[0])
            seen.add(part.path)

    def settings(self) -> dict[str, Any]:
        """Return the settings that decide the files; plain values."""
        return {
            name: value for name, value in vars(self).items() if name not in ("path", "max_images") and name[0] != "_"
        }


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; when the block ends well, sync the file and put it in place; the folder is synced by part."""
    with files.in_place(path) as temporary:
        yield temporary


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_checksum(path: Path, expected: str) -> None:
    """Raise ValueError unless the file has this checksum."""
    try:
        found = checksum(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: the store is broken, build it again") from None
    if found != expected:
        raise UserError(f"{path} is damaged, its checksum is not the one that was written: build the store again")


def cut(count: int, size: int, name: Callable[[Any], str]) -> list[StorePart]:
    """Return parts of `size` pictures, the last one shorter; name(k) is the path of part k."""
    return [StorePart(name(k), first, min(size, count - first)) for k, first in enumerate(range(0, count, size))]


def per_file(mode: Mode, images_per_file: int) -> int | None:
    """Return how many pictures a file holds, None for all. Raises UserError if that is less than one."""
    if images_per_file < 1:
        raise UserError(f"images_per_file is {images_per_file}: give at least 1")
    return images_per_file if mode == "batch" else None


def duplicates(table: pd.DataFrame) -> dict[str, Any]:
    """Return how many pictures are exact copies of another: in all, and of one in another split."""
    digest = table["digest"]
    counts = {"copies": int(len(digest) - digest.nunique())}
    if "split" in table:
        splits = table.groupby("digest")["split"].nunique()
        counts["across_splits"] = int((splits > 1).sum())
        counts |= {f"within_{name}": int(len(part) - part.nunique()) for name, part in digest.groupby(table["split"])}
    return counts
