"""Hours of coins on the loopback exchange, as several test files publish them."""

import numpy as np
from loopback_exchange import kline, zip_of_rows

HOUR, DAY = 3_600_000, 24 * 3_600_000
COINS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT")


def ms(text):
    return int(np.datetime64(text, "ms").astype(np.int64))


def hours(start, end, price):
    return [kline(t, HOUR, price * (1 + t // HOUR % 97 / 1000)) for t in range(ms(start), ms(end), HOUR)]


def publish(exchange, symbol, span, days, rest, price=100.0):
    """Publish hours of a symbol: the months [first, last) of `span` as monthly zips, `days` as daily ones, all up to `rest` by REST."""
    edges = np.arange(*span, dtype="datetime64[M]").tolist()
    pieces = [("monthly", str(m)[:7], str(np.datetime64(m, "M") + 1) + "-01") for m in edges]
    pieces += [("daily", day, str(np.datetime64(day) + 1)) for day in days]
    for kind, name, end in pieces:
        start = name if kind == "daily" else f"{name}-01"
        file = f"{symbol}-1h-{name}.zip"
        exchange.put(f"data/spot/{kind}/klines/{symbol}/1h/{file}", zip_of_rows(file, hours(start, end, price)))
    exchange.rows[symbol, "1h"] = hours(*rest, price)
    exchange.now = ms(rest[1]) + DAY
