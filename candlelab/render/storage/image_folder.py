"""One image file per picture, for people and for tools that read folders."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from candlelab.core.errors import UserError
from candlelab.core.images import picture as as_picture
from candlelab.core.local import Place
from candlelab.core.spreadsheet import neutral_table
from candlelab.render.storage.storage import Pictures, Storage, StorePart, check_checksum, checksum, cut, placed
from candlelab.render.style import for_each


class ImageFolder(Storage):
    """Folders of images_per_file files named by the number of the picture, and an index.csv beside them."""

    suffix: str

    def __init__(self, path: str | None, max_images: int | None, images_per_file: int):
        super().__init__(path, max_images)
        if images_per_file < 1:
            raise UserError(f"images_per_file is {images_per_file}: give at least 1 image per folder")
        self.images_per_file = images_per_file

    @abstractmethod
    def encode(self, image: Image.Image) -> bytes:
        """Return the bytes of an image file."""

    def parts(self, count: int, pictures: Pictures) -> list[StorePart]:
        """Return one part per folder."""
        if pictures.shape[0] not in (1, 3):
            raise UserError(
                f"render/storage={self.kind} keeps pictures of 1 or 3 channels, not {pictures.shape[0]}: "
                "choose zarr, hdf5 or npz"
            )
        return cut(count, self.images_per_file, lambda k: f"images/{k:05d}")

    def file_of(self, part: StorePart, row: int) -> str:
        """Return the path, inside the store, of picture `row` of a part."""
        return f"{part.path}/{part.first + row:08d}.{self.suffix}"

    def write(self, folder: Path, part: StorePart, blocks: Iterable[np.ndarray], pictures: Pictures) -> None:
        """Write one folder of files."""
        done = 0
        for block in blocks:

            def save(k: int, block=block, done=done) -> None:
                with placed(folder / self.file_of(part, done + k)) as temporary:
                    temporary.write_bytes(self.encode(as_picture(block[k])))

            for_each(save, range(len(block)))
            done += len(block)

    def side_files(self, parts: list[StorePart], table: pd.DataFrame) -> dict[str, str]:
        """Return index.csv: the file of each picture, then what is known of it."""
        files = [self.file_of(part, row) for part in parts for row in range(part.count)]
        return {"index.csv": neutral_table(table.assign(file=files)[["file", *table.columns]]).to_csv(index=False)}

    def sums(self, folder: Path, part: StorePart) -> list[str]:
        """Return the checksum of each file of a folder."""
        return [checksum(folder / self.file_of(part, row)) for row in range(part.count)]

    def check(self, folder: Path, part: StorePart, rows: np.ndarray, sums: list[str], seen: set[str]) -> None:
        """Raise ValueError unless the files of these pictures are those that were written."""
        for row in rows:
            check_checksum(folder / self.file_of(part, int(row)), sums[row])

    def read(self, folder: Path, part: StorePart, rows: np.ndarray, pictures: Pictures) -> np.ndarray:
        """Return pictures of a folder."""
        images = np.empty((len(rows), *pictures.shape), np.uint8)
        for k, row in enumerate(rows):
            images[k] = _pixels(folder / self.file_of(part, int(row)), pictures)
        return images


class Png(ImageFolder):
    """PNG files: exact, a few kilobytes each. compression_level: 0 (fast) … 9 (small)."""

    kind, suffix = "png", "png"

    def __init__(self, *, path: Place | None, max_images: int | None, images_per_file: int, compression_level: int):
        super().__init__(path, max_images, images_per_file)
        if not 0 <= compression_level <= 9:
            raise UserError(f"compression_level is {compression_level}: PNG has levels 0 to 9")
        self.compression_level = compression_level

    def encode(self, image: Image.Image) -> bytes:
        """Return a PNG."""
        return _bytes(image, format="PNG", compress_level=self.compression_level)


class Jpeg(ImageFolder):
    """JPEG files; the pixels that come back are not those that were drawn. quality: 1 … 95."""

    lossless: bool

    kind, suffix, lossless = "jpeg", "jpg", False
    warning = "JPEG blurs line art: the pictures will not be those that were drawn; png keeps them exact"

    def __init__(self, *, path: Place | None, max_images: int | None, images_per_file: int, quality: int):
        super().__init__(path, max_images, images_per_file)
        if not 1 <= quality <= 95:
            raise UserError(f"quality is {quality}: JPEG has 1 to 95")
        self.quality = quality

    def encode(self, image: Image.Image) -> bytes:
        """Return a JPEG."""
        return _bytes(image, format="JPEG", quality=self.quality)


def _bytes(image: Image.Image, **options) -> bytes:
    file = BytesIO()
    image.save(file, **options)
    return file.getvalue()


def _pixels(path: Path, pictures: Pictures) -> np.ndarray:
    with Image.open(path) as image:
        pixels = np.asarray(image)
    return pixels[None] if pictures.shape[0] == 1 else pixels.transpose(2, 0, 1)
