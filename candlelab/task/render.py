"""Draw the charts of a data set into a store, and a contact sheet to look at."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from omegaconf import DictConfig
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from candlelab.config import build
from candlelab.data.splits import DROPPED, NAMES
from candlelab.render.storage.build import build_store, estimate
from candlelab.render.storage.live import Live

SHEET = (6, 8)  # rows and columns of the contact sheet
GAP = 4  # pixels between its charts


def render(cfg: DictConfig) -> dict:
    """Draw every window of the data into render/storage=…, or only the contact sheet where nothing is stored."""
    data = build(cfg, "data", build(cfg, "render"))
    sheet = contact_sheet(data, Path(cfg.outputs) / "sheets" / f"{cfg.name}-{recipe_hash(data)}.png")
    print(f"contact sheet {sheet}")
    storage = data.renderer.storage
    if isinstance(storage, Live):
        print("render/storage=live keeps nothing on disk; choose zarr, hdf5, npz, png or jpeg to build a store")
        return {}
    expected = estimate(data.prepared.candles, data.prepared.ends, data.renderer, storage)
    print(f"{expected.pictures:,} charts, about {expected.seconds:.0f} s and {expected.megabytes:.0f} MB", flush=True)
    store = stored(data, Path(cfg.outputs))
    described = store.describe()
    print(f"store {store.path}")
    for name, value in described.items():
        print(f"  {name:<12} {json.dumps(value) if isinstance(value, dict) else value}")
    return described


def stored(data, outputs: Path):
    """Return the finished store of the data's charts, built now where it is not there yet."""
    storage, made = data.renderer.storage, data.prepared
    path = Path(storage.path) if storage.path else outputs / "stores" / f"{type(storage).__name__.lower()}-{recipe_hash(data)}"
    parts = np.array([*(NAMES[k] for k in sorted(NAMES) if k != DROPPED), "dropped"])
    columns = {"label": made.labels.label[made.ends], "split": parts[made.part],
               "forward_return": made.labels.forward_return[made.ends],
               "caption": data.caption(made.candles, made.ends, data.window)}
    with Progress(TextColumn("drawing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True) as bar:
        line = bar.add_task("drawing", total=len(made.ends))
        return build_store(made.candles, made.ends, data.renderer, storage, columns, path,
                           progress=lambda done, total: bar.update(line, completed=done, total=total))


def recipe_hash(data) -> str:
    """Return 8 hex digits of how and of what the charts are drawn."""
    recipe = [data.renderer.recipe(), vars(data.renderer.storage), data.fingerprint]
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode()).hexdigest()[:8]


def contact_sheet(data, path: Path) -> Path:
    """Write a picture of windows spread over the data, one row of charts per class that occurs, in turn; return its path."""
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
    _tile(images[order], rows, columns, path)
    return path


def _tile(images: np.ndarray, rows: int, columns: int, path: Path) -> None:
    count, channels, height, width = images.shape
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), 128, np.uint8)
    for k in range(count):
        top, left = (k // columns) * (height + GAP) + GAP, (k % columns) * (width + GAP) + GAP
        sheet[top:top + height, left:left + width] = images[k].transpose(1, 2, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet.squeeze(-1) if channels == 1 else sheet).save(path)
