"""Pictures as zarr v3 arrays, sharded, one bit per pixel where a style has two colours.

Shards are written and read here, byte for byte as the zarr v3 sharding specification says: a shard is then one file that
is complete or absent, a missing chunk is an error instead of a fill value. Any zarr v3 reader opens the arrays.

Why not by the general library: on one core, 3,000 charts of 64 x 64 (one shard), zarr 3.1 takes 23 times as long for a random
picture (1.3 ms, here 57 us), 9 to 16 times for a batch of 64, and 7 times for writing; checksums are compared here besides.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from candlelab.core import files
from candlelab.core.errors import UserError
from candlelab.core.local import Place
from candlelab.render.memory import pictures as memory
from candlelab.render.storage.beside import BLOCK
from candlelab.render.storage.bits import packed
from candlelab.render.storage.storage import Mode, Pictures, Storage, StorePart, cut, per_file, placed
from candlelab.render.style import for_each

if TYPE_CHECKING:
    from zstandard import ZstdDecompressor

ABSENT = 2**64 - 1  # offset and length of a chunk that a shard does not hold
PIECE = 16  # pictures that share a codec, whose tables take as long to make as a picture to compress


class ZarrArray(Storage):
    """One array (single) or arrays of images_per_file pictures (batch); images_per_shard pictures share a file.

    Beside them lie the arrays `sequences` (n, T, 5), `label`, `time` and other numbers; the recipe is an attribute of the group.
    compression_level  of zstd, 1 … 22; 1 is fastest and hardly larger on charts.
    """

    images_per_file: int
    images_per_shard: int
    compression_level: int

    kind = "zarr"

    def __init__(
        self,
        *,
        path: Place | None,
        max_images: int | None,
        mode: Mode,
        images_per_file: int,
        images_per_shard: int,
        compression_level: int,
    ):
        super().__init__(path, max_images)
        if images_per_shard < 1 or not 1 <= compression_level <= 22:
            raise UserError(
                f"images_per_shard={images_per_shard}, compression_level={compression_level}: give at least 1 and 1 … 22"
            )
        self.mode, self.images_per_file = mode, images_per_file
        self.images_per_shard, self.compression_level = images_per_shard, compression_level
        self._per_array = per_file(mode, images_per_file)

    def parts(self, count: int, pictures: Pictures) -> list[StorePart]:
        """Return one part per shard."""
        shape = "/0" * len(chunk_shape(pictures)[1:])
        return [
            StorePart(f"{array.path}/c/{shard.path}{shape}", array.first + shard.first, shard.count)
            for array in self._arrays(count)
            for shard in cut(array.count, self.images_per_shard, str)
        ]

    def begin(self, folder: Path, parts: list[StorePart], pictures: Pictures) -> None:
        """Write the metadata of the arrays."""
        super().begin(folder, parts, pictures)
        for array in self._arrays(sum(part.count for part in parts)):
            self._create(folder / array.path, array.count, pictures)

    def write(self, folder: Path, part: StorePart, blocks: Iterable[np.ndarray], pictures: Pictures) -> None:
        """Write one shard: the chunks, then their places and a checksum of these."""
        index = np.full((self.images_per_shard, 2), ABSENT, "<u8")
        with placed(folder / part.path) as temporary, temporary.open("wb") as file:
            done = 0
            for block in blocks:
                for chunk in _encoded(block, pictures, self.compression_level):
                    index[done] = file.tell(), len(chunk)
                    file.write(chunk)
                    done += 1
            assert done == part.count
            file.write(index.tobytes() + _crc(index.tobytes()))

    def finish(self, folder: Path, parts: list[StorePart], pictures: Pictures) -> list[StorePart]:
        """Write what stands beside the pictures and make the folder a group, then return the parts."""
        if pictures.beside is None:
            return parts
        import zarr
        from zarr.codecs import ZstdCodec

        count = sum(part.count for part in parts)
        files.remove(folder / "zarr.json")  # of a build that a power cut ended: it may be empty
        group = zarr.open_group(folder, mode="a", zarr_format=3)
        group.attrs.update(pictures.beside.attributes)
        for name, (shape, kind) in pictures.beside.shapes(count).items():
            chunk = (min(BLOCK, count), *shape[1:])
            array, done = (
                group.create_array(
                    name,
                    shape=shape,
                    dtype=kind,
                    chunks=chunk,
                    compressors=ZstdCodec(level=self.compression_level),
                    overwrite=True,
                ),
                0,
            )
            for block in pictures.beside.blocks(name, 0, count):
                array[done : done + len(block)] = block
                done += len(block)
        return parts

    def read_beside(self, folder: Path, part: StorePart, rows: np.ndarray, name: str) -> np.ndarray:
        """Return rows of an array that stands beside the pictures of a shard."""
        import zarr

        array = zarr.open_group(folder, mode="r")[name]
        assert isinstance(array, zarr.Array), f"{name} is a group"
        return np.asarray(array.oindex[rows + part.first])

    def read(self, folder: Path, part: StorePart, rows: np.ndarray, pictures: Pictures) -> np.ndarray:
        """Return pictures of a shard. Raises UserError where a chunk is missing or damaged."""
        from zstandard import ZstdDecompressor

        path = folder / part.path
        index = _shard_index(path, self.images_per_shard)[rows]
        if (index == ABSENT).any():
            raise UserError(
                f"{path} lacks the picture {part.first + rows[(index == ABSENT).any(axis=1)][0]}: build it again"
            )
        images = memory((len(rows), *pictures.shape))
        descriptor = os.open(path, os.O_RDONLY)
        try:

            def piece(start: int) -> None:
                codec = ZstdDecompressor()
                for k in range(start, min(start + PIECE, len(rows))):
                    offset, length = (int(v) for v in index[k])
                    _decode(os.pread(descriptor, length, offset), codec, pictures, images[k])

            for_each(piece, range(0, len(rows), PIECE))
        finally:
            os.close(descriptor)
        return images

    def _arrays(self, count: int) -> list[StorePart]:
        if self._per_array is None:
            return [StorePart("images", 0, count)]
        return cut(count, self._per_array, lambda k: f"images_{k:04d}")

    def _create(self, path: Path, count: int, pictures: Pictures) -> None:
        import zarr
        from zarr.codecs import ZstdCodec

        chunk = chunk_shape(pictures)
        array = zarr.create_array(
            path,
            shape=(count, *chunk[1:]),
            chunks=chunk,
            shards=(self.images_per_shard, *chunk[1:]),
            dtype="uint8",
            compressors=ZstdCodec(level=self.compression_level),
            fill_value=0,
            overwrite=True,
        )
        channels, height, width = pictures.shape
        array.attrs.update({"shape": [count, channels, height, width], "axes": "image channel row column"})
        if pictures.levels:
            array.attrs.update(
                {
                    "paper": pictures.levels[0],
                    "ink": pictures.levels[1],
                    "bits": "one per pixel, 1 is ink, the leftmost of eight columns in the highest bit",
                }
            )


def chunk_shape(pictures: Pictures) -> tuple[int, ...]:
    """Return the shape of one stored picture, with a leading 1: (1, C, H, W), or (1, H, ceil(W / 8)) packed."""
    channels, height, width = pictures.shape
    return (1, height, (width + 7) // 8) if pictures.levels else (1, channels, height, width)


def _encoded(block: np.ndarray, pictures: Pictures, compression_level: int) -> list[bytes]:
    """Return the compressed chunks of a block of pictures."""
    from zstandard import ZstdCompressor

    chunks = [b""] * len(block)

    def piece(start: int) -> None:
        raw, codec = block[start : start + PIECE], ZstdCompressor(level=compression_level)
        if pictures.levels:
            raw = packed(raw[:, 0], pictures.levels)
        for k, picture in enumerate(raw):
            chunks[start + k] = codec.compress(picture)

    for_each(piece, range(0, len(block), PIECE))
    return chunks


def _decode(chunk: bytes, codec: ZstdDecompressor, pictures: Pictures, image: np.ndarray) -> None:
    """Write the picture of a compressed chunk into image (C, H, W). Raises UserError for one that would unpack to another size."""
    from zstandard import frame_content_size

    claimed, size = frame_content_size(chunk), math.prod(chunk_shape(pictures))
    if claimed != size:
        raise UserError(f"a stored picture would unpack to {claimed} bytes instead of {size}: build the store again")
    raw = np.frombuffer(codec.decompress(chunk), np.uint8).reshape(chunk_shape(pictures)[1:])
    if not pictures.levels:
        image[...] = raw
        return
    paper, ink = pictures.levels
    np.multiply(np.unpackbits(raw, axis=-1, count=pictures.shape[2]), np.uint8((ink - paper) % 256), out=image[0])
    image += np.uint8(paper)  # modulo 256, so it works downwards too


@lru_cache(maxsize=256)
def _shard_index(path: Path, length: int) -> np.ndarray:
    """Return offset and length of each chunk of a shard; (length, 2) uint64. Raises UserError if it is damaged."""
    size = 16 * length + 4
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - size))
        tail = file.read()
    if len(tail) != size or _crc(tail[:-4]) != tail[-4:]:
        raise UserError(f"{path} is damaged: its index does not match its checksum; build the store again")
    return np.frombuffer(tail[:-4], "<u8").reshape(length, 2)


def _crc(data: bytes) -> bytes:
    import google_crc32c

    return google_crc32c.value(data).to_bytes(4, "little")
