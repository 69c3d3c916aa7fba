"""Which column of a file holds what: the names people give to open time, prices and volume, and names of one's own."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping

from candlelab.core.columns import PRICES
from candlelab.core.errors import UserError

Columns = Mapping[
    str, str
]  # meaning -> the file's own name of the column, or its number from 1 where there is no header
ARCHIVE_COLUMNS = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
    "taker_buy_base",
    "taker_buy_quote",
    "ignore",
)
ALIASES = {
    "time": (
        "opentime",
        "timeopen",
        "timestamp",
        "unix",
        "unixtimestamp",
        "unixtime",
        "epoch",
        "time",
        "zeit",
        "datetime",
        "date",
        "datum",
        "opendate",
        "starttime",
        "start",
        "ts",
        "t",
        "candlebegintime",
        "timeutc",
        "datetimeutc",
        "indexlevel0",
        "",
        "mts",  # Bitfinex
        "startat",  # Bybit's archive
        "windowstart",  # Polygon
        "timeperiodstart",  # CoinAPI
        "periodstart",
        "opentimestamp",
        "klineopentime",
        "candletime",
        "begin",
        "ticks",  # Deribit
    ),
    "open": ("open", "openprice", "o", "priceopen", "eroffnung", "erster"),
    "high": ("high", "highprice", "h", "max", "pricehigh", "hoch"),
    "low": ("low", "lowprice", "l", "min", "pricelow", "tief"),
    "close": ("close", "closeprice", "c", "last", "priceclose", "schluss", "schlusskurs", "price"),
    "volume": (
        "volume",
        "volumen",
        "tickvolume",
        "tickvol",  # of MetaTrader, whose <VOL> beside it is 0 for every currency
        "vol",
        "v",
        "basevolume",
        "volumebase",
        "baseassetvolume",
        "amount",
        "qty",
        "volumetraded",
    ),
    "quote_volume": ("quotevolume", "quoteassetvolume", "qav", "volumequote", "volumeusdt", "turnover", "quotevol"),
    "trades": ("trades", "count", "numberoftrades", "numtrades", "tradecount", "tradescount", "n", "numberoftrade"),
    "taker_buy_base": (
        "takerbuybase",
        "takerbuyvolume",
        "takerbuybaseassetvolume",
        "takerbuybasevolume",
        "tbbav",
        "takerbasevolume",
        "tbbase",
    ),
    "taker_buy_quote": (
        "takerbuyquote",
        "takerbuyquotevolume",
        "takerbuyquoteassetvolume",
        "tbqav",
        "takerquotevolume",
        "tbquote",
    ),
    "symbol": ("symbol", "pair", "ticker", "instrument", "market", "tic", "coin"),
}
DAY_BESIDE = {"time": "date", "zeit": "datum"}  # a column of the day beside one of the time of day


def check_columns(columns: Columns) -> Columns:
    """Return data.source.columns; raises UserError for a meaning that bars do not have."""
    for name in columns:
        if name not in ALIASES:
            near = difflib.get_close_matches(name, ALIASES, n=1)
            raise UserError(
                f"columns names {name!r}, which is nothing of a bar: "
                + (f"did you mean {near[0]}?" if near else f"choose from {', '.join(ALIASES)}")
            )
    return columns


def match_columns(names: list[str], columns: Columns, place: str) -> dict[str, str]:
    """Return meaning -> column of a file; the first alias in the list wins where two fit.

    A date column beside a time of day is returned as "day". Raises UserError if time or a price has no column, or two of
    the same name.
    """
    tidy: dict[str, list[str]] = {}
    for name in names:
        tidy.setdefault(_tidy(name), []).append(name)
    found = {meaning: _given(wanted, names, place, meaning) for meaning, wanted in columns.items()}
    for meaning, aliases in ALIASES.items():
        hit = next((alias for alias in aliases if alias in tidy), None)
        if meaning in found or hit is None:
            continue
        if len(tidy[hit]) > 1:
            raise UserError(
                f"{place} has {len(tidy[hit])} columns for {meaning} ({', '.join(map(repr, tidy[hit]))}): rename or remove one"
            )
        found[meaning] = tidy[hit][0]
    _volume(found, tidy)
    if found.get("time") and (day := DAY_BESIDE.get(_tidy(found["time"]))) in tidy:
        found["day"] = tidy[day][0]
    absent = [name for name in ("time", *PRICES) if name not in found]
    if absent:
        raise UserError(
            f"{place} has no column for {', '.join(absent)} (it has {', '.join(names)[:200]}): "
            f"rename its header or say data.source.columns={{{absent[0]}: NAME}}"
        )
    return found


def names_without_header(count: int, columns: Columns, place: str) -> list[str]:
    """Return the names of a headerless file's columns: the exchange's order, or their numbers if data.source.columns gives some."""
    if any(str(name).isdigit() for name in columns.values()):
        return [str(k + 1) for k in range(count)]
    if 6 <= count <= len(ARCHIVE_COLUMNS):
        return list(ARCHIVE_COLUMNS[:count])
    raise UserError(
        f"{place} has no header and {count} columns where 6 to 12 were expected (open_time, open, high, low, close, "
        "volume, …): add a header line or say data.source.columns={time: 1, open: 2, high: 3, low: 4, close: 5}"
    )


def _tidy(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", name.lower()))


def _given(wanted: str, names: list[str], place: str, meaning: str) -> str:
    if names.count(str(wanted)) == 1:
        return str(wanted)
    what = "two columns" if str(wanted) in names else "no column"
    raise UserError(
        f"{place} has {what} '{wanted}' (it has {', '.join(names)[:200]}): set data.source.columns.{meaning}"
    )


def _volume(found: dict[str, str], tidy: dict[str, list[str]]) -> None:
    """cryptodatadownload.com: "Volume BTC" beside "Volume USDT"."""
    if "volume" not in found:
        rest = [own[0] for name, own in tidy.items() if name.startswith("volume") and own[0] not in found.values()]
        found |= {"volume": rest[0]} if rest else {}
