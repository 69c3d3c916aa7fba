"""Bars from Binance's public archive, completed by its REST interface, kept in the cache."""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import Literal

import numpy as np

from candlelab.data.archive import MARKETS, list_folder
from candlelab.data.cache import Manifest, Store
from candlelab.data.candles import Candles, concat
from candlelab.data.collect import Places, collect, iso
from candlelab.data.interval import check_interval
from candlelab.data.progress import Progress
from candlelab.data.quality import Quality, clean
from candlelab.data.resample import floor_open
from candlelab.data.rest import HOSTS, Rest, web_transport
from candlelab.data.table import tidy_symbol
from candlelab.data.trouble import DataTrouble
from candlelab.data.web import UnknownSymbol, Web

NAME = "binance_vision"
ARCHIVE_BEGINS = 1_498_867_200_000  # 2017-07-01, before the first bar


class BinanceVision:
    """Monthly zips where published, daily zips for the rest, REST for what the archive has not yet.

    After `fetch`, `quality` says per symbol what was found and `changes` what a refresh noticed.
    """

    def __init__(self, *, market: Literal["spot", "um", "cm"], archive_url: str, listing_url: str, rest_url: str | None,
                 cache: str, refresh: bool, misaligned: Literal["drop", "snap", "refuse"], workers: int, tries: int,
                 pause: float, timeout: float):
        if not 1 <= workers <= 4:
            raise ValueError(f"data.source.workers is {workers}: choose 1 to 4 downloads at a time")
        if pause < 0 or timeout <= 0:
            raise ValueError(f"data.source.pause is {pause} and timeout {timeout}: pause must be >= 0, timeout > 0")
        self.market, self.cache, self.refresh, self.misaligned = market, Path(cache), refresh, misaligned
        self.web = Web(tries=tries, pause=pause, timeout=timeout)
        rest_url = rest_url or HOSTS[market]
        rest = Rest(self.web, market, web_transport(self.web, rest_url, market))
        self.places = Places(self.web, rest, market, archive_url, listing_url, rest_url, workers)
        self.quality: list[Quality] = []
        self.changes: list[str] = []

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the bars with start <= open time < end, ms UTC, of all symbols, from the cache where it has them.

        Raises ValueError for an unknown symbol or a bad range, ExchangeRefuses on a ban or block, DataTrouble if data
        could not be had or trusted; whatever was good by then stays in the cache.
        """
        interval = check_interval(interval)
        wanted = check_range(start, end, interval)
        self.quality, self.changes, tapes = [], [], []
        with Progress() as progress:
            for name in check_symbols(symbols):
                tapes.append(self._one(name, interval, wanted, progress))
        return tapes[0] if len(tapes) == 1 else concat(tapes)

    def _one(self, name: str, interval: str, wanted: tuple[int, int], progress: Progress) -> Candles:
        store = Store(self.cache / NAME / self.market / name / interval)
        blank = Manifest(NAME, self.market, name, interval)
        try:
            manifest, changes = collect(self.places, store, blank, wanted, refresh=self.refresh, progress=progress)
        except UnknownSymbol:
            raise ValueError(self._unknown(name)) from None
        self.changes += changes
        bars = store.read(start=wanted[0], end=wanted[1])
        if not len(bars["time"]):
            have = f"{iso(manifest.first)} to {iso(manifest.last)}" if manifest.rows else "none at all"
            raise ValueError(f"{name} has no {interval} bar from {iso(wanted[0])} to {iso(wanted[1])} (known: {have}): "
                             "set data.symbols, data.start, data.end")
        quality = Quality(name, interval, notes=list(manifest.notes))
        bars = clean(bars, quality, now=int(clock.time() * 1000), misaligned=self.misaligned)
        self.quality.append(quality)
        return Candles.build(symbols=(name,), intervals=(interval,), symbol=np.zeros(len(bars["time"]), np.int32), **bars)

    def _unknown(self, name: str) -> str:
        """Return the sentence on an unknown symbol, with the nearest the archive lists."""
        import difflib

        try:
            _, folders = list_folder(self.web, self.places.listing_url, f"data/{MARKETS[self.market]}/monthly/klines/")
        except DataTrouble:
            folders = []
        near = difflib.get_close_matches(name, [f.rstrip("/").split("/")[-1] for f in folders], n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        return f"symbol {name} is unknown to Binance ({self.market}){hint or ': set data.symbols'}"


def check_symbols(symbols: list[str]) -> list[str]:
    """Return symbols as the exchange writes them, repeats removed; raises ValueError for none or an impossible one."""
    names = list(dict.fromkeys(tidy_symbol(s) for s in symbols))
    if not names:
        raise ValueError("no symbol was asked for: set data.symbols=[BTCUSDT]")
    bad = [n for n in names if not n or not n.replace("_", "").isalnum()]
    if bad:
        raise ValueError(f"'{bad[0]}' cannot be a symbol: write it like BTCUSDT")
    return names


def check_range(start: int | None, end: int | None, interval: str) -> tuple[int, int]:
    """Return [start, end) on the interval's grid up to the last finished bar; raises ValueError if it is empty."""
    now = int(floor_open(int(clock.time() * 1000), interval))
    first = max(start if start is not None else ARCHIVE_BEGINS, ARCHIVE_BEGINS)
    last = min(end if end is not None else now, now)
    if first >= last:
        told = f"from {iso(start) if start is not None else 'the beginning'} to {iso(end) if end is not None else 'now'}"
        raise ValueError(f"the range {told} holds no finished {interval} bar: data.start must be before data.end and before now")
    return first, last
