"""A loopback exchange with three days of hours, and both readers of it."""

import numpy as np
from loopback_exchange import kline, zip_of_rows

from candlelab.data.source.binance_api import BinanceApi
from candlelab.data.source.binance_vision import BinanceVision

HOUR = 3_600_000
DAILY = "data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-"
MONTHLY = "data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-"
CONTENT = ["wrong_checksum", "truncated", "wrong_length", "html", "500", "reset", "endless", "zip_slip", "two_members"]


def ms(text):
    return int(np.datetime64(text, "ms").astype(np.int64))


def vision(exchange, tmp_path, **changes):
    settings = {
        "market": "spot",
        "archive_url": exchange.url,
        "listing_url": exchange.url,
        "rest_url": exchange.url,
        "cache": str(tmp_path / "cache"),
        "refresh": False,
        "misaligned": "drop",
        "workers": 4,
        "max_attempts": 6,
        "backoff": 0.001,
        "timeout": 5.0,
    }
    return BinanceVision(**settings | changes)


def api(exchange, tmp_path, **changes):
    settings = {
        "market": "spot",
        "rest_url": exchange.url,
        "weight_per_minute": None,
        "cache": str(tmp_path / "cache"),
        "refresh": False,
        "misaligned": "drop",
        "max_attempts": 6,
        "backoff": 0.001,
        "timeout": 5.0,
    }
    return BinanceApi(**settings | changes)


def fetch(source, start="2024-01-01", end="2024-01-04", interval="1h", symbols=("BTCUSDT",)):
    return source.fetch(list(symbols), interval, ms(start), ms(end))


def publish_day(exchange, date, rows=None, price=100.0):
    rows = [kline(ms(date) + i * HOUR, HOUR, price + i) for i in range(24)] if rows is None else rows
    exchange.put(f"{DAILY}{date}.zip", zip_of_rows(f"BTCUSDT-1h-{date}.zip", rows))
    return rows


def leftovers(tmp_path):
    return [p.name for p in tmp_path.rglob("*") if p.is_file() and (p.suffix == ".part" or "staging" in p.parts)]
