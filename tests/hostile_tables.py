"""The bars that hostile files are made of, and such tables: what programs really write to parquet, feather and JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

T0, HOUR, BARS = 1_704_067_200_000, 3_600_000, 40
HEADER = ("open_time", "open", "high", "low", "close", "volume")
READ, REFUSED, EITHER = "read", "refused", "either"


def own_file(path: Path, bars: int) -> Path:
    """Write bars of four hours whose interval and span nothing but the file says; return its path."""
    rows = (f"{T0 + k * 4 * HOUR},{10 + k % 7},{19 + k % 7},9,{11 + k % 5},5" for k in range(bars))
    path.write_text("\n".join([",".join(HEADER), *rows]))
    return path


@dataclass(frozen=True)
class Case:
    """One file. `outcome`: read (all bars come back), refused (one sentence), either (refused, or only true bars come back)."""

    name: str
    file: str
    content: bytes
    outcome: str
    damaged: frozenset[str] = frozenset()  # columns whose values cannot be compared with the truth


def truth() -> pd.DataFrame:
    """Forty true hourly bars."""
    rng = np.random.default_rng(7)
    close = 100 + rng.normal(0, 1, BARS).cumsum().round(2)
    opened = np.r_[100, close[:-1]]
    frame = {
        "open_time": T0 + HOUR * np.arange(BARS),
        "open": opened,
        "high": np.maximum(opened, close) + 1,
        "low": np.minimum(opened, close) - 1,
        "close": close,
        "volume": rng.integers(5, 50, BARS).astype(float),
    }
    return pd.DataFrame(frame).round(2)


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pa.parquet.write_table(table, out)
    return out.getvalue()


def feather(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pa.feather.write_feather(table, out)
    return out.getvalue()


def plain_table() -> pa.Table:
    return pa.Table.from_pandas(truth(), preserve_index=False)


def columns_of_no_prices(close: pd.Series, stamp: pd.Series) -> dict[str, pa.Array]:
    return {
        "list": pa.array([[v] for v in close]),
        "struct": pa.array([{"v": v} for v in close]),
        "boolean": pa.array([True] * BARS),
        "binary": pa.array([b"1"] * BARS),
        "date": pa.array(stamp.dt.date),
        "timestamp": pa.array(stamp),
        "null": pa.nulls(BARS),
        "duration": pa.array([1] * BARS, pa.duration("s")),
        "map": pa.array([[("a", v)] for v in close], pa.map_(pa.string(), pa.float64())),
        "time of day": pa.array([1] * BARS, pa.time32("s")),
        "words": pa.array(["ten"] * BARS),
        "fixed": pa.array([b"ab"] * BARS, pa.binary(2)),
    }


def wrong_types() -> Iterator[Case]:
    """Columns of types that hold no prices or no times."""
    made = columns_of_no_prices(truth()["close"], pd.to_datetime(truth()["open_time"], unit="ms"))
    frame = plain_table()
    for kind, column in made.items():
        for at in ("close", "volume", "open_time"):
            fine = at == "open_time" and kind in ("timestamp",)
            table = frame.set_column(frame.schema.get_field_index(at), at, column)
            outcome = READ if fine else EITHER if (at, kind) == ("open_time", "date") else REFUSED
            damaged = frozenset({"all"}) if outcome == EITHER else frozenset()
            yield Case(f"parquet {at} of {kind}", "BTCUSDT_1h.parquet", parquet(table), outcome, damaged)


def right_types() -> Iterator[Case]:
    """Columns of unusual types that hold prices and times all the same."""
    frame, close = plain_table(), truth()["close"]
    good = {
        "dictionary": pa.array(close.astype(str)).dictionary_encode(),
        "decimal": pa.array(close).cast(pa.decimal128(12, 2)),
        "text": pa.array(close.astype(str)),
        "large text": pa.array(close.astype(str), pa.large_string()),
    }
    for kind, column in good.items():
        table = frame.set_column(4, "close", column)
        yield Case(f"parquet close as {kind}", "BTCUSDT_1h.parquet", parquet(table), READ)
        yield Case(f"feather close as {kind}", "BTCUSDT_1h.feather", feather(table), READ)
    stamp = pd.to_datetime(truth()["open_time"], unit="ms")
    times = {
        "us": pa.array(stamp).cast(pa.timestamp("us")),
        "zone": pa.array(stamp.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")),
        "float": pa.array(truth()["open_time"] / 1000.0),
        "seconds": pa.array(truth()["open_time"] // 1000),
        "iso": pa.array(stamp.astype(str)),
        "unsigned": pa.array(truth()["open_time"], pa.uint64()),
    }
    for kind, column in times.items():
        table = frame.set_column(0, "open_time", column)
        yield Case(f"parquet time as {kind}", "BTCUSDT_1h.parquet", parquet(table), READ)


def odd_tables() -> Iterator[Case]:
    """Tables with columns twice, without rows or columns, or far too large for what they hold."""
    frame = plain_table()
    twice = frame.append_column("Close", frame.column("close"))
    timeless = frame.set_column(0, "open_time", pa.nulls(BARS, pa.int64()))
    yield Case("parquet of two close", "BTCUSDT_1h.parquet", parquet(twice), REFUSED)
    yield Case("parquet without rows", "BTCUSDT_1h.parquet", parquet(frame.slice(0, 0)), REFUSED)
    yield Case("parquet without columns", "BTCUSDT_1h.parquet", parquet(frame.select([])), REFUSED)
    yield Case("parquet of absent times", "BTCUSDT_1h.parquet", parquet(timeless), REFUSED)
    yield Case("parquet under a false name", "BTCUSDT_1h.csv", parquet(frame), READ)
    yield Case("large parquet", "BTCUSDT_1h.parquet", parquet(pa.concat_tables([frame] * 2000)), REFUSED)
    yield Case("large feather", "BTCUSDT_1h.feather", feather(pa.concat_tables([frame] * 2000)), REFUSED)


def json_files() -> Iterator[Case]:
    """Bars as JSON, and JSON that holds no bars."""
    rows = json.loads(truth().to_json(orient="records"))
    yield Case("json lines", "BTCUSDT_1h.jsonl", "\n".join(map(json.dumps, rows)).encode(), READ)
    yield Case("json list", "BTCUSDT_1h.json", json.dumps(rows).encode(), READ)
    yield Case("json rows", "BTC_USDT-1h.json", json.dumps([list(r.values()) for r in rows]).encode(), READ)
    bad = {
        "deep": b"[" * 100_000,
        "cut": json.dumps(rows).encode()[:-9],
        "numbers": b"[1,2,3]",
        "empty list": b"[]",
        "mixed": json.dumps([rows[0], [1]]).encode(),
        "nested": json.dumps([dict(r, close={"a": 1}) for r in rows]).encode(),
        "words": json.dumps([dict(r, close="ten") for r in rows]).encode(),
        "twice": b'{"close":1,"close":2}',
        "ragged": json.dumps([list(rows[0].values()), [1]]).encode(),
        "columns": truth().to_json().encode(),
    }
    for name, data in bad.items():
        yield Case(f"json {name}", "BTCUSDT_1h.json", data, REFUSED)


def names() -> Iterator[Case]:
    """Symbols that are none, and pairs of markets that would become one."""
    bad = (
        "=HYPERLINK(1)",
        "@SUM(A1)",
        "+1",
        "-1",
        "",
        "../../x",
        "A" * 300,
        "BTC USDT!",
        "💰",
        "<b>",
        "a;b",
        "nul\0",
        "\u202eBTC",
        "a\\b",
    )
    for symbol in bad:
        yield Case(f"symbol {symbol[:12]!r}", "bars.parquet", parquet(with_symbol([symbol] * BARS)), REFUSED)
    for pair in (("BTC/USDT", "BTC/USDT:USDT"), ("BINANCE:BTCUSDT", "COINBASE:BTCUSDT"), ("BTCUSDT", "BTCUSDT.P")):
        yield Case(f"symbols {pair}", "bars.parquet", parquet(with_symbol([*pair] * (BARS // 2))), REFUSED)
    good = "btc/usdt BTC-USDT BINANCE:BTCUSDT BTCUSDT.P BTC/USDT:USDT BTC-USDT-SWAP BTC_USDT ＢＴＣＵＳＤＴ"
    for symbol in good.split():
        yield Case(f"symbol {symbol}", "bars.parquet", parquet(with_symbol([symbol] * BARS)), READ)
    yield Case("symbol absent", "bars.parquet", parquet(with_symbol([None, *["BTCUSDT"] * (BARS - 1)])), REFUSED)
    yield Case("symbol a number", "bars.parquet", parquet(with_symbol([1] * BARS)), REFUSED)


def with_symbol(values: list) -> pa.Table:
    return plain_table().append_column("symbol", pa.array(values))
