"""Pictures as HDF5 files: what most tools read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from candlelab.render.storage.storage import PIECES, Mode, Part, Pictures, Storage, cut, per_file, placed

PIECE = 4096  # pictures of a piece that `single` files are put together from


class Hdf5(Storage):
    """One file (single) or files of images_per_file pictures (batch), each with a dataset `images`, uint8 (n, C, H, W).

    level  of gzip, 1 … 9; each picture is a chunk of its own.
    """

    kind = "hdf5"

    def __init__(self, *, path: str | None, max_images: int | None, mode: Mode, images_per_file: int, level: int):
        super().__init__(path, max_images)
        if not 1 <= level <= 9:
            raise ValueError(f"render.storage.level is {level}: gzip has levels 1 to 9")
        self.mode, self.images_per_file, self.level = mode, images_per_file, level
        self._per_file = per_file(mode, images_per_file)

    def parts(self, count: int, pictures: Pictures) -> list[Part]:
        """Return one part per file; a single file is put together from pieces at the end."""
        if self._per_file is None:
            return cut(count, PIECE, lambda k: f"{PIECES}/{k:05d}.h5")
        return cut(count, self._per_file, lambda k: f"images_{k:04d}.h5")

    def write(self, folder: Path, part: Part, blocks, pictures: Pictures) -> None:
        """Write one file."""
        with placed(folder / part.path) as temporary, _new_file(temporary) as file:
            images, done = self._dataset(file, part.count, pictures), 0
            for block in blocks:
                images[done:done + len(block)] = block
                done += len(block)
            assert done == part.count

    def finish(self, folder: Path, parts: list[Part], pictures: Pictures) -> list[Part]:
        """Return the parts; pieces are joined into one file, their compressed chunks copied as they are."""
        if self._per_file is not None:
            return parts
        import h5py
        whole = Part("images.h5", 0, sum(part.count for part in parts))
        with placed(folder / whole.path) as temporary, _new_file(temporary) as file:
            images = self._dataset(file, whole.count, pictures)
            for part in parts:
                with h5py.File(folder / part.path, "r") as piece:
                    for k in range(part.count):
                        mask, chunk = piece["images"].id.read_direct_chunk((k, 0, 0, 0))
                        images.id.write_direct_chunk((part.first + k, 0, 0, 0), chunk, mask)
        return [whole]

    def read(self, folder: Path, part: Part, rows: np.ndarray, pictures: Pictures) -> np.ndarray:
        """Return pictures of a file."""
        import h5py
        with h5py.File(folder / part.path, "r") as file:
            images, drawn = file["images"], np.empty((len(rows), *pictures.shape), np.uint8)
            for k, row in enumerate(rows):  # a list of rows at once takes HDF5 thirty times as long
                images.read_direct(drawn, np.s_[int(row)], np.s_[k])
            return drawn

    def _dataset(self, file, count: int, pictures: Pictures):
        return file.create_dataset("images", shape=(count, *pictures.shape), dtype="uint8", chunks=(1, *pictures.shape),
                                   compression="gzip", compression_opts=self.level)


def _new_file(path: Path):
    import h5py
    return h5py.File(path, "w", libver="latest")
