"""Bars from the exchange's REST interface: pages, one weight budget, server time, only finished bars."""

from __future__ import annotations

import json
import threading
import time as clock
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np

from candlelab.core.errors import DataTrouble, ExchangeRefuses
from candlelab.core.interval import next_open
from candlelab.market.waiting import SAID_AFTER, say
from candlelab.market.web import HttpClient, NotFound, Response, TransientError

PATHS = {"spot": "/api/v3", "um": "/fapi/v1", "cm": "/dapi/v1"}
HOSTS = {"spot": "https://data-api.binance.vision", "um": "https://fapi.binance.com", "cm": "https://dapi.binance.com"}
PAGE = {"spot": 1000, "um": 1500, "cm": 1500}
WEIGHT_PER_MINUTE = {"spot": 6000, "um": 2400, "cm": 2400}
LONGEST_SPAN = {"cm": 200 * 86_400_000}  # COIN-M allows at most 200 days between start and end
PAGE_BYTES = {market: rows * 400 + 4096 for market, rows in PAGE.items()}  # no row of JSON is longer than 400 bytes
SLOW_DOWN = 0.8  # share of the weight that is ours: other programs behind the same address count too
FIELDS = {
    "time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume": 5,
    "quote_volume": 7,
    "trades": 8,
    "taker_buy_base": 9,
    "taker_buy_quote": 10,
}
CLOSE_TIME = 6


class Budget:
    """The weight of one minute, shared by all requests of a process, read from the answers' headers."""

    sleep: Callable[[float], None]
    now: Callable[[], float]

    per_minute: int

    def __init__(
        self, per_minute: int, *, sleep: Callable[[float], None] = clock.sleep, now: Callable[[], float] = clock.time
    ):
        self.per_minute, self.sleep, self.now = per_minute, sleep, now
        self._used, self._minute, self._lock = 0, -1, threading.Lock()

    def wait(self) -> None:
        """Sleep into the next minute if this one's share is used up."""
        with self._lock:
            full = self._minute == self.now() // 60 and self._used >= SLOW_DOWN * self.per_minute
            pause = 60 - self.now() % 60 + 0.1 if full else 0.0
        if pause > SAID_AFTER:
            say(f"{SLOW_DOWN:.0%} of the exchange's weight of this minute is used: going on in {pause:.0f} s")
        if pause:
            self.sleep(pause)

    def read(self, headers: dict[str, str]) -> None:
        """Note what an answer says was used."""
        used = headers.get("x-mbx-used-weight-1m") or headers.get("x-mbx-used-weight")
        if used and used.isdigit():
            with self._lock:
                self._used, self._minute = int(used), int(self.now() // 60)


class Rest:
    """Kline pages of one market; `ask(path, params) -> Answer` is the transport and raises as `HttpClient.get` does.

    address  named in messages.
    """

    ask: Callable[[str, dict[str, Any]], Response]

    web: HttpClient
    market: str
    host: str

    def __init__(
        self,
        web: HttpClient,
        market: str,
        ask: Callable[[str, dict[str, Any]], Response],
        *,
        address: str,
        budget: Budget | None = None,
    ):
        self.web, self.market, self.ask, self.host = web, market, ask, urlsplit(address).netloc
        self.budget: Budget = budget or Budget(WEIGHT_PER_MINUTE[market], sleep=web.sleep)
        self._shift: float | None = None  # server time minus ours, ms
        self._silent: DataTrouble | ExchangeRefuses | None = None

    def now(self) -> int:
        """Return the server's time, ms UTC; asked once, ours if it has no clock. Raises DataTrouble, at once the second time."""
        if self._silent is not None:
            raise self._silent
        if self._shift is None:
            try:
                self._shift = self.web.retry(f"the server time of {self.host}", self._ask_time) - clock.time() * 1000
            except (DataTrouble, ExchangeRefuses) as error:
                self._silent = error
                raise
        return int(clock.time() * 1000 + self._shift)

    def ask_time_again(self) -> None:
        """Forget the server's time, and that it did not answer: the next `now` asks."""
        self._shift = self._silent = None

    def _ask_time(self) -> float:
        try:
            answer = self._answer("/time", {})
        except NotFound:
            return clock.time() * 1000
        found = _json(answer)
        if isinstance(found, dict) and isinstance(found.get("serverTime"), int):
            return float(found["serverTime"])
        if "date" in answer.headers:
            return parsedate_to_datetime(answer.headers["date"]).timestamp() * 1000
        return clock.time() * 1000

    def pages(self, symbol: str, interval: str, start: int, end: int) -> Iterator[tuple[dict[str, np.ndarray], int]]:
        """Yield (finished bars, until): the bars of [start, end) in order, each time all that open before `until`.

        Stops at an empty or short page or the first unfinished bar; an unfinished one is never covered by `until`.
        """
        now, at = self.now(), start
        while at < end:
            stop = min(end, at + LONGEST_SPAN.get(self.market, end - at))
            rows = [r for r in self._page(symbol, interval, at, stop - 1) if at <= r[0] < stop]
            finished = [r for r in rows if r[CLOSE_TIME] < now]
            if len(finished) < len(rows):
                yield kline_columns(finished), int(rows[len(finished)][0])
                return
            full = len(rows) >= PAGE[self.market] and next_open(np.asarray(rows[-1][0], np.int64), interval) < stop
            at = int(rows[-1][0]) + 1 if full else stop
            yield kline_columns(finished), at

    def bars(self, symbol: str, interval: str, start: int, end: int) -> dict[str, np.ndarray]:
        """Return the finished bars with start <= open time < end, ms UTC, as float columns (time int64), without repeats."""
        found = [bars for bars, _ in self.pages(symbol, interval, start, end)]
        return {name: np.concatenate([f[name] for f in found]) for name in FIELDS} if found else kline_columns([])

    def at(self, symbol: str, interval: str, times: np.ndarray) -> dict[str, np.ndarray]:
        """Return the finished bars that open at the asked times (ascending, ms UTC), as many as exist, in few pages."""
        found, k = [], 0
        while k < len(times):
            first = int(times[k])
            reach = first + (PAGE[self.market] - 1) * int(next_open(times[k : k + 1], interval)[0] - first)
            last = int(times[np.searchsorted(times, reach, side="right") - 1])
            found.append(self.bars(symbol, interval, first, last + 1))
            k = int(np.searchsorted(times, last, side="right"))
        bars = {name: np.concatenate([f[name] for f in found]) for name in FIELDS} if found else kline_columns([])
        wanted = np.isin(bars["time"], times)
        return {name: column[wanted] for name, column in bars.items()}

    def _page(self, symbol: str, interval: str, start: int, last: int) -> list[list[Any]]:
        params = {
            "symbol": symbol,
            "interval": "1M" if interval == "1mo" else interval,
            "startTime": int(start),
            "endTime": int(last),
            "limit": PAGE[self.market],
        }
        return self.web.retry(
            f"{symbol} {interval} of {self.host}", lambda: kline_rows(self._answer("/klines", params))
        )

    def _answer(self, path: str, params: dict[str, Any]) -> Response:
        self.budget.wait()
        answer = self.ask(path, params)
        self.budget.read(answer.headers)
        return answer


def web_transport(web: HttpClient, rest_url: str, market: str) -> Callable[[str, dict[str, Any]], Response]:
    """Return `ask` over plain HTTP; `rest_url` with or without the path of the interface."""
    root = PATHS[market].split("/")[1]
    base = rest_url.rstrip("/").removesuffix(PATHS[market]).removesuffix(f"/{root}")

    def ask(path: str, params: dict[str, Any]) -> Response:
        url = f"{base}{PATHS[market]}{path}"
        try:
            return web.get(f"{url}?{urlencode(params)}" if params else url, cap=PAGE_BYTES[market])
        except NotFound:
            if path == "/time":
                raise
            raise TransientError(
                f"{urlsplit(base).netloc} has no {PATHS[market]}{path} (HTTP 404)", unreachable=True
            ) from None

    return ask


def kline_rows(answer: Response) -> list[list[Any]]:
    """Return the rows of a kline answer, checked and ascending; raises TransientError if it is something else."""
    rows = _json(answer)
    if not isinstance(rows, list) or not all(isinstance(r, list) and len(r) >= 11 for r in rows):
        raise TransientError("the answer is no list of bars")
    try:
        rows = [[int(r[0]), *map(float, r[1:CLOSE_TIME]), int(r[CLOSE_TIME]), *map(float, r[7:11])] for r in rows]
    except (TypeError, ValueError):
        raise TransientError("the answer holds bars that are not numbers") from None
    for row in rows:  # a mirror may answer in microseconds
        while row[0] >= 10**14:
            row[0], row[CLOSE_TIME] = row[0] // 1000, row[CLOSE_TIME] // 1000
    rows.sort()
    twice = next((a[0] for a, b in pairwise(rows) if a[0] == b[0] and a != b), None)
    if twice is not None:
        raise TransientError(f"the answer holds two versions of the bar of {np.datetime64(twice, 'ms')}")
    return rows


def kline_columns(rows: list[list[Any]]) -> dict[str, np.ndarray]:
    """Return rows as columns; repeated open times keep the later row."""
    rows = list({r[0]: r for r in rows}.values())
    return {
        name: np.array([r[k] for r in rows], np.int64 if name == "time" else np.float64) for name, k in FIELDS.items()
    }


def _json(answer: Response):
    try:
        return json.loads(answer.body)
    except ValueError:
        kind = "a web page" if answer.body.lstrip()[:1] == b"<" else "cut or no JSON"
        raise TransientError(f"the answer is {kind}") from None
