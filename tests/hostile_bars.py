"""A seeded corpus of hostile and clumsy files of bars: what people and their programs really do to csv, json, parquet and feather."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from hostile_tables import (
    BARS,
    EITHER,
    HEADER,
    READ,
    REFUSED,
    T0,
    Case,
    feather,
    json_files,
    names,
    odd_tables,
    parquet,
    right_types,
    truth,
    wrong_types,
)


def cells() -> list[list[str]]:
    return [[str(value) for value in row] for row in truth().astype({"open_time": int}).itertuples(index=False)]


def text(rows, header=HEADER, mark=",", end="\n") -> bytes:
    return end.join(mark.join(row) for row in [*([list(header)] if header else []), *rows, []]).encode()


def corpus() -> list[Case]:
    """Return all cases, the same ones every time."""
    return [
        case
        for kind in (
            bad_cells,
            bad_times,
            texts,
            packs,
            wrong_types,
            right_types,
            odd_tables,
            json_files,
            names,
            orders,
            flips,
            cuts,
        )
        for case in kind()
    ]


def bad_cells() -> Iterator[Case]:
    """A cell that is no number, or no number a market can have."""
    wrong = [
        "1_000",
        "１００",
        "١٢٣",
        "1 000",
        "$100",
        "abc",
        "0x10",
        "1.2.3",
        "--5",
        "True",
        "2024-01-01",
        "½",
        "1e",
        "1;5",
        "∞",
    ]
    drop = ["1e400", "inf", "-inf", "nan", "", "-5", "NULL"]
    for column in HEADER[1:]:
        for value in (*wrong, *drop):
            rows = cells()
            rows[7][HEADER.index(column)] = value
            yield Case(f"{column}={value!r}", "BTCUSDT_1h.csv", text(rows), REFUSED if value in wrong else EITHER)


def bad_times() -> Iterator[Case]:
    """A time that is none."""
    for value in (
        "",
        "abc",
        "32.01.2024 10:00",
        "2024-13-01 00:00",
        "-1",
        "0",
        "1e30",
        "99999999999999999999",
        "nan",
        "１７０４",
        "7",
        "2024-02-30",
        "9e18",
        "9223372036854775807",
        "-9223372036854775808",
        "253402300800000",
        "1704067200000x",
        "None",
    ):
        rows = cells()
        rows[7][0] = value
        yield Case(f"time={value!r}", "BTCUSDT_1h.csv", text(rows), REFUSED)
    for value in ("2024-01-01", "01/02/2024", "2024-01-01T00:00:00+99:00", "12:30", "yesterday"):
        yield Case(
            f"every time={value!r}",
            "BTCUSDT_1h.csv",
            text([[value, *row[1:]] for row in cells()]),
            EITHER,
            frozenset({"all"}),
        )


def texts() -> Iterator[Case]:
    """Headers, encodings, separators, ragged lines."""
    yield from (Case(f"text {key}", "BTCUSDT_1h.csv", data, READ) for key, data in read_texts().items())
    yield from (Case(f"text {key}", "BTCUSDT_1h.csv", data, REFUSED) for key, data in refused_texts().items())


def read_texts() -> dict[str, bytes]:
    """Tables that are unusual and right."""
    rows = cells()
    good, note = text(rows), [[*row, "Größe é"] for row in rows]
    return {
        "plain": good,
        "utf-8 mark": b"\xef\xbb\xbf" + good,
        "utf-16": good.decode().encode("utf-16"),
        "crlf": text(rows, end="\r\n"),
        "cr": text(rows, end="\r"),
        "tab": text(rows, mark="\t"),
        "semicolon": text(rows, mark=";"),
        "pipe": text(rows, mark="|"),
        "preamble": b"https://www.example.com\n" + good,
        "sep": b"sep=,\n" + good,
        "comment": b"# made by hand\n#\n" + good,
        "quoted": text([[f'"{c}"' for c in row] for row in rows]),
        "blank lines": good.replace(b"\n", b"\n\n"),
        "leading blank": b"\n\n" + good,
        "latin-1 header": text(note, (*HEADER, "Größe")).decode().encode("latin-1"),
        "latin-1 column": text(note, (*HEADER, "note")).decode().encode("latin-1"),
        "no last end": good.rstrip(),
        "spaces": good.replace(b",", b" , "),
        "decimal comma": text([[c.replace(".", ",") for c in r] for r in rows], mark=";"),
    }


def refused_texts() -> dict[str, bytes]:
    """Tables that nobody should believe."""
    rows = cells()
    good = text(rows)
    return {
        "nothing": b"",
        "spaces only": b"  \n \n",
        "header only": text([]),
        "two close": text([[*r, "1"] for r in rows], (*HEADER, "close")),
        "close and Close": text([[*r, "1"] for r in rows], (*HEADER, " Close ")),
        "no close": text(rows, (*HEADER[:4], "x", "volume")),
        "five columns": text([r[:5] for r in rows], None),
        "thirteen columns": text([[*r, *"1234567"] for r in rows], None),
        "header again": good + good,
        "short line": good.replace(b"\n", b"\n1704067200000,1\n", 3),
        "web page": b"<!DOCTYPE html><html><body>no</body></html>",
        "error body": b'{"code":-1121,"msg":"Invalid symbol."}',
        "xml": b"<?xml version='1.0'?><Error/>",
        "nul": good.replace(b"100.0", b"1\x0000", 1),
        "open quote": good.replace(b"\n", b'\n"', 3),
        "decimal comma between commas": text([[c.replace(".", ",") for c in r] for r in rows]),
        "one word": b"hello",
        "binary": bytes(range(256)) * 20,
        "long line": b"a" * 300_000,
        "many columns": b",".join([b"a"] * 5000) + b"\n",
        "bad utf-8 late": text([[*r, "BTCUSDT"] for r in rows * 60], (*HEADER, "symbol"))
        + b"1704067200000,1,1,1,1,1,\xff\xfe\xfa\n",
    }


def packs() -> Iterator[Case]:
    """Packed files: good, cut, false, and those that unpack without end."""
    good = text(cells())
    squeeze = {
        "gz": lambda d: gzip.compress(d, mtime=0),
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": lambda d: pa.Codec("zstd").compress(d, asbytes=True),
    }
    for kind, pack in squeeze.items():
        yield Case(f"packed {kind}", f"BTCUSDT_1h.csv.{kind}", pack(good), READ)
        yield Case(f"packed {kind} under a false name", "BTCUSDT_1h.csv", pack(good), READ)
        yield Case(f"packed {kind}, cut", f"BTCUSDT_1h.csv.{kind}", pack(good)[: -len(pack(good)) // 3], REFUSED)
        yield Case(
            f"packed {kind}, bomb",
            f"BTCUSDT_1h.csv.{kind}",
            pack(good + b"1704067200000,1,1,1,1,1\n" * 100_000),
            REFUSED,
        )
        yield Case(f"packed {kind}, nothing", f"BTCUSDT_1h.csv.{kind}", pack(b""), REFUSED)
    yield Case("text called gz", "BTCUSDT_1h.csv.gz", good, READ)
    yield Case("zip", "bars.zip", zipped({"BTCUSDT_1h.csv": good}), READ)
    yield Case(
        "zip of a Mac", "bars.zip", zipped({"BTCUSDT_1h.csv": good, "__MACOSX/._BTCUSDT_1h.csv": b"\0\5\26\7"}), READ
    )
    yield Case(
        "zip of two",
        "bars.zip",
        zipped({"a/BTCUSDT_1h.csv": text(cells()[:20]), "b/BTCUSDT_1h.csv": text(cells()[20:])}),
        READ,
    )
    yield Case("zip slip", "bars.zip", zipped({"../../BTCUSDT_1h.csv": good}), READ)
    yield Case("zip of nothing", "bars.zip", zipped({}), REFUSED)
    yield Case("zip of a picture", "bars.zip", zipped({"a.png": b"png"}), REFUSED)
    yield Case("zip in zip", "bars.zip", zipped({"b.zip": zipped({"BTCUSDT_1h.csv": good})}), REFUSED)
    yield Case("zip bomb", "bars.zip", zipped({"BTCUSDT_1h.csv": good + b" " * 3_000_000}), REFUSED)
    locked = bytearray(zipped({"BTCUSDT_1h.csv": good}))
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        locked[locked.index(mark) + place] |= 1
    yield Case("encrypted zip", "bars.zip", bytes(locked), REFUSED)
    odd = bytearray(zipped({"BTCUSDT_1h.csv": good}))
    odd[odd.index(b"PK\x01\x02") + 10] = 97
    yield Case("zip of an unknown method", "bars.zip", bytes(odd), REFUSED)


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in files.items():
            pack.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def orders() -> Iterator[Case]:
    """Rows in another order, twice, or with other values the second time."""
    rows, rng = cells(), np.random.default_rng(3)
    other = [list(row) for row in rows]
    other[7][4] = other[7][3]
    yield Case("backwards", "BTCUSDT_1h.csv", text(rows[::-1]), READ)
    yield Case("shuffled", "BTCUSDT_1h.csv", text([rows[k] for k in rng.permutation(BARS)]), READ)
    yield Case("twice", "BTCUSDT_1h.csv", text([*rows, *rows]), READ)
    yield Case("two versions of a bar", "BTCUSDT_1h.csv", text([*rows, *other]), EITHER, frozenset({"close"}))
    yield Case("one bar", "BTCUSDT_1h.csv", text(rows[:1]), EITHER)
    yield Case(
        "an odd step",
        "BTCUSDT.csv",
        text([[str(T0 + 7 * 60_000 * k), *row[1:]] for k, row in enumerate(rows)]),
        REFUSED,
    )
    yield Case("no step", "BTCUSDT.csv", text([[str(T0), *row[1:]] for row in rows]), EITHER, frozenset({"all"}))
    yield Case("all prices 0", "BTCUSDT_1h.csv", text([[row[0], *["0"] * 4, row[5]] for row in rows]), REFUSED)
    yield Case(
        "high and low swapped",
        "BTCUSDT_1h.csv",
        text(rows, ("open_time", "open", "low", "high", "close", "volume")),
        REFUSED,
    )
    yield Case("all volumes infinite", "BTCUSDT_1h.csv", text([[*row[:5], "inf"] for row in rows]), REFUSED)


def formats() -> dict[str, bytes]:
    table = pa.Table.from_pandas(truth(), preserve_index=False)
    lines = "\n".join(map(json.dumps, json.loads(truth().to_json(orient="records")))).encode()
    return {
        "csv": text(cells()),
        "csv.gz": gzip.compress(text(cells()), mtime=0),
        "parquet": parquet(table),
        "feather": feather(table),
        "jsonl": lines,
        "zip": zipped({"BTCUSDT_1h.csv": text(cells())}),
    }


def flips(each: int = 9) -> Iterator[Case]:
    """Files with one byte changed."""
    rng = np.random.default_rng(11)
    for suffix, data in formats().items():
        for k in range(each):
            at, bit = int(rng.integers(len(data))), int(rng.integers(8))
            flipped = data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]
            yield Case(f"{suffix} flipped {k}", f"BTCUSDT_1h.{suffix}", flipped, EITHER, frozenset({"all"}))


def cuts() -> Iterator[Case]:
    """Files that end too early."""
    for suffix, data in formats().items():
        for share in (0.1, 0.5, 0.9, 0.99):
            outcome = EITHER if suffix in ("csv", "jsonl") else REFUSED
            damaged = frozenset({"all"}) if outcome == EITHER else frozenset()
            yield Case(
                f"{suffix} cut at {share:.0%}", f"BTCUSDT_1h.{suffix}", data[: int(share * len(data))], outcome, damaged
            )
