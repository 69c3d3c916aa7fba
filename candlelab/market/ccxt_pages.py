"""Bars of any exchange that the library ccxt knows: markets found by symbol, pages of finished bars, errors translated."""

from __future__ import annotations

import difflib
import time as clock
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np

from candlelab.core.columns import OHLCV
from candlelab.core.errors import DataTrouble, ExchangeRefuses, UserError
from candlelab.core.interval import interval_ms, next_open
from candlelab.core.times import iso
from candlelab.market.symbols import tidy_symbol
from candlelab.market.waiting import SAID_AFTER, patience
from candlelab.market.web import CONNECT_SECONDS, HttpClient, TransientError, capped, root_cause

T = TypeVar("T")
DAY = 86_400_000
PAGE = 1000  # bars asked for; exchanges give fewer if they like
LARGEST_ANSWER = 64 << 20  # the list of all markets of a large exchange takes 20 MB
COLUMNS = ("time", *OHLCV)


class CcxtPages:
    """Kline pages of one exchange, asked as `Rest` is; the exchange is made at the first request.

    market    spot, or swap (perpetual futures).
    rest_url  None: the exchange's own; else the host that takes its place.
    """

    web: HttpClient
    name: str
    market: str
    rest_url: str | None

    def __init__(self, web: HttpClient, exchange: str, market: str, rest_url: str | None):
        self.web, self.name, self.market, self.rest_url = web, exchange, market, rest_url
        self.host: str = urlsplit(rest_url).netloc if rest_url else exchange
        self._made = None
        self._names: dict[str, str] = {}  # tidy symbol -> the exchange's own
        self._shift: float | None = None

    def now(self) -> int:
        """Return the exchange's time, ms UTC; asked once, ours if it has no clock."""
        if self._shift is None:
            told = self._ask(
                "the server time",
                lambda: self._exchange().fetch_time() if self._exchange().has.get("fetchTime") else None,
            )
            self._shift = (told or clock.time() * 1000) - clock.time() * 1000
        return int(clock.time() * 1000 + self._shift)

    def ask_time_again(self) -> None:
        """Forget the exchange's time: the next `now` asks."""
        self._shift = None

    def pages(self, symbol: str, interval: str, start: int, end: int) -> Iterator[tuple[dict[str, np.ndarray], int]]:
        """Yield (finished bars, until) as `Rest.pages` does; raises DataTrouble where the exchange withholds older bars."""
        now, at, own = self.now(), start, self._own_name(symbol, interval)
        while at < end:
            rows = [row for row in self._page(own, interval, at) if at <= row[0] < end]
            if not rows:
                at = (
                    max(self._next_day(own, at, end), at + interval_ms(interval))
                    if "1d" in self._exchange().timeframes
                    else end
                )
                yield candle_columns([]), min(at, end)
                continue
            self._check_reach(own, interval, at, rows[0][0])
            finished = [row for row in rows if int(next_open(np.asarray(row[0], np.int64), interval)) <= now]
            if len(finished) < len(rows):
                yield candle_columns(finished), int(rows[len(finished)][0])
                return
            at = int(rows[-1][0]) + 1
            yield candle_columns(finished), at

    def _check_reach(self, own: str, interval: str, at: int, first: int) -> None:
        """Raise DataTrouble if days of which the exchange has bars are missing before the first one it gives."""
        if interval_ms(interval) >= DAY or first - at <= DAY or "1d" not in self._exchange().timeframes:
            return
        day = self._next_day(own, at, first)
        if day < first - DAY:
            raise DataTrouble(
                f"{self.name} gives {own} in {interval} only from {iso(first)} on, though it traded on {iso(day)[:10]}: "
                f"set data.start={iso(first)[:10]}, or a coarser data.interval"
            )

    def _next_day(self, own: str, at: int, end: int) -> int:
        """Return when the first day with a bar begins, not before `at`; `end` if there is none."""
        days = [row[0] for row in self._page(own, "1d", at) if at < row[0] + DAY and row[0] < end]
        return max(at, min(days)) if days else end

    def _page(self, own: str, interval: str, since: int) -> list[list[Any]]:
        frame = "1M" if interval == "1mo" else interval

        def once() -> list[list[Any]]:
            made = self._exchange()
            made.last_json_response = None
            rows = page_rows(made.fetch_ohlcv(own, frame, since=int(since), limit=PAGE))
            if made.last_json_response is None:  # ccxt takes a web page for an empty list
                raise TransientError("the answer is no json")
            return rows

        return self._ask(f"{own} {interval}", once)

    def _own_name(self, symbol: str, interval: str) -> str:
        """Return the exchange's name of a symbol; raises UserError if it has none, or no such interval."""
        if not self._names:
            markets = self._ask("the list of markets", self._exchange().load_markets)
            self._names = {
                tidy_symbol(name): name
                for name, market in sorted(markets.items())
                if market.get("type") == self.market and ascii_name(name)
            }
        if symbol not in self._names:
            near = difflib.get_close_matches(symbol, self._names, n=1)
            raise UserError(
                f"symbol {symbol} is unknown to {self.name} ({self.market})"
                + (f", did you mean {near[0]}?" if near else ": set data.symbols")
            )
        frames = ["1mo" if frame == "1M" else frame for frame in self._exchange().timeframes]
        if interval not in frames:
            raise UserError(
                f"{self.name} has no {interval} bars: set data.interval to one of {' '.join(frames)}, and data.resample to a coarser one"
            )
        return self._names[symbol]

    def _exchange(self):
        if self._made is None:
            self._made = make_exchange(self.name, self.market, self.rest_url, self.web.timeout)
        return self._made

    def _ask(self, what: str, action: Callable[[], T]) -> T:
        """Return action() with the patience of `Web`, its errors translated."""
        stalled = (
            f"{self.host} has not answered for {SAID_AFTER:.0f} s ({what}): waiting up to {self.web.timeout:.0f} s"
        )

        def once() -> T:
            with patience(stalled):
                return translated(action, self.host)

        return self.web.retry(f"{what} of {self.host}", once)


def make_exchange(name: str, market: str, rest_url: str | None, timeout: float):
    """Return ccxt's exchange without keys, at its own pace, its answers capped; raises UserError if there is none of that name."""
    try:
        import ccxt
    except ModuleNotFoundError:
        raise UserError("data/source=ccxt needs ccxt: pip install candlelab[ccxt]") from None
    if name not in ccxt.exchanges:
        near = difflib.get_close_matches(name, ccxt.exchanges, n=1)
        raise UserError(
            f"data.source.exchange is {name!r}, which ccxt does not know"
            + (f": did you mean {near[0]}?" if near else "")
        )
    made = getattr(ccxt, name)(
        {
            "enableRateLimit": True,
            "timeout": int((CONNECT_SECONDS + timeout) * 1000),
            "options": {"defaultType": market},
        }
    )
    if not made.has.get("fetchOHLCV"):
        raise UserError(f"{name} gives no bars through ccxt: choose another data.source.exchange")
    if rest_url is not None:
        made.urls["api"] = redirected(made.urls["api"], rest_url)
    made.enableLastJsonResponse = True
    made.session.hooks["response"].append(capped(LARGEST_ANSWER, timeout))
    return made


def redirected(addresses, base: str):
    """Return an exchange's addresses, nested as they are, with another scheme and host."""
    if isinstance(addresses, dict):
        return {key: redirected(value, base) for key, value in addresses.items()}
    return base.rstrip("/") + urlsplit(addresses).path


def translated(action: Callable[[], T], host: str) -> T:
    """Return action(); raises TransientError, ExchangeRefuses, UserError or DataTrouble for what ccxt raises."""
    import ccxt
    import requests

    try:
        return action()
    except (ccxt.RateLimitExceeded, ccxt.DDoSProtection) as error:
        raise TransientError(f"too many requests ({words(error)})", wait=10.0, kind=ExchangeRefuses) from None
    except (ccxt.AuthenticationError, ccxt.RestrictedLocation) as error:
        raise ExchangeRefuses(
            f"{host} refuses this address or wants an account ({words(error)}): choose another data.source.exchange"
        ) from None
    except (ccxt.OperationFailed, requests.exceptions.RequestException) as error:
        if http_status(error) in (403, 451):
            raise ExchangeRefuses(
                f"{host} refuses this address (HTTP {http_status(error)}): choose another data.source.exchange"
            ) from None
        raise TransientError(f"it could not be had ({words(error)})") from None
    except (ccxt.BadRequest, ccxt.NotSupported) as error:
        raise UserError(
            f"{host} does not serve what was asked ({words(error)}): check data.symbols, data.interval and data.start"
        ) from None
    except ccxt.BaseError as error:
        raise DataTrouble(f"{host} answers with an error ({words(error)}): try again later") from None


def http_status(error: Exception) -> int | None:
    """Return the status of the answer that an error came from."""
    import requests

    cause = error if isinstance(error, requests.exceptions.HTTPError) else error.__cause__ or error.__context__
    return (
        cause.response.status_code
        if isinstance(cause, requests.exceptions.HTTPError) and cause.response is not None
        else None
    )


def words(error: Exception) -> str:
    """Return the reason of an error in one short line."""
    return " ".join(root_cause(error).split())[:100] or type(error).__name__


def ascii_name(name: str) -> bool:
    """Return whether a market's name can be a symbol here; exchanges list jokes too."""
    return name.replace("/", "").replace(":", "").replace("-", "").isalnum()


def page_rows(found) -> list[list[Any]]:
    """Return the rows of an answer, numbers, ascending, one per time; raises TransientError if it is something else."""
    try:
        rows = sorted([int(row[0]), *(float(cell) for cell in row[1:6])] for row in found if row[4] is not None)
    except (TypeError, ValueError, IndexError):
        raise TransientError("the answer holds bars that are not numbers") from None
    return list({row[0]: row for row in rows}.values())


def candle_columns(rows: list[list[Any]]) -> dict[str, np.ndarray]:
    """Return rows as columns: time int64 ms UTC, the others float64."""
    return {
        name: np.array([row[k] for row in rows], np.int64 if name == "time" else np.float64)
        for k, name in enumerate(COLUMNS)
    }
