"""Draw the charts of a data set into a store, and a contact sheet to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from omegaconf import DictConfig
from PIL import Image, ImageDraw, ImageFont

from candlelab.config import build
from candlelab.core import files
from candlelab.pipeline.inputs.stores import content_hash, mended
from candlelab.render.storage.build import estimate
from candlelab.render.storage.live import Live

if TYPE_CHECKING:
    from candlelab.data.samples import SampleSet

SHEET = (6, 8)  # rows and columns of the contact sheet
GAP = 4  # pixels between its charts
PAPER = 90  # grey between them


def render(cfg: DictConfig) -> dict[str, Any]:
    """Draw every window of the data into render/storage=…, or only the contact sheet where nothing is stored."""
    data = build(cfg, "data", build(cfg, "render"))
    sheet = contact_sheet(data, Path(cfg.outputs) / "sheets" / f"{cfg.name}-{content_hash(data)}.png")
    print(f"contact sheet {sheet}")
    storage = data.renderer.storage
    if isinstance(storage, Live):
        print("render/storage=live keeps nothing on disk; choose zarr, hdf5, npz, png or jpeg to build a store")
        return {}
    expected = estimate(data.prepared.candles, data.prepared.ends, data.renderer, storage)
    print(f"{expected.pictures:,} charts, about {expected.seconds:.0f} s and {expected.megabytes:.0f} MB", flush=True)
    store = mended(data, Path(cfg.outputs))
    described = store.describe()
    print(f"store {store.path}")
    for name, value in described.items():
        print(f"  {name:<12} {json.dumps(value) if isinstance(value, dict) else value}")
    return described


def contact_sheet(data: SampleSet, path: Path) -> Path:
    """Write a picture of windows spread over the data, one named row of charts per class that occurs, in turn; return its path."""
    made, (rows, columns) = data.prepared, SHEET
    labels = made.labels.label[made.ends]
    classes = np.unique(labels)
    rows = max(rows, len(classes))
    chosen = []
    for row in range(rows):
        mine = np.flatnonzero(labels == classes[row % len(classes)])
        start = min(row // len(classes), len(mine) - 1)
        chosen.append(mine[np.linspace(start, len(mine) - 1, columns).astype(int)])
    images = data.charts(np.sort(made.ends[np.concatenate(chosen)]))
    order = np.argsort(np.argsort(made.ends[np.concatenate(chosen)], kind="stable"), kind="stable")
    words = [data.label.classes[label].replace("_", " ") if label >= 0 else "no label" for label in classes]
    with files.atomic(path) as temporary:
        _named(_tiled(images[order], rows, columns), [words[row % len(words)] for row in range(rows)]).save(
            temporary, format="png"
        )
    return path


def _tiled(images: np.ndarray, rows: int, columns: int) -> Image.Image:
    """Return charts (rows * columns, C, H, W) side by side on grey."""
    count, channels, height, width = images.shape
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), PAPER, np.uint8)
    for k in range(count):
        top, left = (k // columns) * (height + GAP) + GAP, (k % columns) * (width + GAP) + GAP
        sheet[top : top + height, left : left + width] = images[k].transpose(1, 2, 0)
    return Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet)


def _named(sheet: Image.Image, words: list[str]) -> Image.Image:
    """Return the sheet with a word before each of its rows."""
    font = ImageFont.load_default(16)
    margin = 3 * GAP + int(max(font.getlength(word) for word in words))
    page = Image.new(sheet.mode, (margin + sheet.width, sheet.height), PAPER if sheet.mode == "L" else (PAPER,) * 3)
    page.paste(sheet, (margin, 0))
    pen = ImageDraw.Draw(page)
    for row, word in enumerate(words):
        pen.text(
            (2 * GAP, (row + 0.5) * sheet.height / len(words)),
            word,
            font=font,
            fill=255 if sheet.mode == "L" else (255,) * 3,
            anchor="lm",
        )
    return page
