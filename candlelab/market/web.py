"""HTTP client with retries and exponential backoff, size limits, deadlines and obedience to refusals."""

from __future__ import annotations

import json
import random
import re
import threading
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from candlelab.core.errors import DataTrouble, ExchangeRefuses, UserError
from candlelab.market.waiting import SAID_AFTER, patience, say

T = TypeVar("T")
CHUNK = 1 << 16
CONNECT_SECONDS = 3.0  # without network this, not the reading timeout, is what the user waits for
SLOWEST = 50_000  # bytes per second a body of the largest allowed size must come with
LONGEST_WAIT = 300  # seconds of Retry-After that are worth waiting for
OFFLINE = "data/source=file data.source.path=FILE and data/source=simulated work without network"
THEIR_SIDE = {-1000, -1001, -1006, -1007, -1008, -1016}  # error codes that pass (docs/market_formats.md, section 2.4)


class NotFound(Exception):
    """The object is not there (404): normal before a listing and after a delisting."""


class Ban(ExchangeRefuses):
    """A refusal of everything for a time (418)."""


class TransientError(Exception):
    """A fault that may be gone at the next try."""

    kind: type[Exception]

    reason: str
    wait: float | None
    unreachable: bool

    def __init__(
        self, reason: str, *, wait: float | None = None, kind: type[Exception] = DataTrouble, unreachable: bool = False
    ):
        super().__init__(reason)
        self.reason, self.wait, self.kind, self.unreachable = reason, wait, kind, unreachable


@dataclass(frozen=True)
class Response:
    """One answer of a server, complete."""

    status: int
    headers: dict[str, str]  # lower-case names
    body: bytes


class HttpClient:
    """GET with bounded patience, safe for threads; a ban stops every later request of the same object."""

    sleep: Callable[[float], None]
    cancelled: threading.Event

    max_attempts: int
    backoff: float
    timeout: float

    def __init__(
        self, *, max_attempts: int, backoff: float, timeout: float, sleep: Callable[[float], None] = clock.sleep
    ):
        if not 1 <= max_attempts <= 6:
            raise UserError(f"data.source.max_attempts is {max_attempts}: choose 1 to 6")
        if backoff < 0 or timeout <= 0:
            raise UserError(f"data.source.backoff is {backoff}, timeout {timeout}: backoff must be >= 0, timeout > 0")
        self.max_attempts, self.backoff, self.timeout, self.sleep = max_attempts, backoff, timeout, sleep
        self.banned: Ban | None = None
        self.cancelled = threading.Event()
        self._reached: set[str] = set()
        self._local = threading.local()

    def retry(self, name: str, action: Callable[[], T]) -> T:
        """Return action(), tried again after a growing pause while it raises TransientError; then raise what the fault stands for.

        name  the file or address the one-sentence message names.
        """
        attempt = 0
        while True:
            attempt += 1
            if self.banned:
                raise self.banned
            try:
                return action()
            except ExchangeRefuses as refusal:
                raise self._named(name, refusal) from None
            except TransientError as fault:
                most = min(self.max_attempts, 2) if fault.unreachable else self.max_attempts
                if attempt >= most or self.cancelled.is_set():
                    raise give_up(name, fault, attempt) from None
                self._back_off(name, fault, attempt)

    def _named(self, name: str, refusal: ExchangeRefuses) -> ExchangeRefuses:
        """Return the refusal with what it met; a ban is remembered and keeps its first name."""
        if isinstance(refusal, Ban):
            self.banned = self.banned or Ban(f"{name}: {refusal}")
            return self.banned
        return ExchangeRefuses(f"{name}: {refusal}")

    def _back_off(self, name: str, fault: TransientError, attempt: int) -> None:
        wait = fault.wait
        if wait is None:
            wait = self.backoff * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
        if wait > SAID_AFTER:
            say(f"{name}: {fault.reason}; trying again in {wait:.0f} s (try {attempt + 1} of {self.max_attempts})")
        self.sleep(wait)

    def get(self, url: str, *, cap: int) -> Response:
        """Return one complete answer with status 200 of at most `cap` bytes; raises TransientError, NotFound or ExchangeRefuses."""
        import requests

        if self.banned:
            raise self.banned
        host = urlsplit(url).netloc
        try:
            stalled = patience(
                f"{host} has not answered for {SAID_AFTER:.0f} s ({urlsplit(url).path.rsplit('/', 1)[-1] or 'listing'}): "
                f"waiting up to {self.timeout:.0f} s"
            )
            with stalled, self._session().get(url, stream=True, timeout=(CONNECT_SECONDS, self.timeout)) as response:
                self._reached.add(host)
                body = read_capped(response, cap, self.timeout)
                answer = Response(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise self.broken_connection(error, host) from None
        except requests.exceptions.RequestException as error:
            raise TransientError(f"the transfer broke ({root_cause(error)})") from None
        if answer.status != 200:
            self.judge(answer, host)
        return answer

    def broken_connection(self, error: Exception, host: str) -> TransientError:
        """Return the fault of a connection that failed: a host never reached before is soon given up."""
        if host not in self._reached and never_connected(error):
            return TransientError(f"{host} could not be reached ({root_cause(error)})", unreachable=True)
        return TransientError(f"the connection to {host} broke ({root_cause(error)})")

    def judge(self, answer: Response, host: str) -> NoReturn:
        """Raise what a status other than 200 means (docs/market_formats.md, section 1.3 and 2.4)."""
        code, message = error_code(answer.body)
        wait = retry_after(answer.headers)
        if answer.status == 404:
            raise NotFound(host)
        if answer.status == 418:
            raise Ban(
                f"{host} has banned this address until {ban_end(message, wait)}: "
                "stop all programs that ask it, and try again after that"
            )
        if answer.status in (403, 451):
            why = "a restricted location" if answer.status == 451 else "a firewall rule"
            raise ExchangeRefuses(
                f"{host} refuses this address (HTTP {answer.status}, {why}): use the archive (data/source=binance_vision) "
                "or data.source.rest_url=https://data-api.binance.vision; where the archive itself refuses, a mirror as "
                "data.source.archive_url"
            )
        if answer.status == 429:
            if wait is not None and wait > LONGEST_WAIT:
                raise ExchangeRefuses(f"{host} asks for a pause of {wait:.0f} s (HTTP 429): try again after that")
            raise TransientError("too many requests (HTTP 429)", wait=wait, kind=ExchangeRefuses)
        if answer.status >= 500 or answer.status == 408 or code in THEIR_SIDE:
            raise TransientError(f"HTTP {answer.status} {message}".strip(), wait=wait and min(wait, 60))
        if code == -1121:
            raise UnknownSymbol(message)
        raise DataTrouble(
            f"{host} answers HTTP {answer.status} {message or ''}".strip() + ": the request was not understood"
        )

    def _session(self):
        import requests

        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.headers.update({"User-Agent": "candlelab", "Accept-Encoding": "identity"})
            session.max_redirects = 5
            self._local.session = session
        return self._local.session


def base_address(setting: str, url: str) -> str:
    """Return the address a setting gives; raises UserError if it is not one of http."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"data.source.{setting} is {url!r}: give an address that starts with http:// or https://")
    return url


class UnknownSymbol(ValueError):
    """The exchange has no such symbol: the user's mistake."""


def read_capped(response, cap: int, timeout: float) -> bytes:
    """Return the body of a streamed response; raises TransientError if it is cut, larger than `cap` bytes or comes too slowly.

    read1 hands over what has arrived, so that a body that drips byte by byte meets the deadline too.
    """
    from urllib3.exceptions import HTTPError

    deadline, size, parts = clock.monotonic() + timeout + cap / SLOWEST, 0, []
    try:
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            parts.append(chunk)
            size += len(chunk)
            if size > cap:
                raise TransientError(f"the body is larger than {cap} bytes")
            if clock.monotonic() > deadline:
                raise TransientError(f"the body came too slowly ({size} bytes so far)")
    except HTTPError as error:
        raise TransientError(f"the transfer broke ({root_cause(error)})") from None
    told = response.headers.get("Content-Length", "")
    if told.isdigit() and int(told) != size and "Content-Encoding" not in response.headers:
        raise TransientError(f"{size} bytes came of {told}")
    return b"".join(parts)


def capped(cap: int, timeout: float) -> Callable[..., Any]:
    """Return a hook that reads the body before requests would: python-binance and ccxt read without end."""

    def hook(response, **_):
        response._content = read_capped(response, cap, timeout)  # what response.content returns from now on
        response._content_consumed = True
        return response

    return hook


def give_up(name: str, fault: TransientError, attempts: int) -> Exception:
    """Return the exception a fault that did not pass ends in; one sentence naming the file."""
    if fault.unreachable:
        return fault.kind(f"{fault.reason}, needed for {name}: {OFFLINE}")
    return fault.kind(f"{name}: {fault.reason}, {attempts} tries in a row: try again later")


def error_code(body: bytes) -> tuple[int | None, str]:
    """Return the exchange's own error code and text, (None, "") if the body is not its JSON."""
    try:
        found = json.loads(body[:10_000])
    except ValueError:
        return None, ""
    if not isinstance(found, dict):
        return None, ""
    code = found.get("code")
    return code if isinstance(code, int) else None, str(found.get("msg", ""))[:300]


def retry_after(headers: dict[str, str]) -> float | None:
    """Return the seconds a Retry-After header asks for (number or date), None without one."""
    text = headers.get("retry-after")
    if text is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - clock.time())
    except ValueError:
        return None


def ban_end(message: str, wait: float | None) -> str:
    """Return when a ban ends, as UTC text, from "IP banned until <epoch ms>" or Retry-After."""
    hit = re.search(r"until\s+(\d{13})", message)
    until = int(hit.group(1)) / 1000 if hit else (clock.time() + wait if wait is not None else None)
    return datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if until else "an unknown time"


def never_connected(error: BaseException) -> bool:
    """Return whether a network error happened before there was a connection."""
    from urllib3 import exceptions

    kinds = (exceptions.NewConnectionError, exceptions.ConnectTimeoutError, exceptions.NameResolutionError)
    seen = [error]
    while (inner := inner_error(seen[-1])) is not None:
        seen.append(inner)
    return any(isinstance(e, kinds) for e in seen)


def inner_error(error: BaseException) -> BaseException | None:
    """Return the error an error wraps, None if it wraps none."""
    inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
    if inner is None and error.args and isinstance(error.args[0], BaseException):
        inner = error.args[0]
    return inner if isinstance(inner, BaseException) and inner is not error else None


def root_cause(error: BaseException) -> str:
    """Return the innermost reason of a chain of network errors in a few words."""
    while (inner := inner_error(error)) is not None:
        error = inner
    text = re.sub(r"<[^>]*>:?\s*|HTTPS?ConnectionPool\([^)]*\):?\s*", "", str(error)).strip()
    return text[:100] or type(error).__name__
