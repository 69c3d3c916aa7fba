"""Pictures as NumPy archives: nothing but NumPy needed to read them, a whole file at a time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from candlelab.core.errors import UserError
from candlelab.core.local import Place
from candlelab.core.reading import Unreadable
from candlelab.render.storage.storage import PIECES, Mode, Pictures, Storage, StorePart, cut, per_file, placed

PIECE = 4096  # pictures of a piece that `single` files are put together from
HEADER = 1 << 16  # bytes before the numbers of an array, at most
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip knows: the same pictures give the same bytes


class Npz(Storage):
    """One archive (single) or archives of images_per_file pictures (batch), each with an array `images` (n, C, H, W),
    and beside it `sequences` (n, T, 5), `label`, `time` and other numbers, and texts such as the `recipe`.

    compression_level  of deflate, 1 … 9.
    Reading one picture unpacks its whole archive, so choose batch for many pictures.
    """

    images_per_file: int
    compression_level: int

    kind = "npz"

    def __init__(
        self, *, path: Place | None, max_images: int | None, mode: Mode, images_per_file: int, compression_level: int
    ):
        super().__init__(path, max_images)
        if not 1 <= compression_level <= 9:
            raise UserError(f"compression_level is {compression_level}: deflate has levels 1 to 9")
        self.mode, self.images_per_file, self.compression_level = mode, images_per_file, compression_level
        self._per_file = per_file(mode, images_per_file)

    def parts(self, count: int, pictures: Pictures) -> list[StorePart]:
        """Return one part per archive; a single archive is put together from pieces at the end."""
        if self._per_file is None:
            return cut(count, PIECE, lambda k: f"{PIECES}/{k:05d}.npz")
        return cut(count, self._per_file, lambda k: f"images_{k:04d}.npz")

    def write(self, folder: Path, part: StorePart, blocks: Iterable[np.ndarray], pictures: Pictures) -> None:
        """Write one archive, block by block."""
        with (
            placed(folder / part.path) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=self.compression_level) as archive,
        ):
            _put(archive, "images", (part.count, *pictures.shape), np.dtype(np.uint8), blocks)
            if pictures.beside is None or part.path.startswith(f"{PIECES}/"):
                return
            for name, (shape, kind) in pictures.beside.shapes(part.count).items():
                _put(archive, name, shape, kind, pictures.beside.blocks(name, part.first, part.count))
            for name, text in pictures.beside.attributes.items():
                value = np.array(text)
                _put(archive, name, value.shape, value.dtype, [value])

    def finish(self, folder: Path, parts: list[StorePart], pictures: Pictures) -> list[StorePart]:
        """Return the parts; pieces are joined into one archive."""
        if self._per_file is not None:
            return parts
        whole = StorePart("images.npz", 0, sum(part.count for part in parts))
        self.write(folder, whole, (_whole(folder, part, pictures) for part in parts), pictures)
        _load.cache_clear()
        return [whole]

    def read(self, folder: Path, part: StorePart, rows: np.ndarray, pictures: Pictures) -> np.ndarray:
        """Return pictures of an archive."""
        return _whole(folder, part, pictures)[rows]

    def read_beside(self, folder: Path, part: StorePart, rows: np.ndarray, name: str) -> np.ndarray:
        """Return rows of an array that stands beside the pictures of an archive."""
        with np.load(folder / part.path, allow_pickle=False) as archive:
            return archive[name][rows]


def _put(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], kind: np.dtype, blocks: Iterable[np.ndarray]
) -> None:
    """Write one array into an archive, block by block, as NumPy would."""
    entry = zipfile.ZipInfo(f"{name}.npy", EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as file:
        header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, kind).tobytes())


def _whole(folder: Path, part: StorePart, pictures: Pictures) -> np.ndarray:
    return _load(folder / part.path, part.count * int(np.prod(pictures.shape)))


@lru_cache(maxsize=1)
def _load(path: Path, size: int) -> np.ndarray:
    """Return the pictures of an archive, which the store says have `size` bytes: a small file can unpack to any number."""
    with zipfile.ZipFile(path) as pack:
        if pack.getinfo("images.npy").file_size > size + HEADER:
            raise Unreadable(path, f"unpacks to more than the {size:,} bytes of its pictures")
    with np.load(path, allow_pickle=False) as archive:
        return archive["images"]
