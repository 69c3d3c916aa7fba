"""Symbol names: exchange prefixes and contract suffixes peeled off, a sane alphabet enforced."""

from __future__ import annotations

import re
import unicodedata

from candlelab.core.errors import UserError

QUOTES = "USDT|USDC|FDUSD|BUSD|TUSD|USDP|USD|BTC|ETH|BNB|EUR|GBP|TRY|BRL|JPY|AUD|DAI|PAX|UST"
CONTRACT = r"_(?:PERP|\d{6})"  # what follows the pair in COIN-M and delivery futures
EXCHANGES = (
    "BINANCE|BINANCEUS|BITFINEX|BITGET|BITHUMB|BITMEX|BITSTAMP|BITTREX|BYBIT|BINGX|CEXIO|COINBASE|COINBASEPRO|CRYPTOCOM|"
    "CRYPTO|DERIBIT|FTX|GATE|GATEIO|GDAX|GEMINI|HITBTC|HTX|HUOBI|INDEX|KRAKEN|KUCOIN|MEXC|OKCOIN|OKEX|OKX|PHEMEX|"
    "POLONIEX|UPBIT|WHITEBIT|YAHOO"
)
IN_NAME = re.compile(
    rf"^(?:(?:{EXCHANGES})[_\- ]+)?([A-Z0-9]{{1,15}}?)[-_/]?({QUOTES})({CONTRACT})?(?![A-Z0-9])", re.ASCII
)
INSIDE_NAME = re.compile(rf"(?<![A-Za-z0-9])[A-Z0-9]{{2,10}}?(?:{QUOTES})(?![A-Za-z0-9])", re.ASCII)
PREFIX = re.compile(rf"^(?:(?:{EXCHANGES}|X|C)[:.]|(?:{EXCHANGES})[_\-](?=.))")  # BINANCE:BTCUSDT, polygon's X:BTCUSD
SUFFIX = re.compile(
    rf"(?::(?:{QUOTES})(?:-\d{{6}})?|\.(?:P|PERP|SPOT|CC|{EXCHANGES})|@(?:{EXCHANGES})|-(?:SWAP|PERP|SPOT)|=[XF])$"
)
LONGEST = 30


def tidy_symbol(name: str) -> str:
    """Return "BTC/USDT", "btc-usdt", "BINANCE:BTCUSDT.P" or "BTC/USDT:USDT" as the exchange writes it: BTCUSDT.

    Raises UserError if what is left is not letters and digits (with _ and . between): no name that a spreadsheet or a shell
    would take for something else gets in.
    """
    text = unicodedata.normalize("NFKC", str(name)).strip().upper()
    text = SUFFIX.sub("", PREFIX.sub("", text)).removeprefix("^")
    tidy = re.sub(rf"[/\- ]|(?!{CONTRACT})_", "", text)
    plain = tidy.replace("_", "").replace(".", "")
    if not 0 < len(tidy) <= LONGEST or not plain.isalnum() or not tidy[0].isalnum() or not text[0].isalnum():
        raise UserError(f"{str(name)[:40]!r} cannot be a symbol: write it in letters and digits, like BTCUSDT")
    return tidy


def symbol_of(name: str) -> str | None:
    """Return the symbol a file name starts with (BTCUSDT_1h…, BTC_USDT-5m…, Binance_BTCUSDT_1h…) or alone holds, or None."""
    hit = IN_NAME.match(name) or IN_NAME.match(
        re.sub(rf"^(?:{EXCHANGES})(?=[_\- ])", lambda m: m[0].upper(), name, flags=re.I)
    )
    if hit:
        return "".join(part or "" for part in hit.groups())
    inside = set(INSIDE_NAME.findall(name))
    return inside.pop() if len(inside) == 1 else None


def tidy_names(names: list[str], place: str) -> dict[str, str]:
    """Return raw -> tidy for the symbols of one file; raises UserError if two markets would become one.

    BTC/USDT and BTC/USDT:USDT, or the same pair of two exchanges, are different prices.
    """
    tidy: dict[str, str] = {}
    whole: dict[str, tuple[str, str]] = {}
    for raw in names:
        tidy[raw] = tidy_symbol(raw)
        plain = re.sub(r"[^A-Z0-9:.@=]", "", raw.upper())
        other = whole.setdefault(tidy[raw], (plain, raw))
        if other[0] != plain:
            raise UserError(
                f"{place} holds both {other[1]!r} and {raw!r}, two markets that would both be called {tidy[raw]}: "
                "put them into files of their own"
            )
    return tidy
