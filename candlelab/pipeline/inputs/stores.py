"""Image store of a data set: built once, named by the hash of what it holds."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from candlelab.config import build, compose
from candlelab.core.candles import Candles
from candlelab.core.progress import ProgressBars
from candlelab.data.samples import SampleSet
from candlelab.data.split.parts import DROPPED, NAMES
from candlelab.data.windows import valid_ends
from candlelab.render.storage.build import build_store, set_aside
from candlelab.render.storage.storage import Storage
from candlelab.render.storage.store import Store


def stored(data: SampleSet, outputs: Path) -> Store:
    """Return the finished store of the data's charts, built now where it is not there yet."""
    storage, made, path = data.chart_renderer.storage, data.prepared, store_folder(data, outputs)
    assert isinstance(storage, Storage), "live charts have no store"
    parts = np.array([*(NAMES[k] for k in sorted(NAMES) if k != DROPPED), "dropped"])
    columns = {
        "label": made.labels.label[made.ends],
        "split": parts[made.part],
        "forward_return": made.labels.forward_return[made.ends],
        "caption": data.caption(made.candles, made.ends, data.window),
    }
    with ProgressBars() as bars:
        bar = bars.add("drawing", len(made.ends), "charts")
        return build_store(
            made.candles,
            made.ends,
            data.chart_renderer,
            storage,
            columns,
            path,
            progress=lambda done, total: bars.reach(bar, done, "drawing"),
        )


def mended(data: SampleSet, outputs: Path) -> Store:
    """Return the finished store of the data's charts; one that is damaged is moved aside and built again."""
    aside = set_aside(store_folder(data, outputs))
    store = stored(data, outputs)
    if aside is not None and not data.chart_renderer.storage.path:
        shutil.rmtree(aside, ignore_errors=True)  # its name was ours; beside a place that somebody chose it stays
    return store


def store_folder(data: SampleSet, outputs: Path) -> Path:
    """Return the folder of the data's store: the one that was chosen, or one named by what it holds."""
    storage = data.chart_renderer.storage
    return (
        Path(storage.path)
        if storage.path
        else outputs / "stores" / f"{type(storage).__name__.lower()}-{content_hash(data)}"
    )


def content_hash(data: SampleSet) -> str:
    """Return 8 hex digits of how and of what the charts are drawn, and of the labels, splits and captions beside them."""
    made = data.prepared
    recipe = [
        data.chart_renderer.recipe(),
        vars(data.chart_renderer.storage),
        data.fingerprint,
        type(data.caption).__name__,
        data.caption.length,
    ]
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode())
    for column in (made.labels.label, made.labels.forward_return):
        digest.update(column[made.ends].tobytes())
    return digest.hexdigest()[:8]


def store(
    frame: pd.DataFrame,
    path: Path | str,
    *,
    window: int = 48,
    render: str = "candles",
    storage: str = "zarr",
    overrides: tuple[str, ...] = (),
) -> Store:
    """Return the finished store of the charts of every window of a table of bars, labelled by the direction of the next bar.

    frame            columns open_time (ms or datetime), open, high, low, close, volume, optional symbol.
    path             folder of the store; what is there of the same charts is gone on with.
    render, storage  options of the groups render and render/storage; overrides: of any other setting, as on the command line.
    Raises UserError for a table that is none of bars, or a path that holds other files.
    """
    cfg = compose(
        f"data.window={window}",
        f"render={render}",
        f"render/storage={storage}",
        "data.start=null",
        "data.end=null",
        *overrides,
    )
    candles = Candles.from_frame(frame)
    labels, renderer = build(cfg, "data.label")(candles, window), build(cfg, "render")
    ends = valid_ends(candles, window=renderer.window, warmup=renderer.warmup, stride=cfg.data.stride)
    ends = ends[labels.label[ends] >= 0]
    columns = {"label": labels.label[ends], "forward_return": labels.forward_return[ends]}
    return build_store(candles, ends, renderer, renderer.storage, columns, Path(path), progress=None)
