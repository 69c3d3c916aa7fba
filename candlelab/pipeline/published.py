"""The files of what is published: charts with their labels as Parquet, bars, recipes, and runs without local paths."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from omegaconf import DictConfig, OmegaConf

from candlelab import run as runs
from candlelab.config import plain
from candlelab.core.candles import Candles
from candlelab.core.columns import EXTRAS, OHLCV
from candlelab.core.images import png
from candlelab.data.samples import SampleSet
from candlelab.data.split.parts import PARTS
from candlelab.pipeline.scores.passport import published_passport

BATCH = 256  # charts drawn at a time
UNLISTED = (runs.EXPORTS, runs.PASSPORT)  # not in a run's manifest
KEPT = ("candlelab", "commit", "dirty", "python", "packages")  # of environment.json: nothing of the machine


def write_charts(data: SampleSet, folder: Path, rows_per_file: int) -> dict[str, tuple[int, int]]:
    """Write data/<part>-00000-of-00001.parquet for each part, in time order; return {part: (rows, bytes)}."""
    folder.mkdir(parents=True)
    sizes = {}
    for part in PARTS:
        ends = in_time_order(data, part)
        files = max(1, -(-len(ends) // rows_per_file))
        for k in range(files):
            _write_file(
                data,
                ends[k * rows_per_file : (k + 1) * rows_per_file],
                folder / f"{part}-{k:05d}-of-{files:05d}.parquet",
            )
        sizes[part] = len(ends), sum(path.stat().st_size for path in folder.glob(f"{part}-*"))
    return sizes


def in_time_order(data: SampleSet, part: str) -> np.ndarray:
    """Return the end rows of a part sorted by time, then symbol."""
    made = data.prepared
    ends = made.ends[data.samples(part)]
    return ends[np.lexsort((made.candles.symbol[ends], made.candles.time[ends]))]


def _write_file(data, ends: np.ndarray, path: Path) -> None:
    form = parquet_schema(data.label.classes)
    with pq.ParquetWriter(path, form, compression="zstd") as file:
        for first in range(0, len(ends), BATCH):
            some = ends[first : first + BATCH]
            file.write_table(pa.Table.from_pydict(window_columns(data, some), schema=form))


def window_columns(data: SampleSet, ends: np.ndarray) -> dict[str, Any]:
    """Return the columns of some windows, as `schema` names them."""
    made = data.prepared
    names = np.array(made.candles.symbols)[made.candles.symbol[ends]]
    times = made.candles.time[ends]
    images = [
        {"bytes": png(image), "path": f"{name}-{time}.png"}
        for image, name, time in zip(data.charts(ends), names, times, strict=True)
    ]
    returns = made.labels.forward_return[ends]
    return {
        "image": images,
        "caption": data.caption(made.candles, ends, data.window),
        "label": made.labels.label[ends],
        "next_close": _known(next_close(made.candles, ends)),
        "forward_return": _known(returns),
        "time": times,
        "symbol": names,
    }


def _known(values: np.ndarray) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def next_close(candles: Candles, ends: np.ndarray) -> np.ndarray:
    """Return the close of the bar after each window; (n,), NaN where its segment ends."""
    after = np.minimum(ends + 1, len(candles) - 1)
    follows = (ends + 1 < len(candles)) & (candles.segment[after] == candles.segment[ends])
    return np.where(follows, candles.close[after], np.nan)


def parquet_schema(classes: tuple[str, ...]) -> pa.Schema:
    """Return the Parquet schema, with what `datasets` needs to see images and class names."""
    features = {
        "image": {"_type": "Image"},
        "caption": _value("string"),
        "label": {"names": list(classes), "_type": "ClassLabel"},
        "next_close": _value("float64"),
        "forward_return": _value("float64"),
        "time": _value("timestamp[ms, tz=UTC]"),
        "symbol": _value("string"),
    }
    kinds = {
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        "caption": pa.string(),
        "label": pa.int64(),
        "next_close": pa.float64(),
        "forward_return": pa.float64(),
        "time": pa.timestamp("ms", tz="UTC"),
        "symbol": pa.string(),
    }
    return pa.schema(kinds, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _value(kind: str) -> dict[str, Any]:
    return {"dtype": kind, "_type": "Value"}


def write_bars(data: SampleSet, folder: Path) -> None:
    """Write bars/<symbol>-<interval>.parquet for each symbol: what data/source=huggingface reads."""
    folder.mkdir(parents=True)
    tape = data.prepared.candles
    names = (*OHLCV, *(name for name in EXTRAS if getattr(tape, name) is not None))
    for code, symbol in enumerate(tape.symbols):
        mine = tape.symbol == code
        mine &= True if tape.missing is None else ~tape.missing
        table = {"open_time": tape.time[mine]} | {name: getattr(tape, name)[mine] for name in names}
        pq.write_table(pa.table(table), folder / f"{symbol}-{tape.intervals[code]}.parquet", compression="zstd")


def recipe(cfg: DictConfig, data: SampleSet, command: str) -> dict[str, Any]:
    """Return how the data are made, and hashes that tell whether somebody made the same; no price is in it."""
    made, hashes = data.prepared, {}
    for part in PARTS:
        ends = in_time_order(data, part)
        words = json.dumps(data.caption(made.candles, ends, data.window))
        arrays = (made.candles.time[ends], made.labels.label[ends].astype(np.int64))
        digest = hashlib.sha256(b"".join(a.tobytes() for a in arrays) + words.encode())
        hashes[part] = {"samples": len(ends), "sha256": digest.hexdigest()}
    settings = {name: portable(plain(cfg)[name]) for name in ("data", "render")}
    return {"command": command, "fingerprint": data.fingerprint, "parts": hashes, "card": data.describe(), **settings}


def run_files(run: runs.Run, folder: Path) -> dict[str, Path]:
    """Return {path in the repository: file} of a run, config and environment rewritten without what only this machine knows."""
    names = [
        path.relative_to(run.folder).as_posix()
        for pattern in runs.PUBLISHED
        for path in sorted(run.folder.glob(pattern))
    ]
    files = {
        name: run.folder / name if name.startswith(UNLISTED) else run.file(name)
        for name in names
        if name != runs.MANIFEST
    }
    config, machine = folder / runs.CONFIG, folder / runs.ENVIRONMENT
    runs.write_text(config, OmegaConf.to_yaml(OmegaConf.create(portable(plain(run.cfg)) | {"outputs": "outputs"})))
    runs.write_json(machine, {name: run.environment.get(name) for name in KEPT} | {"command": command_of(run)})
    files |= {runs.CONFIG: config, runs.ENVIRONMENT: machine}
    if runs.PASSPORT in files:
        runs.write_text(folder / runs.PASSPORT, published_passport(run.folder / runs.PASSPORT, files))
        files[runs.PASSPORT] = folder / runs.PASSPORT
    return files | {runs.MANIFEST: runs.write_manifest(folder / runs.MANIFEST, files)}


def portable(node: Any) -> Any:
    """Return settings with the folders of local files cut off: names stay, places go."""
    if isinstance(node, dict):
        return {key: portable(value) for key, value in node.items()}
    if isinstance(node, list):
        return [portable(value) for value in node]
    return (
        Path(node).name
        if isinstance(node, str) and (node.startswith(("/", "~", "..")) or Path(node).is_absolute())
        else node
    )


def command_of(run: runs.Run) -> str:
    """Return the command that trained a run, without the places of this machine."""
    start, words = "python -m candlelab", run.environment["command"].split()[3:]
    return " ".join([start, *map(shlex.quote, portable_words(words))])


def portable_words(words: list[str]) -> list[str]:
    """Return overrides without the outputs folder and without the places of local files."""
    pairs = [
        word.partition("=")
        for word in words
        if ("=" in word or word.startswith("-")) and not word.startswith("outputs=")
    ]
    return [f"{key}{sign}{portable(value)}" for key, sign, value in pairs]
