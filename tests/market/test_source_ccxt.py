"""ccxt's own code against a loopback exchange: same cache, same patience, same quality checks as the other sources."""

import numpy as np
import pytest
from loopback_exchange import Exchange, kline

from candlelab.core.errors import DataTrouble, ExchangeRefuses, UserError
from candlelab.data.source.ccxt import Ccxt
from candlelab.market.ccxt_pages import CcxtPages

HOUR, DAY = 3_600_000, 86_400_000
ccxt = pytest.importorskip("ccxt")


def ms(text):
    return int(np.datetime64(text, "ms").astype(np.int64))


def source(loopback, tmp_path, **changes):
    settings = {
        "exchange": "binance",
        "market": "spot",
        "rest_url": loopback.url,
        "cache": str(tmp_path / "cache"),
        "refresh": False,
        "misaligned": "drop",
        "max_attempts": 3,
        "backoff": 0.001,
        "timeout": 5.0,
    }
    return Ccxt(**settings | changes)


def fetch(made, start="2024-01-01", end="2024-02-01", interval="1h", symbols=("BTC/USDT",)):
    return made.fetch(list(symbols), interval, ms(start), ms(end))


@pytest.fixture(autouse=True)
def no_pace(monkeypatch):
    """The loopback exchange needs no rest between requests."""
    monkeypatch.setattr(ccxt.Exchange, "throttle", lambda self, cost=None: None)


@pytest.fixture
def exchange():
    """A January of hours, and its days."""
    with Exchange() as made:
        made.rows["BTCUSDT", "1h"] = [kline(ms("2024-01-01") + i * HOUR, HOUR, 100 + i) for i in range(31 * 24)]
        made.rows["BTCUSDT", "1d"] = [kline(ms("2024-01-01") + i * DAY, DAY) for i in range(31)]
        yield made


def test_bars_of_an_exchange_come_whole_under_our_name(exchange, tmp_path):
    tape = fetch(source(exchange, tmp_path))
    assert (tape.symbols, len(tape), tape.segment.max()) == (("BTCUSDT",), 744, 0)
    assert tape.close[:2].tolist() == [101, 102] and tape.trades is None


def test_second_call_asks_nothing(exchange, tmp_path):
    fetch(source(exchange, tmp_path))
    exchange.log = []
    assert len(fetch(source(exchange, tmp_path))) == 744 and exchange.log == []


def test_pages_join_without_loss(exchange, tmp_path):
    exchange.rows["BTCUSDT", "1h"] += [kline(ms("2024-02-01") + i * HOUR, HOUR, 844) for i in range(2000)]
    tape = fetch(source(exchange, tmp_path), end="2024-04-24T08:00")
    assert len(tape) == 2744 and tape.segment.max() == 0


def test_a_hole_longer_than_a_page_is_crossed(exchange, tmp_path):
    late = ms("2025-01-01")
    exchange.rows["BTCUSDT", "1h"] += [kline(late + i * HOUR, HOUR) for i in range(24)]
    exchange.rows["BTCUSDT", "1d"] += [kline(late, DAY)]
    assert len(fetch(source(exchange, tmp_path), end="2025-01-02")) == 768


def test_unfinished_bar_is_dropped(exchange, tmp_path):
    exchange.now = ms("2024-01-05T12:30")
    tape = fetch(source(exchange, tmp_path))
    assert tape.time[-1] == ms("2024-01-05T11:00")


def test_a_refresh_of_unchanged_data_changes_nothing(exchange, tmp_path):
    fetch(source(exchange, tmp_path))
    again = source(exchange, tmp_path, refresh=True)
    fetch(again)
    assert again.changes == []


def test_an_exchange_that_withholds_older_bars_is_found_out(exchange, tmp_path):
    exchange.rows["BTCUSDT", "1h"] = exchange.rows["BTCUSDT", "1h"][-100:]
    with pytest.raises(
        DataTrouble,
        match=r"gives BTC/USDT in 1h only from 2024-01-27 20:00 on, though it traded on 2024-01-01: set data.start=2024-01-27",
    ):
        fetch(source(exchange, tmp_path))


def test_bars_before_a_listing_are_not_missed(exchange, tmp_path):
    assert len(fetch(source(exchange, tmp_path), start="2023-01-01")) == 744


@pytest.mark.parametrize(
    ("changes", "asked", "message"),
    [
        ({}, {"symbols": ["BTCUSDC"]}, "BTCUSDC is unknown to binance .spot., did you mean BTCUSDT?"),
        ({}, {"interval": "3d", "symbols": ["ETHXYZ"]}, "ETHXYZ is unknown"),
        ({"exchange": "krakn"}, {}, "which ccxt does not know: did you mean kraken?"),
    ],
)
def test_mistakes_are_named(exchange, tmp_path, changes, asked, message):
    with pytest.raises(UserError, match=message):
        fetch(source(exchange, tmp_path, **changes), **asked)


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("500", DataTrouble, r"BTC/USDT 1h of 127.0.0.1:\d+: it could not be had .*, 3 tries in a row"),
        ("html", DataTrouble, "127.0.0.1"),
        ("429", ExchangeRefuses, "too many requests"),
        ("451", ExchangeRefuses, "refuses this address"),
        ("418", ExchangeRefuses, "too many requests"),
    ],
)
def test_lasting_faults_end_in_one_sentence(exchange, tmp_path, fault, kind, message):
    exchange.faults = [["/klines", fault, 99]]
    made = source(exchange, tmp_path)
    made.places.web.sleep = lambda seconds: None
    with pytest.raises(kind, match=message) as caught:
        fetch(made)
    assert "\n" not in str(caught.value)


def test_a_passing_fault_leaves_no_trace(exchange, tmp_path):
    exchange.faults = [["/klines", "500", 2]]
    assert len(fetch(source(exchange, tmp_path))) == 744


def test_an_interval_that_the_exchange_has_not_is_named(exchange, tmp_path):
    made = source(exchange, tmp_path)
    pages: CcxtPages = made.places.rest
    pages._exchange().timeframes = {"1h": "1h", "1d": "1d"}
    with pytest.raises(UserError, match=r"binance has no 15m bars: set data.interval to one of 1h 1d"):
        fetch(made, interval="15m")
