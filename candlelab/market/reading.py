"""Files of bars as Arrow tables: csv, json lines, parquet, feather, plain or packed, streamed under a cap on their real size."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet

from candlelab.core.columns import NUMBERS, PRICES
from candlelab.core.errors import UserError
from candlelab.market.columns import Columns, match_columns, names_without_header
from candlelab.market.grouped import ungrouped
from candlelab.market.json_bars import table_in

KINDS = (".csv", ".txt", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".feather", ".arrow")
SUFFIXES = (*(kind + packed for kind in KINDS for packed in ("", ".gz", ".bz2", ".xz", ".zst")), ".zip")
SAMPLE = 1 << 16
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open, b"\x28\xb5\x2f\xfd": None}
DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    pa.ArrowException,
    zipfile.BadZipFile,
    csv.Error,
    UnicodeError,
    MemoryError,
)
PREAMBLE = re.compile(r"(?:https?:|#|sep=)", re.I)  # cryptodatadownload.com puts its address first, Excel its separator
NOTHING = r"\s*(?:|N/?A|#N/A|#NA|-?nan|null|NULL|NaN|n/a|<NA>|-?1\.#IND|-?1\.#QNAN|#N/A N/A)\s*"  # what pyarrow reads as absent
WHOLE = re.compile(rf"\s*-?\d{{1,18}}\s*|{NOTHING}", re.ASCII)
DECIMAL = re.compile(
    rf"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*|\s*[+-]?(?i:inf|infinity)\s*|{NOTHING}", re.ASCII
)


@dataclass(frozen=True)
class RawTable:
    """The rows of one file: an Arrow table of the columns it needs, what they hold, the symbol its preamble names."""

    place: str
    table: pa.Table
    found: dict[str, str]  # meaning -> column
    symbol: str | None = None


@dataclass(frozen=True)
class TextHeader:
    """How a text file begins."""

    encoding: str
    separator: str
    skip: int  # lines before the first bar
    names: list[str]
    symbol: str | None


class Misfit(Exception):
    """A text file with a cell that is not what its column holds."""

    head: TextHeader
    kinds: dict[str, Any]
    reason: str

    def __init__(self, head: TextHeader, kinds: dict[str, pa.DataType], reason: str):
        super().__init__(reason)
        self.head, self.kinds, self.reason = head, kinds, reason


class TooLarge(UserError):
    """A file whose contents are larger than data.source.max_bytes."""


class Capped(io.RawIOBase):
    """A reader of at most `cap` bytes: what a small file unpacks to without end never gets into memory."""

    inner: IO[bytes]
    left: int
    cap: int
    place: str

    def __init__(self, inner: IO[bytes], cap: int, place: str):
        self.inner, self.left, self.cap, self.place = inner, cap, cap, place

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self.inner.read(len(buffer))
        self.left -= len(data)
        if self.left < 0:
            raise TooLarge(
                f"{self.place} holds more than data.source.max_bytes={self.cap} bytes: raise it if you trust the file"
            )
        buffer[: len(data)] = data
        return len(data)


def read_raw(path: Path, columns: Columns, cap: int) -> Iterator[RawTable]:
    """Yield the rows of a file, of every table in it if it is a zip; raises UserError in one sentence if it has none."""
    try:
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                yield from _members(path, columns, cap)
                return
            _check_declared(_declared_by_gzip(file), path.name, cap)
            file.seek(0)
            yield _read(file, path.name, columns, cap)
    except DAMAGE as error:
        raise _damaged(path.name, error) from None


def _check_declared(size: int, place: str, cap: int) -> None:
    """Raise TooLarge for a size that a packed file tells of itself; one that tells less than the truth is caught as it unpacks."""
    if size > cap:
        raise TooLarge(f"{place} holds more than data.source.max_bytes={cap} bytes: raise it if you trust the file")


def _declared_by_gzip(file: IO[bytes]) -> int:
    """Return what the last four bytes of a gzip file say of its size unpacked (RFC 1952, modulo 2^32); 0 for other files.

    Also 0 where so few bytes cannot hold so many (deflate packs at most 1,032 to one): such a file is cut or damaged.
    """
    file.seek(0)
    if file.read(2) != b"\x1f\x8b":
        return 0
    packed = file.seek(-4, io.SEEK_END) + 4
    size = int.from_bytes(file.read(4), "little")
    return size if size <= 1032 * packed else 0


def _damaged(place: str, error: Exception) -> UserError:
    reason = re.sub(r"\s+", " ", str(error))[:100] or type(error).__name__
    return UserError(
        f"{place} cannot be read, or cannot be unpacked ({reason}): it is damaged, cut short or no table of bars, fetch it again"
    )


def _members(path: Path, columns: Columns, cap: int) -> Iterator[RawTable]:
    with zipfile.ZipFile(path) as pack:
        wanted = [
            m
            for m in pack.infolist()
            if not m.is_dir() and m.filename.endswith(SUFFIXES[:-1]) and "__MACOSX" not in m.filename
        ]
        if not wanted:
            raise UserError(f"{path.name} holds no csv, json, parquet or feather file: give one that does")
        if any(m.flag_bits & 1 for m in wanted):
            raise UserError(f"{path.name} is encrypted: unpack it first")
        for member in wanted:
            _check_declared(member.file_size, f"{path.name}/{Path(member.filename).name}", cap)
            try:
                with pack.open(member) as file:
                    yield _read(file, f"{path.name}/{Path(member.filename).name}", columns, cap)
            except NotImplementedError:
                raise UserError(f"{path.name} is packed in an unusual way: unpack it first") from None


def _read(file, place: str, columns: Columns, cap: int) -> RawTable:
    try:
        return _parsed(_stream(file, cap, place), place, columns, cap)
    except Misfit as misfit:
        file.seek(0)
        found = _with_thousands(_stream(file, cap, place), place, columns, misfit)
        if found is not None:
            return found
        file.seek(0)
        raise blame(_stream(file, cap, place), place, misfit) from None


def _stream(file, cap: int, place: str) -> io.BufferedReader:
    return io.BufferedReader(Capped(_unpacked(file), cap, place), SAMPLE)


def _parsed(stream: io.BufferedReader, place: str, columns: Columns, cap: int) -> RawTable:
    start = stream.peek(SAMPLE)
    if not start.strip():
        raise UserError(f"{place} is empty: give a file with bars")
    if start[:4] == b"PAR1":
        return _parquet(pa.py_buffer(stream.read()), place, columns, cap)
    if start[:6] == b"ARROW1" or start[:4] == b"FEA1":
        return _feather(pa.py_buffer(stream.read()), place, columns, cap)
    if start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"["):
        return _json(stream, start, place, columns)
    return _csv(stream, start, place, columns)


def _unpacked(file):
    magic = file.peek(6)[:6] if hasattr(file, "peek") else b""
    for mark, opener in PACKED.items():
        if magic.startswith(mark):
            return pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd") if opener is None else opener(file)
    return file


def _parquet(data: pa.Buffer, place: str, columns: Columns, cap: int) -> RawTable:
    file = pa.parquet.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    size = sum(file.metadata.row_group(k).total_byte_size for k in range(file.metadata.num_row_groups))
    names = file.schema_arrow.names
    found = match_columns(names, columns, place)
    _check_declared(max(size, file.metadata.num_rows * 8 * len(found)), place, cap)
    table = file.read(columns=list(dict.fromkeys(found.values())))
    return RawTable(place, table, found)


def _feather(data: pa.Buffer, place: str, columns: Columns, cap: int) -> RawTable:
    if bytes(data[:4]) == b"FEA1":
        table = pa.feather.read_table(pa.BufferReader(data))
        return RawTable(place, table, match_columns(table.column_names, columns, place))
    names = pa.ipc.open_file(data).schema.names
    found = match_columns(names, columns, place)
    chosen = sorted({names.index(name) for name in found.values()})
    reader, parts, size = pa.ipc.open_file(data, options=pa.ipc.IpcReadOptions(included_fields=chosen)), [], 0
    for k in range(reader.num_record_batches):
        parts.append(reader.get_batch(k))
        size += parts[-1].nbytes
        _check_declared(size, place, cap)
    table = pa.Table.from_batches(parts, schema=reader.schema)
    table.validate(full=True)
    return RawTable(place, table, found)


def _json(stream, start: bytes, place: str, columns: Columns) -> RawTable:
    """Return json lines (one object a line), or the bars in one document, as exchanges and bots write them."""
    data = stream.read()
    if start.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{" and not _is_one_document(data):
        table = pa.json.read_json(pa.BufferReader(data))
    else:
        try:
            table = table_in(json.loads(data.decode("utf-8-sig")), columns, place)
        except (ValueError, RecursionError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{place} is no valid json: fetch it again") from None
    return RawTable(place, table, match_columns(table.column_names, columns, place))


def _is_one_document(data: bytes) -> bool:
    """Tell an object that holds all bars from one bar per line: no line but the last ends it."""
    first, _, rest = data.strip().partition(b"\n")
    return not rest.strip() or not first.rstrip().endswith(b"}")


def _csv(stream, start: bytes, place: str, columns: Columns) -> RawTable:
    """Return the wanted columns of a text file, its encoding, separator, header and preamble told from its first lines."""
    head, first = sniff(start, columns, place)
    found = match_columns(head.names, columns, place)
    kinds = {found[name]: pa.float64() for name in NUMBERS if name in found}
    kinds |= {found[name]: pa.string() for name in ("symbol", "time", "day") if name in found}
    place_of = head.names.index(found["time"])
    if "day" not in found and place_of < len(first) and re.fullmatch(r"\d+", first[place_of].strip(), re.ASCII):
        kinds[found["time"]] = pa.int64()
    options = pa.csv.ConvertOptions(
        include_columns=list(kinds), column_types=kinds, decimal_point=_decimal_point(first, head.separator)
    )
    try:
        table = pa.csv.read_csv(
            stream,
            read_options=_reading(head),
            convert_options=options,
            parse_options=pa.csv.ParseOptions(delimiter=head.separator),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise Misfit(
            head, {column: kind for column, kind in kinds.items() if kind != pa.string()}, str(error)
        ) from None
    return RawTable(place, table, found, head.symbol)


def _decimal_point(cells: list[str], separator: str) -> str:
    """Return the sign before the decimals of a first bar: a comma where it cannot separate cells and stands in a number."""
    return "," if separator != "," and any(re.fullmatch(r"\d+,\d+", cell.strip(), re.ASCII) for cell in cells) else "."


def sniff(start: bytes, columns: Columns, place: str) -> tuple[TextHeader, list[str]]:
    """Return how a text file begins, and the cells of its first bar."""
    encoding = _encoding(start)
    text = start.decode(encoding, "replace").lstrip("\ufeff")
    lines = [line.rstrip("\n") for line in io.StringIO(text, newline=None)]
    skip = next((k for k, line in enumerate(lines) if line.strip() and not PREAMBLE.match(line)), None)
    if skip is None:
        raise UserError(f"{place} is empty: give a file with bars")
    separator = max(",;\t|", key=lines[skip].count)
    rows = [row for row in csv.reader(lines[skip : skip + 12], delimiter=separator) if any(row)]
    if rows[0][0].strip()[:1].isdigit():
        return TextHeader(encoding, separator, skip, names_without_header(len(rows[0]), columns, place), None), rows[0]
    if ticker := _ticker_below(rows, place):
        return TextHeader(encoding, separator, skip + 3, ["Date", *rows[0][1:]], ticker), rows[3] if len(
            rows
        ) > 3 else []
    return TextHeader(encoding, separator, skip + 1, rows[0], None), rows[1] if len(rows) > 1 else []


def _ticker_below(rows: list[list[str]], place: str) -> str | None:
    """Return the ticker of yfinance's header of three lines (Price, Ticker, Date), None if it is another header."""
    if len(rows) < 3 or rows[1][0].strip().lower() not in ("ticker", "") or any(cell.strip() for cell in rows[2][1:]):
        return None
    tickers = {cell.strip() for cell in rows[1][1:]}
    if len(tickers) != 1:
        raise UserError(
            f"{place} holds {len(tickers)} tickers side by side ({', '.join(sorted(tickers))[:80]}): save one ticker per file"
        )
    return tickers.pop()


def _encoding(start: bytes) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, final=False)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _with_thousands(stream, place: str, columns: Columns, misfit: Misfit) -> RawTable | None:
    """Return a text file whose numbers have their thousands apart; None if that is not what its cells are."""
    found = match_columns(misfit.head.names, columns, place)
    numbers = [name for name in NUMBERS if name in found]
    kinds = {column: pa.string() for column in (*misfit.kinds, *found.values())}
    try:
        table = pa.csv.read_csv(
            stream,
            read_options=_reading(misfit.head),
            convert_options=pa.csv.ConvertOptions(include_columns=list(kinds), column_types=kinds),
            parse_options=pa.csv.ParseOptions(delimiter=misfit.head.separator),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    prices = [found[name] for name in PRICES]
    plain = ungrouped(table, prices, [found[name] for name in numbers if name not in PRICES])
    return None if plain is None else RawTable(place, plain, found, misfit.head.symbol)


def _reading(head: TextHeader) -> pa.csv.ReadOptions:
    return pa.csv.ReadOptions(skip_rows=head.skip, column_names=head.names, encoding=head.encoding, block_size=1 << 20)


def blame(stream, place: str, misfit: Misfit) -> UserError:
    """Return the sentence on the first line of a text file that is not what its column should hold, counted as an editor does."""
    rows = csv.reader(
        io.TextIOWrapper(stream, encoding=misfit.head.encoding, errors="replace", newline=""),
        delimiter=misfit.head.separator,
    )
    fit = {column: WHOLE if kind == pa.int64() else DECIMAL for column, kind in misfit.kinds.items()}
    where = [(misfit.head.names.index(column), column, shape) for column, shape in fit.items()]
    for row in rows:
        if rows.line_num <= misfit.head.skip or not any(row):
            continue
        if len(row) != len(misfit.head.names):
            return UserError(
                f"{place}, line {rows.line_num} has {len(row)} cells where the file has {len(misfit.head.names)} columns: repair the line"
            )
        for cell, column, shape in ((row[k], column, shape) for k, column, shape in where):
            if not shape.fullmatch(cell):
                return UserError(
                    f"{place}, line {rows.line_num}, column '{column}' holds '{cell[:40]}', which is no number: "
                    "write plain digits, decimals with a point and no thousands separator"
                )
    return UserError(f"{place} is no table of bars ({misfit.reason[:120]}): repair or remove it")
