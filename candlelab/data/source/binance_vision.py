"""Bars from Binance's public archive, completed by its REST interface, kept in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.interval import check_interval
from candlelab.core.local import Address, Place
from candlelab.market.collect import CacheFolders
from candlelab.market.live import LiveBars
from candlelab.market.quality import Quality
from candlelab.market.rest import HOSTS, Rest, web_transport
from candlelab.market.series import check_range, collect_series, fetch_series
from candlelab.market.web import HttpClient, base_address

NAME = "binance_vision"


class BinanceVision(LiveBars):
    """Monthly zips where published, daily zips for the rest, REST for what the archive has not yet.

    After `fetch`, `quality` says per symbol what was found and `changes` what a refresh noticed.
    """

    symbol_by_symbol: Literal[True] = True

    cache: Path
    refresh: bool

    def __init__(
        self,
        *,
        market: Literal["spot", "um", "cm"],
        archive_url: Address,
        listing_url: Address,
        rest_url: Address | None,
        cache: Place,
        refresh: bool,
        misaligned: Literal["drop", "snap", "refuse"],
        workers: int,
        max_attempts: int,
        backoff: float,
        timeout: float,
    ):
        if not 1 <= workers <= 4:
            raise UserError(f"workers is {workers}: choose 1 to 4 downloads at a time")
        self.cache, self.refresh, self.misaligned = Path(cache), refresh, misaligned
        web = HttpClient(max_attempts=max_attempts, backoff=backoff, timeout=timeout)
        rest_url = base_address("rest_url", rest_url or HOSTS[market])
        rest = Rest(web, market, web_transport(web, rest_url, market), address=rest_url)
        self.places: CacheFolders = CacheFolders(
            web,
            rest,
            market,
            base_address("archive_url", archive_url),
            base_address("listing_url", listing_url),
            rest_url,
            workers,
        )
        self.quality: list[Quality] = []
        self.changes: list[str] = []

    def prefetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> None:
        """Bring the bars into the cache, several symbols at a time; arguments and errors as of `fetch`."""
        interval = check_interval(interval)
        wanted = check_range(start, end, interval, self.places.begins)
        collect_series(self.places, self.cache, NAME, symbols, interval, wanted, refresh=False)

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the bars with start <= open time < end, ms UTC, of all symbols, from the cache where it has them.

        Raises UserError for an unknown symbol or a bad range, ExchangeRefuses on a ban or block, DataTrouble if data
        could not be had or trusted; whatever was good by then stays in the cache.
        """
        found = fetch_series(
            self.places,
            self.cache,
            NAME,
            symbols,
            interval,
            start,
            end,
            refresh=self.refresh,
            misaligned=self.misaligned,
        )
        self.quality, self.changes = found.quality, found.changes
        return found.tape
