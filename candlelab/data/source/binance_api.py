"""Bars from Binance's REST interface through python-binance, with our own paging, kept in the cache."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.local import Address, Place
from candlelab.market.collect import CacheFolders
from candlelab.market.live import LiveBars
from candlelab.market.quality import Quality
from candlelab.market.rest import HOSTS, PAGE_BYTES, PATHS, WEIGHT_PER_MINUTE, Budget, Rest
from candlelab.market.series import fetch_series
from candlelab.market.waiting import SAID_AFTER, patience
from candlelab.market.web import CONNECT_SECONDS, HttpClient, Response, TransientError, base_address, capped, root_cause

NAME = "binance_api"
URL_OF = {"spot": "API_URL", "um": "FUTURES_URL", "cm": "FUTURES_COIN_URL"}
CALLS = {
    ("spot", "/klines"): "get_klines",
    ("um", "/klines"): "futures_klines",
    ("cm", "/klines"): "futures_coin_klines",
    ("spot", "/time"): "get_server_time",
    ("um", "/time"): "futures_time",
    ("cm", "/time"): "futures_coin_time",
}


class BinanceApi(LiveBars):
    """Pages of finished bars without an account; after `fetch`, `quality` and `changes` say what was found."""

    symbol_by_symbol: Literal[True] = True

    cache: Path
    refresh: bool

    def __init__(
        self,
        *,
        market: Literal["spot", "um", "cm"],
        rest_url: Address | None,
        weight_per_minute: int | None,
        cache: Place,
        refresh: bool,
        misaligned: Literal["drop", "snap", "refuse"],
        max_attempts: int,
        backoff: float,
        timeout: float,
    ):
        if weight_per_minute is not None and weight_per_minute < 1:
            raise UserError(f"weight_per_minute is {weight_per_minute}: give what the exchange allows, or null")
        self.cache, self.refresh, self.misaligned = Path(cache), refresh, misaligned
        web = HttpClient(max_attempts=max_attempts, backoff=backoff, timeout=timeout)
        rest_url = base_address("rest_url", rest_url or HOSTS[market])
        budget = Budget(weight_per_minute or WEIGHT_PER_MINUTE[market])
        rest = Rest(web, market, client_transport(web, rest_url, market), address=rest_url, budget=budget)
        self.places: CacheFolders = CacheFolders(web, rest, market, None, "", rest_url, 1)
        self.quality: list[Quality] = []
        self.changes: list[str] = []

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the finished bars with start <= open time < end, ms UTC, of all symbols, from the cache where it has them.

        Raises UserError for an unknown symbol or a bad range, ExchangeRefuses on a ban or block, DataTrouble if data
        could not be had or trusted; pages received by then stay in the cache.
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


def client_transport(web: HttpClient, rest_url: str, market: str) -> Callable[[str, dict[str, Any]], Response]:
    """Return `ask` over python-binance's client, which is made at the first call; raises as `HttpClient.get` does."""
    clients: list[Any] = []
    host = urlsplit(rest_url).netloc
    silent = f"{host} has not answered for {SAID_AFTER:.0f} s ({{}}): waiting up to {web.timeout:.0f} s"

    def ask(path: str, params: dict[str, Any]) -> Response:
        import requests

        if web.banned:
            raise web.banned
        if not clients:
            clients.append(make_client(rest_url, market, web.timeout))
        client = clients[0]
        from binance.exceptions import BinanceAPIException, BinanceRequestException

        try:
            with patience(silent.format(path[1:])):
                getattr(client, CALLS[market, path])(**params)
        except BinanceAPIException as error:
            web.judge(answer_of(error.response), host)
        except BinanceRequestException:
            raise TransientError("the answer is cut or no JSON") from None
        except AttributeError:  # python-binance trips over an error body that is JSON but no object
            web.judge(answer_of(client.response), host)
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise web.broken_connection(error, host) from None
        except requests.exceptions.RequestException as error:
            raise TransientError(f"the transfer broke ({root_cause(error)})") from None
        return answer_of(client.response)

    return ask


def make_client(rest_url: str, market: str, timeout: float):
    """Return python-binance's client without keys, pointed at `rest_url`, its answers capped."""
    try:
        with warnings.catch_warnings():  # websockets 14 deprecates what the import uses
            warnings.simplefilter("ignore", DeprecationWarning)
            from binance.client import Client
    except ModuleNotFoundError:
        raise UserError("data/source=binance_api needs python-binance: pip install candlelab[binance]") from None
    client = Client(
        ping=False, requests_params={"timeout": (CONNECT_SECONDS, timeout)}
    )  # its ping would raise untranslated
    root = f"/{PATHS[market].split('/')[1]}"
    base = rest_url.rstrip("/").removesuffix(PATHS[market]).removesuffix(root)
    setattr(client, URL_OF[market], f"{base}{root}")
    client.session.hooks["response"].append(capped(PAGE_BYTES[market], timeout))
    return client


def answer_of(response) -> Response:
    """Return a requests response as an Answer."""
    return Response(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)
