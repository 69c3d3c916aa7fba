"""Files of bars as people really have them (csv, csv.gz, parquet; any header, any time unit), read into one shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from candlelab.core.errors import UserError

ARCHIVE_COLUMNS = ("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades",
                   "taker_buy_base", "taker_buy_quote", "ignore")
PRICES = ("open", "high", "low", "close")
ALIASES = {
    "time": ("opentime", "timeopen", "timestamp", "unix", "unixtimestamp", "unixtime", "epoch", "time", "datetime", "date",
             "opendate", "starttime", "start", "ts", "t", "candlebegintime", "timeutc", "datetimeutc", "indexlevel0", ""),
    "open": ("open", "openprice", "o", "priceopen"),
    "high": ("high", "highprice", "h", "max", "pricehigh"),
    "low": ("low", "lowprice", "l", "min", "pricelow"),
    "close": ("close", "closeprice", "c", "last", "priceclose"),
    "volume": ("volume", "vol", "v", "basevolume", "volumebase", "baseassetvolume", "amount", "tickvolume", "qty"),
    "quote_volume": ("quotevolume", "quoteassetvolume", "qav", "volumequote", "volumeusdt", "turnover", "quotevol"),
    "trades": ("trades", "count", "numberoftrades", "numtrades", "tradecount", "tradescount", "n", "numberoftrade"),
    "taker_buy_base": ("takerbuybase", "takerbuyvolume", "takerbuybaseassetvolume", "takerbuybasevolume", "tbbav",
                       "takerbasevolume", "tbbase"),
    "taker_buy_quote": ("takerbuyquote", "takerbuyquotevolume", "takerbuyquoteassetvolume", "tbqav", "takerquotevolume",
                        "tbquote"),
    "symbol": ("symbol", "pair", "ticker", "instrument", "market", "tic", "coin"),
}
NUMBERS = ("open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_base", "taker_buy_quote")
QUOTES = "USDT|USDC|FDUSD|BUSD|TUSD|USDP|USD|BTC|ETH|BNB|EUR|GBP|TRY|BRL|JPY|AUD|DAI|PAX|UST"
CONTRACT = r"_(?:PERP|\d{6})"  # what follows the pair in COIN-M and delivery futures
SYMBOL = re.compile(rf"^([A-Z0-9]{{1,15}}?)[-_/]?({QUOTES})({CONTRACT})?(?![A-Z0-9])")
INTERVAL = re.compile(r"(?<![A-Za-z0-9])(\d{1,2}(?:s|mo|m|h|d|w|M))(?![A-Za-z0-9])")


@dataclass(frozen=True)
class Table:
    """Raw rows of one file in the order of the file: time (n,) int64 ms UTC, NUMBERS (n,) float64, symbol names or None."""

    path: Path
    columns: dict[str, np.ndarray]
    symbol: np.ndarray | None  # (n,) object
    interval: str | None  # as the file name says it

    def __len__(self) -> int:
        return len(self.columns["time"])


def read_table(path: Path) -> Table:
    """Return the bars of a csv, csv.gz, zip-less text or parquet file; raise ValueError in one sentence if it has none."""
    raw = _read_parquet(path) if path.suffix in (".parquet", ".pq") else _read_csv(path)
    found = match_columns(raw.column_names)
    absent = [name for name in ("time", *PRICES) if name not in found]
    if absent:
        raise UserError(f"{path.name} has no column for {', '.join(absent)} (it has {', '.join(raw.column_names)}): "
                         "rename its header")
    if not len(raw):
        raise UserError(f"{path.name} has a header but no bars: give a file with bars")
    columns = {"time": _times(raw, found["time"], path)}
    columns |= {n: _numbers(raw.column(found[n]), found[n], path) for n in NUMBERS if n in found}
    columns.setdefault("volume", np.zeros(len(raw)))
    symbol = None
    if "symbol" in found:
        names = raw.column(found["symbol"]).cast(pa.string()).to_numpy(zero_copy_only=False)
        symbol = np.array([tidy_symbol(name) for name in names], object)
    elif guess := symbol_of(path.name):
        symbol = np.full(len(raw), guess, object)
    named = INTERVAL.search(path.name)
    return Table(path, columns, symbol, named.group(1) if named else None)


def match_columns(names: list[str]) -> dict[str, str]:
    """Return which column of a file holds what; the first alias in the list wins where two fit."""
    tidy: dict[str, str] = {}
    for name in names:
        tidy.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), name)
    found = {}
    for meaning, aliases in ALIASES.items():
        hit = next((tidy[alias] for alias in aliases if alias in tidy), None)
        if hit is not None:
            found[meaning] = hit
    if "volume" not in found:  # cryptodatadownload.com: "Volume BTC" beside "Volume USDT"
        rest = [n for t, n in tidy.items() if t.startswith("volume") and n not in found.values()]
        if rest:
            found["volume"] = rest[0]
    return found


def symbol_of(name: str) -> str | None:
    """Return the symbol a file name starts with (BTCUSDT_1h…, BTC_USDT-5m…), or None."""
    hit = SYMBOL.match(name)
    return "".join(part or "" for part in hit.groups()) if hit else None


def tidy_symbol(name: str) -> str:
    """Return "BTC/USDT" or "btc-usdt" as the exchange writes it: BTCUSDT."""
    return re.sub(rf"[/\- ]|(?!{CONTRACT})_", "", str(name).strip().upper())


def _times(raw: pa.Table, name: str, path: Path) -> np.ndarray:
    """Return the open times; a file with a Date and a Time of day has them in two columns."""
    column, day = raw.column(name), next((n for n in raw.column_names if n.strip("<> ").lower() == "date"), None)
    if not pa.types.is_time(column.type) or day is None:
        return read_times(column, path)
    return read_times(raw.column(day), path) + column.cast(pa.time32("ms"), safe=False).cast(pa.int32()).to_numpy().astype(np.int64)


def read_times(column: pa.ChunkedArray, path: Path) -> np.ndarray:
    """Return int64 ms UTC of numbers (s, ms, us or ns, told per value by magnitude), timestamps or ISO text."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).to_numpy()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if column.null_count:
            raise UserError(f"{path.name} has {column.null_count} rows without a time: remove them")
        return to_ms(column.to_numpy())
    return _parse_text(column.cast(pa.string()), path)


def to_ms(times: np.ndarray) -> np.ndarray:
    """Return int64 ms of epoch numbers whose unit (s, ms, us, ns) is told per value by its magnitude."""
    if np.issubdtype(times.dtype, np.floating):
        size = np.abs(times)
        seconds = size < 1e11
        return np.where(seconds, np.rint(times * 1000), _scale_down(np.rint(times).astype(np.int64), size)).astype(np.int64)
    if len(times) and times.min() >= 10**11 and times.max() < 10**14:
        return times  # all ms: the usual case, without the temporary arrays
    size = np.abs(times)
    return np.where(size < 10**11, times * 1000, _scale_down(times, size)).astype(np.int64)


def _scale_down(times, size):
    return np.select([size < 10**14, size < 10**17], [times, times // 1000], times // 1_000_000)


def _parse_text(column: pa.ChunkedArray, path: Path) -> np.ndarray:
    import pandas as pd

    text = pd.Series(column.to_numpy(zero_copy_only=False)).str.strip()
    for style in ("ISO8601", "%Y-%m-%d %I-%p", "%Y.%m.%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d"):
        stamps = pd.to_datetime(text, format=style, utc=True, errors="coerce")
        if stamps.notna().all():
            return stamps.dt.tz_localize(None).to_numpy("datetime64[ms]").astype(np.int64)
    bad = text[pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce").isna()].iloc[0]
    raise UserError(f"{path.name} has the time '{bad}', which is neither an epoch number nor ISO (2024-01-31 13:00): convert it")


def _numbers(column: pa.ChunkedArray, name: str, path: Path) -> np.ndarray:
    try:
        return pc.cast(column, pa.float64(), safe=False).to_numpy().astype(np.float64)
    except pa.ArrowInvalid:
        values = column.to_pylist()
        row = next(i for i, v in enumerate(values) if v is not None and not _is_number(v))
        raise UserError(f"{path.name}, row {row + 1}, column '{name}' holds '{values[row]}', which is no number: "
                         "write decimals with a point and no thousands separator") from None


def _is_number(value) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> pa.Table:
    try:
        return pa.parquet.read_table(path)
    except pa.ArrowInvalid as error:
        raise UserError(f"{path.name} is not a readable parquet file ({str(error)[:80]}): fetch it again") from None


def _read_csv(path: Path) -> pa.Table:
    """Return the rows of a text file, its separator, header and preamble told from its first lines."""
    with pa.input_stream(path, compression="detect") as stream:
        try:
            data = stream.read_buffer() if hasattr(stream, "read_buffer") else stream.read()
        except OSError:
            raise UserError(f"{path.name} cannot be unpacked: it is damaged or cut short, fetch it again") from None
    head = bytes(data[:4096]).decode("utf-8", "replace").lstrip("\ufeff").splitlines()
    skip = 1 if head and head[0].lower().startswith(("http", "#")) else 0  # cryptodatadownload.com puts its address first
    if len(head) <= skip or not head[skip].strip():
        raise UserError(f"{path.name} is empty: give a file with bars")
    first = head[skip]
    separator = max(",;\t", key=first.count)
    names = None
    if first[:1].isdigit():
        names = _names_without_header(first.split(separator), path)
    try:
        return pa.csv.read_csv(
            pa.py_buffer(data), read_options=pa.csv.ReadOptions(skip_rows=skip, column_names=names),
            parse_options=pa.csv.ParseOptions(delimiter=separator),
            convert_options=pa.csv.ConvertOptions(timestamp_parsers=[pa.csv.ISO8601]))
    except pa.ArrowInvalid as error:
        raise UserError(f"{path.name} is no table of bars ({str(error)[:120]}): repair or remove it") from None


def _names_without_header(cells: list[str], path: Path) -> list[str]:
    if len(cells) == len(ARCHIVE_COLUMNS):
        return list(ARCHIVE_COLUMNS)
    if 6 <= len(cells) <= 11:
        return list(ARCHIVE_COLUMNS[:len(cells)])
    raise UserError(f"{path.name} has no header and {len(cells)} columns where 6 to 12 were expected "
                     "(open_time, open, high, low, close, volume, …): add a header line")
