"""Bars from a hundred exchanges through the library ccxt, kept in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.market.ccxt_pages import CcxtPages
from candlelab.market.collect import CacheFolders
from candlelab.market.live import LiveBars
from candlelab.market.quality import Quality
from candlelab.market.series import fetch_series
from candlelab.market.web import HttpClient, base_address

NAME = "ccxt"
BEGINNING = 1_262_304_000_000  # 2010-01-01, before the first exchange


class Ccxt(LiveBars):
    """Pages of finished bars without an account, at the pace the exchange asks for; after `fetch`, `quality` and `changes` say what was found.

    exchange  its name in ccxt: kraken, coinbase, okx, …
    market    spot, or swap (perpetual futures).
    """

    symbol_by_symbol: Literal[True] = True

    cache: Path
    refresh: bool

    def __init__(
        self,
        *,
        exchange: str,
        market: Literal["spot", "swap"],
        rest_url: str | None,
        cache: str,
        refresh: bool,
        misaligned: Literal["drop", "snap", "refuse"],
        max_attempts: int,
        backoff: float,
        timeout: float,
    ):
        if not exchange.isidentifier():
            raise UserError(f"exchange is {exchange!r}: give a name that ccxt knows, like kraken")
        if market not in ("spot", "swap"):
            raise UserError(f"market is {market!r}: choose spot or swap")
        self.cache, self.refresh, self.misaligned = Path(cache), refresh, misaligned
        web = HttpClient(max_attempts=max_attempts, backoff=backoff, timeout=timeout)
        rest_url = base_address("rest_url", rest_url) if rest_url else None
        pages = CcxtPages(web, exchange, market, rest_url)
        self.places: CacheFolders = CacheFolders(
            web, pages, f"{exchange}-{market}", None, "", rest_url or exchange, 1, BEGINNING
        )
        self.quality: list[Quality] = []
        self.changes: list[str] = []

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the finished bars with start <= open time < end, ms UTC, of all symbols, from the cache where it has them.

        Raises UserError for an unknown symbol or a bad range, ExchangeRefuses on a block, DataTrouble if data could not be had
        or trusted, or the exchange does not serve bars as old as those asked for; pages received by then stay in the cache.
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
