"""Cached series as one tape: what every source that fetches from the exchange does around `collect`."""

from __future__ import annotations

import difflib
import time as clock
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from candlelab.core.candles import Candles, concat
from candlelab.core.errors import DataTrouble, ExchangeRefuses, UserError
from candlelab.core.interval import check_interval, floor_open
from candlelab.core.progress import ProgressBars
from candlelab.core.times import iso
from candlelab.market.archive import MARKETS, list_folder
from candlelab.market.cache import BarStore, CacheManifest
from candlelab.market.collect import CacheFolders, collect
from candlelab.market.quality import Quality, break_at_relistings, clean_bars
from candlelab.market.symbols import tidy_symbol
from candlelab.market.threads import in_threads
from candlelab.market.web import UnknownSymbol

Collected = tuple[BarStore, CacheManifest, list[str]]


@dataclass
class Fetched:
    """A tape and what is to be said of it."""

    tape: Candles
    quality: list[Quality] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)  # what a refresh noticed


def fetch_series(
    places: CacheFolders,
    cache: Path,
    source: str,
    symbols: list[str],
    interval: str,
    start: int | None,
    end: int | None,
    *,
    refresh: bool,
    misaligned: str,
) -> Fetched:
    """Return the bars with start <= open time < end, ms UTC, of all symbols, fetched into `cache` where it lacks them.

    Raises UserError for an unknown symbol or a bad range, ExchangeRefuses, DataTrouble; what was good stays cached.
    """
    interval = check_interval(interval)
    wanted = check_range(start, end, interval, places.begins)
    tapes, qualities, noticed = [], [], []
    for store, manifest, changes in collect_series(places, cache, source, symbols, interval, wanted, refresh=refresh):
        noticed += changes
        quality = Quality(manifest.symbol, interval, notes=list(manifest.notes))
        tapes.append(load(store, manifest, wanted, quality, misaligned))
        qualities.append(quality)
    return Fetched(break_at_relistings(tapes[0] if len(tapes) == 1 else concat(tapes)), qualities, noticed)


def collect_series(
    places: CacheFolders,
    cache: Path,
    source: str,
    symbols: list[str],
    interval: str,
    wanted: tuple[int, int],
    *,
    refresh: bool,
) -> list[Collected]:
    """Bring the cached series of all symbols up to `wanted` [start, end), ms UTC; return (store, manifest, changes) of each.

    Several symbols at a time, and of each fewer files at a time: together never more downloads than `places.workers`. Of symbols
    that fail the first is told, once those that had begun are done; what was good stays cached.
    """
    names = check_symbols(symbols)
    at_once = min(places.workers, len(names))
    share = replace(places, workers=places.workers // at_once)
    with ProgressBars() as progress:

        def one(name: str) -> Collected:
            store = BarStore(cache / source / places.market / name / interval)
            blank = CacheManifest(source, places.market, name, interval)
            try:
                return store, *collect(share, store, blank, wanted, refresh=refresh, progress=progress)
            except UnknownSymbol:
                raise UserError(unknown(places, name)) from None
            except (DataTrouble, ExchangeRefuses) as error:
                raise type(error)(f"{error}{kept(store)}") from None

        return in_threads(one, names, at_once, places.web.cancelled)


def kept(store: BarStore) -> str:
    """Return what of a series is cached all the same, as the end of a sentence; empty if nothing is."""
    manifest = store.manifest()
    if manifest is None or not manifest.covered:
        return ""
    spans = ", ".join(f"{iso(a)} to {iso(b)}" for a, b in manifest.covered[-3:])
    return f" (cached and usable now with data.start and data.end inside: {manifest.symbol} {spans})"


def load(
    store: BarStore, manifest: CacheManifest, wanted: tuple[int, int], quality: Quality, misaligned: str
) -> Candles:
    """Return the cleaned tape of a cached series; raises UserError if the range holds no bar."""
    bars = store.read(start=wanted[0], end=wanted[1]) if manifest.rows else {"time": np.zeros(0, np.int64)}
    if not len(bars["time"]):
        have = "none at all"
        if manifest.rows and manifest.first is not None and manifest.last is not None:
            have = f"{iso(manifest.first)} to {iso(manifest.last)}"
        raise UserError(
            f"{manifest.symbol} has no {manifest.interval} bar from {iso(wanted[0])} to {iso(wanted[1])} "
            f"(known: {have}): set data.symbols, data.start, data.end"
        )
    bars = clean_bars(bars, quality, now=int(clock.time() * 1000), misaligned=misaligned)
    return Candles.build(
        symbols=(manifest.symbol,), intervals=(manifest.interval,), symbol=np.zeros(len(bars["time"]), np.int32), **bars
    )


def unknown(places: CacheFolders, name: str) -> str:
    """Return the sentence on an unknown symbol, with the nearest one the archive lists."""
    folders: list[str] = []
    if places.archive_url is not None:
        try:
            _, folders = list_folder(places.web, places.listing_url, f"data/{MARKETS[places.market]}/monthly/klines/")
        except DataTrouble:
            folders = []
    near = difflib.get_close_matches(name, [f.rstrip("/").split("/")[-1] for f in folders], n=1)
    hint = f", did you mean {near[0]}?" if near else ": set data.symbols"
    return f"symbol {name} is unknown to Binance ({places.market}){hint}"


def check_symbols(symbols: list[str]) -> list[str]:
    """Return symbols as the exchange writes them, repeats removed; raises UserError for none or an impossible one."""
    names = list(dict.fromkeys(tidy_symbol(s) for s in symbols))
    if not names:
        raise UserError("no symbol was asked for: set data.symbols=[BTCUSDT]")
    return names


def check_range(start: int | None, end: int | None, interval: str, begins: int) -> tuple[int, int]:
    """Return [start, end) up to the last finished bar, ms UTC; raises UserError if it is empty."""
    now = int(floor_open(int(clock.time() * 1000), interval))
    first = max(start if start is not None else begins, begins)
    last = min(end if end is not None else now, now)
    if first >= last:
        told = (
            f"from {iso(start) if start is not None else 'the beginning'} to {iso(end) if end is not None else 'now'}"
        )
        raise UserError(
            f"the range {told} holds no finished {interval} bar: data.start must be before data.end and before now"
        )
    return first, last
