"""Bars kept on disk: one Parquet file and one manifest per source, market, symbol, interval; killed anywhere, never broken."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from filelock import FileLock, Timeout

from candlelab.core import files
from candlelab.core.errors import UserError
from candlelab.market.archive import COLUMNS

MANIFEST = "manifest.json"
LOCK = ".lock"
STAGING = "staging"
VERSION = 1
Ranges = list[list[int]]


@dataclass
class CacheManifest:
    """What a stored series is made of; times are ms UTC, ranges half-open."""

    source: str
    market: str
    symbol: str
    interval: str
    data: str = ""  # name of the Parquet file beside the manifest, from its content
    sha256: str = ""
    bytes: int = 0
    rows: int = 0
    first: int | None = None
    last: int | None = None
    covered: Ranges = field(default_factory=list)  # ranges of open times that were fetched whole
    gaps: Ranges = field(default_factory=list)  # covered ranges without bars, verified or known outages
    files: list[dict[str, Any]] = field(default_factory=list)  # url, sha256, rows, start, end of each archive file used
    rest: list[dict[str, Any]] = field(default_factory=list)  # url, start, end, rows of what REST was asked for
    notes: list[str] = field(default_factory=list)
    fetched: str = ""  # when, UTC
    version: int = VERSION


class BarStore:
    """One cached series in a folder; readers need no lock, writers take one."""

    def __init__(self, folder: Path):
        self.folder = folder

    def manifest(self) -> CacheManifest | None:
        """Return the manifest, None if there is none, it is of another version or its data is not whole."""
        try:
            found = json.loads((self.folder / MANIFEST).read_text())
            if found["version"] != VERSION:
                return None
            manifest = CacheManifest(**found)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, KeyError):
            raise UserError(f"{self.folder / MANIFEST} is damaged: delete the folder and fetch again") from None
        data = self.folder / manifest.data
        if data.exists() and data.stat().st_size != manifest.bytes:
            return None  # the machine lost power between the two
        return manifest

    def read(self, *, start: int | None = None, end: int | None = None) -> dict[str, np.ndarray]:
        """Return the stored columns with start <= time < end, ascending; raises UserError without data."""
        place = self.folder
        for _ in range(5):  # a writer may replace the file between manifest and data
            manifest = self.manifest()
            if manifest is None:
                raise UserError(f"nothing is cached in {self.folder}: run task=fetch")
            with contextlib.suppress(FileNotFoundError):
                place = self.folder / manifest.data
                data = place.read_bytes()
                if hashlib.sha256(data).hexdigest() != manifest.sha256:
                    raise UserError(
                        f"{place} is damaged (its hash is not the manifest's): delete the folder and fetch again"
                    )
                table = pa.parquet.read_table(pa.BufferReader(data))
                return _cut({n: table.column(n).to_numpy() for n in table.column_names}, start, end)
        raise UserError(f"{place} is gone though the manifest names it: delete the folder and fetch again")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the series for writing; another process waits. The lock dies with its process."""
        files.make_folder(self.folder)
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"another process is fetching into {self.folder}: waiting for it", file=sys.stderr, flush=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def commit(self, bars: dict[str, np.ndarray], manifest: CacheManifest) -> CacheManifest:
        """Replace data and manifest by new ones in one step (the manifest's rename); call it inside `locked`."""
        manifest.rows = len(bars["time"])
        manifest.first, manifest.last = (int(bars["time"][0]), int(bars["time"][-1])) if manifest.rows else (None, None)
        part = self.folder / "candles.parquet.part"
        with files.refused_in_words(part):
            write_parquet(bars, part)
        manifest.sha256, manifest.bytes = file_sha256(part), part.stat().st_size
        manifest.data = f"candles-{manifest.sha256[:16]}.parquet"
        files.move(part, self.folder / manifest.data)
        files.write_bytes(self.folder / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
        self.sweep()
        return manifest

    def litter(self) -> list[Path]:
        """Return what a killed process left behind; verified zips that no commit has used yet are none."""
        manifest = self.manifest()
        keep = {MANIFEST, LOCK, STAGING} | ({manifest.data} if manifest else set())
        used = {f["name"] for f in manifest.files} if manifest else set()
        staging = self.folder / STAGING
        staged = (
            [p for p in staging.iterdir() if p.suffix in (".part", ".tmp") or p.name[65:] in used]
            if staging.is_dir()
            else []
        )
        return [p for p in self.folder.iterdir() if p.name not in keep] + staged if self.folder.is_dir() else []

    def sweep(self) -> None:
        """Remove the litter; call it inside `locked`."""
        for path in self.litter():
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # zips of an interrupted longer fetch may still wait there
            (self.folder / STAGING).rmdir()

    def tidy(self) -> None:
        """Remove the litter, if there is any and no other process is at work here."""
        if not self.litter() and not (self.folder / STAGING).is_dir():
            return
        with contextlib.suppress(Timeout), FileLock(self.folder / LOCK, timeout=0):
            self.sweep()

    def stage(self, name: str, data: bytes, sha256: str) -> Path:
        """Keep a verified download until the commit, so that an interrupted fetch need not repeat it."""
        path = self.folder / STAGING / f"{sha256}-{name}"
        files.write_bytes(path, data)
        return path

    def staged(self, name: str) -> tuple[bytes, str] | None:
        """Return (data, sha256) of a staged download whose bytes still hash to its name, else None."""
        for path in sorted((self.folder / STAGING).glob(f"{'?' * 64}-{name}")):
            data = path.read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            if path.name.startswith(sha256):
                return data, sha256
        return None


def write_parquet(bars: dict[str, np.ndarray], path: Path) -> None:
    """Write columns as Parquet, the same bytes for the same values."""
    table = pa.table({name: pa.array(bars[name]) for name in COLUMNS if name in bars})
    pa.parquet.write_table(
        table,
        path,
        compression="lz4",
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
        use_byte_stream_split=[n for n in table.column_names if n != "time"],
        row_group_size=1 << 20,
    )


def file_sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def uncovered(wanted: tuple[int, int], covered: Ranges) -> Ranges:
    """Return the parts of [start, end) outside the covered ranges."""
    left, (at, end) = [], wanted
    for start, stop in sorted(covered):
        if start > at:
            left.append([at, min(start, end)])
        at = max(at, stop)
        if at >= end:
            break
    if at < end:
        left.append([at, end])
    return [r for r in left if r[0] < r[1]]


def merge_ranges(ranges: Ranges) -> Ranges:
    """Return the union of half-open ranges, ascending, touching ones joined."""
    merged: Ranges = []
    for start, end in sorted(r for r in ranges if r[0] < r[1]):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def _cut(bars: dict[str, np.ndarray], start: int | None, end: int | None) -> dict[str, np.ndarray]:
    first = 0 if start is None else int(np.searchsorted(bars["time"], start))
    last = len(bars["time"]) if end is None else int(np.searchsorted(bars["time"], end))
    return {name: column[first:last] for name, column in bars.items()}


@dataclass(frozen=True)
class CachedSeries:
    """One row of the inventory."""

    source: str
    market: str
    symbol: str
    interval: str
    first: int | None
    last: int | None
    rows: int
    gaps: int
    bytes: int
    fetched: str
    folder: str
    state: str = "whole"


def cache_inventory(cache: str | Path) -> list[CachedSeries]:
    """Return what is on disk under a cache folder, by source, market, symbol, interval; reads manifests only.

    A series that cannot be read is a row too, whose state says why.
    """
    found = sorted(Path(cache).glob(f"*/*/*/*/{MANIFEST}"))
    return [row for path in found if (row := _cached(path.parent)) is not None]


def _cached(folder: Path) -> CachedSeries | None:
    try:
        m = BarStore(folder).manifest()
    except ValueError as error:
        source, market, symbol, interval = folder.parts[-4:]
        return CachedSeries(source, market, symbol, interval, None, None, 0, 0, 0, "", str(folder), str(error))
    return (
        None
        if m is None
        else CachedSeries(
            m.source,
            m.market,
            m.symbol,
            m.interval,
            m.first,
            m.last,
            m.rows,
            len(m.gaps),
            m.bytes,
            m.fetched,
            str(folder),
        )
    )
