"""Pictures as HDF5 files: what most tools read."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from candlelab.core.array_files import own_dataset
from candlelab.core.errors import UserError
from candlelab.core.local import Place
from candlelab.render.storage.storage import PIECES, Mode, Pictures, Storage, StorePart, cut, per_file, placed

if TYPE_CHECKING:
    import h5py

ROWS = 64  # windows of a chunk of numbers
PIECE = 4096  # pictures of a piece that `single` files are put together from


class Hdf5(Storage):
    """One file (single) or files of images_per_file pictures (batch), each with a dataset `images`, uint8 (n, C, H, W), and
    beside it `sequences` (n, T, 5), `label`, `time` and other numbers, the recipe among the file's attributes.

    compression_level  of gzip, 1 … 9; each picture is a chunk of its own.
    """

    images_per_file: int
    compression_level: int

    kind = "hdf5"

    def __init__(
        self, *, path: Place | None, max_images: int | None, mode: Mode, images_per_file: int, compression_level: int
    ):
        super().__init__(path, max_images)
        if not 1 <= compression_level <= 9:
            raise UserError(f"compression_level is {compression_level}: gzip has levels 1 to 9")
        self.mode, self.images_per_file, self.compression_level = mode, images_per_file, compression_level
        self._per_file = per_file(mode, images_per_file)

    def parts(self, count: int, pictures: Pictures) -> list[StorePart]:
        """Return one part per file; a single file is put together from pieces at the end."""
        if self._per_file is None:
            return cut(count, PIECE, lambda k: f"{PIECES}/{k:05d}.h5")
        return cut(count, self._per_file, lambda k: f"images_{k:04d}.h5")

    def write(self, folder: Path, part: StorePart, blocks: Iterable[np.ndarray], pictures: Pictures) -> None:
        """Write one file."""
        with placed(folder / part.path) as temporary, _new_file(temporary) as (file, disk):
            images, done = self._dataset(file, part.count, pictures), 0
            for block in blocks:
                images[done : done + len(block)] = block
                disk.complain()
                done += len(block)
            assert done == part.count
            if not part.path.startswith(f"{PIECES}/"):
                self._put_beside(file, disk, part, pictures)

    def finish(self, folder: Path, parts: list[StorePart], pictures: Pictures) -> list[StorePart]:
        """Return the parts; pieces are joined into one file, their compressed chunks copied as they are."""
        if self._per_file is not None:
            return parts
        import h5py

        whole = StorePart("images.h5", 0, sum(part.count for part in parts))
        with placed(folder / whole.path) as temporary, _new_file(temporary) as (file, disk):
            images = self._dataset(file, whole.count, pictures)
            for part in parts:
                with h5py.File(folder / part.path, "r") as piece:
                    for k in range(part.count):
                        mask, chunk = piece["images"].id.read_direct_chunk((k, 0, 0, 0))
                        images.id.write_direct_chunk((part.first + k, 0, 0, 0), chunk, mask)
                disk.complain()
            self._put_beside(file, disk, whole, pictures)
        return [whole]

    def _put_beside(self, file: h5py.File, disk: Disk, part: StorePart, pictures: Pictures) -> None:
        if pictures.beside is None:
            return
        for name, (shape, kind) in pictures.beside.shapes(part.count).items():
            chunk = (min(ROWS, part.count), *shape[1:])
            data, done = (
                file.create_dataset(
                    name, shape, kind, chunks=chunk, compression="gzip", compression_opts=self.compression_level
                ),
                0,
            )
            for block in pictures.beside.blocks(name, part.first, part.count):
                data[done : done + len(block)] = block
                disk.complain()
                done += len(block)
        file.attrs.update(pictures.beside.attributes)

    def read_beside(self, folder: Path, part: StorePart, rows: np.ndarray, name: str) -> np.ndarray:
        """Return rows of an array that stands beside the pictures of a file."""
        import h5py

        with h5py.File(folder / part.path, "r") as file:
            data = own_dataset(file, name, folder / part.path)
            return (
                np.stack([data[int(row)] for row in rows]) if len(rows) else np.empty((0, *data.shape[1:]), data.dtype)
            )

    def read(self, folder: Path, part: StorePart, rows: np.ndarray, pictures: Pictures) -> np.ndarray:
        """Return pictures of a file."""
        import h5py

        with h5py.File(folder / part.path, "r") as file:
            images = own_dataset(file, "images", folder / part.path)
            drawn = np.empty((len(rows), *pictures.shape), np.uint8)
            for k, row in enumerate(rows):  # a list of rows at once takes HDF5 thirty times as long
                images.read_direct(drawn, np.s_[int(row)], np.s_[k])
            return drawn

    def _dataset(self, file, count: int, pictures: Pictures):
        return file.create_dataset(
            "images",
            shape=(count, *pictures.shape),
            dtype="uint8",
            chunks=(1, *pictures.shape),
            compression="gzip",
            compression_opts=self.compression_level,
        )


class Disk:
    """A file that keeps a failed write to itself until it is asked: told of it, HDF5 would crash the process later."""

    def __init__(self, file: FileIO):
        self.error: OSError | None = None
        self._file = file
        self.read, self.readinto, self.seek, self.tell = file.read, file.readinto, file.seek, file.tell

    def write(self, data) -> int:
        """Write all of data, or note why not."""
        rest = memoryview(data).cast("B")
        try:
            while self.error is None and len(rest):
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.error = error
        return memoryview(data).nbytes

    def truncate(self, size: int) -> int:
        """Set the length of the file, or note why not."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.error = error
            return size

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def complain(self) -> None:
        """Raise the OSError of the first write that failed, if one did."""
        if self.error is not None:
            raise self.error


@contextmanager
def _new_file(path: Path):
    """Give a new HDF5 file and the disk below it. Raises OSError at the end if a write failed."""
    import h5py

    with path.open("w+b", buffering=0) as file_below:
        disk = Disk(file_below)
        with h5py.File(disk, "w", libver="latest") as file:
            yield file, disk
        disk.complain()
