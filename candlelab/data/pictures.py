"""Labelled image datasets as people publish them: folders per class, an index beside the files, parquet with images inside."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from candlelab.core.errors import UserError
from candlelab.core.reading import Unreadable, bytes_of
from candlelab.core.tables import check_parquet
from candlelab.market.symbols import tidy_symbol
from candlelab.market.timestamps import read_times

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
INDEXES = (".csv", ".jsonl", ".parquet")
MOST_PIXELS = 50_000_000
MOST_PICTURES, LARGEST_INDEX = 5_000_000, 1 << 30  # rows of a file, bytes of its text
CUT = "cut it into several files"
PARTS = {"train": 0, "training": 0, "validation": 1, "val": 1, "valid": 1, "dev": 1, "test": 2}
COLUMNS = {
    "image": ("image", "file_name", "image_path", "filename", "file", "path", "img"),
    "label": ("label", "class", "target", "labels"),
    "text": ("text", "caption", "description"),
    "next_close": ("next_close",),
    "close": ("close", "last_close"),
    "forward_return": ("forward_return",),
    "time": ("time", "open_time", "timestamp", "date", "datetime"),
    "symbol": ("symbol", "ticker", "pair"),
    "part": ("split", "part", "subset"),
}
CLOSE = re.compile(r"\bclose\b[^\d+-]{0,4}(\d[\d,]*\.?\d*)", re.IGNORECASE)


@dataclass(frozen=True)
class PictureSet:
    """Labelled pictures in the order of their files; every array has one entry per picture, NaN or None where nothing is known.

    read     gives the bytes of picture k.
    classes  names; label (n,) their number.
    part     (n,) int8: 0 train, 1 validation, 2 test as the set itself has it; None where it has not at least train and test.
    time     (n,) ms UTC of the last bar, or None.
    """

    read: Callable[[int], bytes]
    names: list[str]
    classes: tuple[str, ...]
    label: np.ndarray
    text: list[str] | None
    close: np.ndarray  # (n,) float64
    next_close: np.ndarray
    forward_return: np.ndarray
    time: np.ndarray | None
    symbol: list[str] | None
    part: np.ndarray | None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def three_parts(self) -> np.ndarray | None:
        """The parts of a set that has all three, which a run can take as they are."""
        return self.part if self.part is not None and set(self.part.tolist()) == {0, 1, 2} else None


def find_pictures(folder: Path) -> PictureSet:
    """Return the labelled pictures of a folder; raises UserError if there are none, or pictures without labels."""
    packed = sorted(p for p in folder.rglob("*.parquet") if holds_images(p))
    if packed:
        return _of_rows([row for path in packed for row in _rows_of_parquet(path)])
    for path in sorted(p for p in folder.rglob("*") if p.suffix in INDEXES and p.is_file()):
        rows = list(_rows_of_index(path, folder))
        if rows:
            return _of_rows(rows)
    return _of_rows(list(_rows_of_folders(folder)))


def holds_images(path: Path) -> bool:
    """Return whether a parquet file has a column of pictures."""
    try:
        names = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return False
    return any(
        pa.types.is_struct(names.field(n).type) or pa.types.is_binary(names.field(n).type)
        for n in names.names
        if n in COLUMNS["image"]
    )


def _rows_of_parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        check_parquet(path, rows=MOST_PICTURES, cure=CUT)
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path.name} cannot be read ({str(error)[:80]}): fetch it again") from None
    found = match(table.column_names)
    told = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    classes = told.get("info", {}).get("features", {}).get(found.get("label", ""), {}).get("names")
    times = read_times(table.column(found["time"]), path.name).tolist() if "time" in found else None
    images, columns = (
        table.column(found["image"]),
        {name: table.column(found[name]).to_pylist() for name in found if name not in ("image", "time")},
    )
    for k in range(len(table)):
        row = {name: values[k] for name, values in columns.items()} | ({"time": times[k]} if times else {})
        if classes and isinstance(row.get("label"), int) and row["label"] >= 0:
            row["label"] = classes[row["label"]]
        yield row | {
            "read": _cell(images, k),
            "name": f"{path.name} row {k + 1}",
            "part": _told_part(row, path.name),
            "classes": classes,
        }


def _cell(images: pa.ChunkedArray, k: int) -> Callable[[], bytes]:
    def read() -> bytes:
        cell = images[k].as_py()
        return (cell.get("bytes") if isinstance(cell, dict) else cell) or b""

    return read


def _rows_of_index(path: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a csv, jsonl or parquet file that names pictures beside it; nothing if it is no such file."""
    rows = _plain_rows(path)
    found = match(list(rows[0])) if rows else {}
    if "image" not in found or "label" not in found:
        return
    for number, row in enumerate(rows, 2):
        place = _inside(folder, path.parent, str(row[found["image"]] or ""), f"{path.name}, line {number}")
        told = {name: row.get(column) for name, column in found.items() if name != "image"}
        yield told | {
            "read": place.read_bytes,
            "name": place.relative_to(folder.resolve()).as_posix(),
            "part": _told_part(told, place.parent.name),
        }


def _plain_rows(path: Path) -> list[dict[str, Any]]:
    try:
        if path.suffix == ".parquet":
            check_parquet(path, rows=MOST_PICTURES, cure=CUT)
            return pq.read_table(path).to_pylist()
        text = bytes_of(path, most=LARGEST_INDEX, cure=CUT).decode("utf-8-sig")
        if path.suffix == ".jsonl":
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            return rows if all(isinstance(row, dict) for row in rows) else []
        return list(csv.DictReader(io.StringIO(text)))
    except Unreadable:
        raise
    except (pa.ArrowException, OSError, ValueError, csv.Error, RecursionError) as error:
        raise UserError(
            f"{path.name} cannot be read as an index of pictures ({str(error)[:80]}): repair or remove it"
        ) from None


def _inside(folder: Path, beside: Path, name: str, place: str) -> Path:
    """Return the file an index names, by the end of its path if it was written on another machine.

    Raises UserError if it is not there or outside the folder of the set.
    """
    parts = Path(name).parts
    tries = (base.joinpath(*parts[k:]) for k in range(len(parts)) for base in (beside, folder))
    file = next((path.resolve() for path in tries if path.is_file()), None)
    if file is None:
        raise UserError(
            f"{place} names the picture '{name[:80]}', which is not there: mend the path or remove the line"
        )
    if not file.is_relative_to(folder.resolve()):
        raise UserError(f"{place} names the picture '{name[:80]}' outside the folder of the set: copy it in")
    return file


def _rows_of_folders(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the pictures of folders named by their class, inside folders named train, validation, test if there are any."""
    for path in sorted((p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()), key=_by_name):
        parents = path.relative_to(folder).parts[:-1]
        label = next((name for name in reversed(parents) if name.lower() not in PARTS), None)
        if label is None:
            raise UserError(
                f"'{path.relative_to(folder)}' has no label: put pictures into one folder per class, or write an index.csv "
                "with the columns file_name and label"
            )
        part = next((PARTS[name.lower()] for name in parents if name.lower() in PARTS), None)
        yield {"label": label, "read": path.read_bytes, "name": path.relative_to(folder).as_posix(), "part": part}


def _by_name(path: Path) -> tuple[Any, ...]:
    """Return the order of files whose names count, whatever folder they lie in: candle_2 before candle_10."""
    return [
        (word.isdigit(), int(word) if word.isdigit() else 0, word) for word in re.split(r"(\d+)", path.name) if word
    ], path.as_posix()


def part_of(name: str) -> int | None:
    """Return the part of a split that a file or folder name begins with, None if it names none."""
    return PARTS.get(re.split(r"[-_.\d]", name.lower())[0])


def _told_part(row: dict[str, Any], name: str) -> int | None:
    """Return the part that a row's own column names, else that of its file or folder."""
    told = PARTS.get(str(row.get("part")).strip().lower())
    return part_of(name) if told is None else told


def match(names: list[str]) -> dict[str, str]:
    """Return meaning -> column of an index."""
    lower = {name.lower(): name for name in names if isinstance(name, str)}
    return {
        meaning: lower[hit]
        for meaning, aliases in COLUMNS.items()
        if (hit := next((a for a in aliases if a in lower), None))
    }


def _of_rows(rows: list[dict[str, Any]]) -> PictureSet:
    if not rows:
        raise UserError(
            "there are no labelled pictures: give a folder with one folder per class, an index.csv with the columns file_name "
            "and label, or parquet files with the columns image and label"
        )
    rows = [row for row in rows if row.get("label") not in (None, "", -1)]
    labels = [str(row["label"]) for row in rows]
    classes = _classes(rows, labels)
    text = [str(row.get("text") or "") for row in rows]
    close = _numbers(rows, "close")
    if np.isnan(close).all() and any(text):
        close = np.array([_close_in(words) for words in text])
    known = [row["part"] for row in rows]
    return PictureSet(
        read=lambda k: rows[k]["read"](),
        names=[row["name"] for row in rows],
        classes=classes,
        label=np.array([classes.index(name) for name in labels], np.int64),
        text=text if any(text) else None,
        close=close,
        next_close=_numbers(rows, "next_close"),
        forward_return=_numbers(rows, "forward_return"),
        time=_times(rows),
        symbol=[tidy_symbol(row["symbol"]) for row in rows] if all(row.get("symbol") for row in rows) else None,
        part=np.array(known, np.int8) if None not in known and {0, 2} <= set(known) else None,
    )


def _classes(rows: list[dict[str, Any]], labels: list[str]) -> tuple[str, ...]:
    """Return the names of the classes as the set gives them, else those that occur, numbers in their order first."""
    told = next((row["classes"] for row in rows if row.get("classes")), None)
    classes = tuple(told or sorted(set(labels), key=_numbers_first))
    if len(classes) < 2:
        only = classes[0] if classes else "nothing"
        raise UserError(f"all pictures have the label {only}: a net needs at least two classes")
    return classes


def _numbers_first(name: str) -> tuple[bool, int, str]:
    return not name.isdecimal(), int(name) if name.isdecimal() else 0, name


def _close_in(text: str) -> float:
    hit = CLOSE.search(text)
    return float(hit[1].replace(",", "")) if hit else float("nan")


def _numbers(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    def number(row: dict[str, Any]) -> float:
        value = row.get(name)
        try:
            found = float(value) if value not in (None, "") else float("nan")
        except (TypeError, ValueError):
            raise UserError(
                f"{row['name']} has the {name} {str(value)[:40]!r}, which is no number: mend the index"
            ) from None
        return found if np.isfinite(found) else float("nan")

    return np.array([number(row) for row in rows])


def _times(rows: list[dict[str, Any]]) -> np.ndarray | None:
    values = [row.get("time") for row in rows]
    if any(value in (None, "") for value in values):
        return None
    try:
        column = pa.chunked_array([pa.array([int(str(v)) if str(v).isdigit() else v for v in values])])
    except (pa.ArrowException, TypeError):
        raise UserError("the column of times mixes numbers and text: write all of one kind") from None
    return read_times(column, "the index of the pictures")


def decode(data: bytes, shape: tuple[int, int, int], name: str) -> np.ndarray:
    """Return one picture (C, H, W) uint8 of the given shape, transparent parts on white; raises UserError if it is none."""
    from PIL import Image

    channels, height, width = shape
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise UserError(
                    f"{name} has {image.width}×{image.height} pixels, more than {MOST_PIXELS:,}: make it smaller"
                )
            shown: Image.Image = image
            if image.mode in ("RGBA", "LA", "PA", "P"):
                shown = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            pixels = np.asarray(
                shown.convert("L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BILINEAR)
            )
    except UserError:
        raise
    except Image.DecompressionBombError:  # before its size could be asked
        raise UserError(f"{name} has more than {MOST_PIXELS:,} pixels: make it smaller") from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError):
        raise UserError(f"{name} cannot be read as a picture ({', '.join(FORMATS)}): repair or remove it") from None
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
