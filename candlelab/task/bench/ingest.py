"""How fast verified zips become a cached tape, beside plain unzip and pyarrow.csv of the same files."""

from __future__ import annotations

import io
import tempfile
import time as clock
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from candlelab.market.archive import ArchiveFile, parse_zip
from candlelab.market.cache import BarStore, CacheManifest
from candlelab.market.columns import ARCHIVE_COLUMNS
from candlelab.market.merge import join
from candlelab.market.quality import Quality
from candlelab.market.series import load

MINUTE = 60_000


def bench_ingest(*, months: int = 24, repeats: int = 3, threads: int = 2) -> dict[str, float]:
    """Return bars per second, and per second of processor time, of each way through the same monthly 1m zips.

    ingest  parse on `threads` threads, join, commit to the cache (Parquet and manifest on disk).
    load    from that cache to cleaned, segmented Candles.
    plain   zipfile and pyarrow.csv with its own threads, into one Arrow table, nothing checked, nothing written;
            plain_parallel: the same on `threads` files at a time.
    Each is the best of `repeats`; the figure per processor second is the one other programs do not disturb.
    """
    files = [ArchiveFile("spot", "BENCHUSDT", "1m", str(np.datetime64("2021-01", "M") + k)) for k in range(months)]
    rng = np.random.default_rng(0)
    zips = [(f, make_month(f, rng)) for f in files]
    rows = sum((f.end - f.start) // MINUTE for f in files)
    span = (files[0].start, files[-1].end)
    with tempfile.TemporaryDirectory() as folder:
        store = BarStore(Path(folder))
        times = {"ingest": best(lambda: ingest_zips(zips, store, threads), repeats)}
        manifest = store.manifest()
        assert manifest is not None, "the bars were just stored"
        times["load"] = best(lambda: load(store, manifest, span, Quality("BENCHUSDT", "1m"), "drop"), repeats)
    times["plain"] = best(lambda: plain_read(zips), repeats)
    times["plain_parallel"] = best(lambda: plain_read_in_threads(zips, threads), repeats)
    figures = {"bars": rows, "zip_megabytes": round(sum(len(z) for _, z in zips) / 1e6, 1)}
    for name, (wall, processor) in times.items():
        figures |= {
            f"{name}_seconds": round(wall, 3),
            f"{name}_bars_per_second": round(rows / wall),
            f"{name}_bars_per_cpu_second": round(rows / processor),
        }
    return figures


def ingest_zips(zips: list[tuple[ArchiveFile, bytes]], store: BarStore, threads: int) -> CacheManifest:
    """Bring verified zips into an empty store as a fetch does, and return the manifest."""
    with ThreadPoolExecutor(threads) as pool:
        bars = join(list(pool.map(lambda pair: parse_zip(pair[1], pair[0]), zips)))
    first = zips[0][0]
    manifest = CacheManifest(
        "bench", first.market, first.symbol, first.interval, covered=[[first.start, zips[-1][0].end]]
    )
    with store.locked():
        return store.commit(bars, manifest)


def plain_read(zips: list[tuple[ArchiveFile, bytes]]) -> pa.Table:
    """Return what a short script would make of the zips."""
    return pa.concat_tables([_plain_table(data) for _, data in zips])


def plain_read_in_threads(zips: list[tuple[ArchiveFile, bytes]], threads: int) -> pa.Table:
    """Return what a script would make of the zips that reads several at a time."""
    with ThreadPoolExecutor(threads) as pool:
        return pa.concat_tables(list(pool.map(_plain_table, [data for _, data in zips])))


def _plain_table(data: bytes) -> pa.Table:
    names = pa.csv.ReadOptions(column_names=list(ARCHIVE_COLUMNS))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return pa.csv.read_csv(pa.py_buffer(archive.read(archive.namelist()[0])), read_options=names)


def best(action: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return (wall, processor) seconds of the shortest of some runs each: the others were disturbed."""
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = clock.perf_counter(), clock.process_time()
        action()
        walls.append(clock.perf_counter() - wall)
        processors.append(clock.process_time() - processor)
    return min(walls), min(processors)


def make_month(file: ArchiveFile, rng: np.random.Generator) -> bytes:
    """Return a zip like the archive's of one month of simulated minutes, eight decimals and all."""
    time = np.arange(file.start, file.end, MINUTE)
    close = 30_000 * np.exp(np.cumsum(rng.normal(0, 5e-4, len(time))))
    opens = np.append(30_000, close[:-1])
    high = np.maximum(opens, close) * (1 + rng.exponential(2e-4, len(time)))
    low = np.minimum(opens, close) * (1 - rng.exponential(2e-4, len(time)))
    volume, trades = rng.gamma(2, 10, len(time)), rng.poisson(700, len(time))
    cells = zip(time, opens, high, low, close, volume, trades, rng.random(len(time)), strict=True)
    text = "".join(
        f"{t},{o:.2f}000000,{h:.2f}000000,{lo:.2f}000000,{c:.2f}000000,{v:.5f}000,{t + MINUTE - 1},{v * c:.8f},{n},"
        f"{v * b:.5f}000,{v * b * c:.8f},0\n"
        for t, o, h, lo, c, v, n, b in cells
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(file.name.removesuffix(".zip") + ".csv", text)
    return buffer.getvalue()
