"""The archive's layout: which file holds which bars, what its listing says, how a zip is opened without trusting it."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from typing import Literal
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.csv

from candlelab.core.columns import NUMBERS
from candlelab.core.errors import DataTrouble
from candlelab.core.interval import floor_open, interval_ms
from candlelab.market.columns import ARCHIVE_COLUMNS
from candlelab.market.timestamps import stamps_to_ms
from candlelab.market.web import HttpClient, NotFound, TransientError

MARKETS = {"spot": "spot", "um": "futures/um", "cm": "futures/cm"}
MONTHLY_ONLY = ("3d", "1w", "1mo")
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
KEPT = ("open_time", *NUMBERS)
COLUMNS = ("time", *KEPT[1:])
ROW_BYTES = 260  # no row of the archive is longer: 12 columns of at most 20 characters
LARGEST_RATIO = 200  # real files reach about 30 (flat bars without volume); bombs have thousands
SMALL = 1 << 16


@dataclass(frozen=True)
class ArchiveFile:
    """One zip of the archive and the half-open range of open times (ms UTC) it should hold."""

    market: str
    symbol: str
    interval: str
    date: str  # YYYY-MM or YYYY-MM-DD

    @property
    def period(self) -> str:
        """monthly or daily."""
        return "monthly" if len(self.date) == 7 else "daily"

    @property
    def name(self) -> str:
        """The zip's name."""
        return f"{self.symbol}-{self.interval}-{self.date}.zip"

    @property
    def path(self) -> str:
        """The key in the bucket, percent-encoded for a URL."""
        return quote(folder(self.market, self.period, self.symbol, self.interval) + self.name)

    @property
    def start(self) -> int:
        """First open time the file may hold."""
        return int(np.datetime64(self.date, "ms").astype(np.int64))

    @property
    def end(self) -> int:
        """End of the range, excluded."""
        unit: Literal["M", "D"] = "M" if self.period == "monthly" else "D"
        return int((np.datetime64(self.date, unit) + 1).astype("datetime64[ms]").astype(np.int64))

    @property
    def cap(self) -> int:
        """Bytes that neither the zip nor its member may exceed."""
        return (31 if self.period == "monthly" else 1) * 86_400_000 // interval_ms(self.interval) * ROW_BYTES + SMALL


def folder(market: str, period: str, symbol: str, interval: str) -> str:
    """Return the bucket folder of one series, ending in a slash."""
    return f"data/{MARKETS[market]}/{period}/klines/{symbol}/{interval}/"


def months_between(start: int, end: int) -> list[str]:
    """Return YYYY-MM of every month that [start, end) touches."""
    first, last = (np.datetime64(t, "ms").astype("datetime64[M]") for t in (start, max(start, end - 1)))
    return [str(m) for m in np.arange(first, last + 1)]


def days(start: int, end: int) -> list[str]:
    """Return YYYY-MM-DD of every day that [start, end) touches."""
    first, last = (np.datetime64(t, "ms").astype("datetime64[D]") for t in (start, max(start, end - 1)))
    return [str(d) for d in np.arange(first, last + 1)]


def expected_times(start: int, end: int, interval: str) -> np.ndarray:
    """Return the open times the calendar asks of [start, end), ms UTC."""
    if interval == "1mo":
        stamps = np.arange(
            *(np.datetime64(t, "ms").astype("datetime64[M]") for t in (start, end - 1 + 32 * 86_400_000))
        )
        times = stamps.astype("datetime64[ms]").astype(np.int64)
    else:
        times = np.arange(int(floor_open(start, interval)), end, interval_ms(interval), dtype=np.int64)
    return times[(times >= start) & (times < end)]


def list_folder(web: HttpClient, listing_url: str, prefix: str, marker: str = "") -> tuple[list[str], list[str]]:
    """Return (keys, sub-folders) under a prefix, all pages; raises DataTrouble if the listing does not answer as one."""
    keys: list[str] = []
    prefixes: list[str] = []
    while True:
        query = urlencode({"delimiter": "/", "prefix": prefix, "marker": marker})
        page = web.retry(f"the listing of {prefix}", partial(_listing_page, web, f"{listing_url.rstrip('/')}?{query}"))
        keys += page.keys
        prefixes += page.prefixes
        if not page.truncated:
            return keys, prefixes
        following = page.next_marker or (page.keys or page.prefixes or [marker])[-1]
        if following <= marker:
            raise DataTrouble(f"the listing of {prefix} does not advance beyond '{marker}': try again later")
        marker = following


@dataclass(frozen=True)
class _Page:
    keys: list[str]
    prefixes: list[str]
    truncated: bool
    next_marker: str


def _listing_page(web: HttpClient, url: str) -> _Page:
    try:
        body = web.get(url, cap=4 << 20).body
    except NotFound:
        raise TransientError("no listing there (HTTP 404)", unreachable=True) from None
    if b"<!DOCTYPE" in body[:2000] or b"<!ENTITY" in body:
        raise TransientError(
            "the answer is no listing but another document", unreachable=b"<html" in body[:2000].lower()
        )
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise TransientError("the listing is cut or no XML") from None
    space = NAMESPACE if root.tag.startswith("{") else ""
    if root.tag != f"{space}ListBucketResult":
        raise TransientError("the answer is no listing but another document")
    return _Page(
        [e.text or "" for e in root.findall(f"{space}Contents/{space}Key")],
        [e.text or "" for e in root.findall(f"{space}CommonPrefixes/{space}Prefix")],
        (root.findtext(f"{space}IsTruncated") or "").strip() == "true",
        root.findtext(f"{space}NextMarker") or "",
    )


def parse_checksum(text: bytes, name: str) -> str:
    """Return the 64 hex digits a CHECKSUM file gives for `name`; raises TransientError if it is none."""
    hit = re.fullmatch(rb"\s*([0-9a-fA-F]{64})\s+\*?(\S+)\s*", text)
    if not hit:
        raise TransientError("its CHECKSUM is not one line of 64 hex digits and a name")
    if hit.group(2).decode("utf-8", "replace") != name:
        raise TransientError(f"its CHECKSUM speaks of {hit.group(2).decode('utf-8', 'replace')[:80]}")
    return hit.group(1).decode().lower()


def download(web: HttpClient, archive_url: str, file: ArchiveFile) -> tuple[bytes, str, dict[str, np.ndarray]]:
    """Return (zip, sha256, bars) of one try, verified; raises NotFound, TransientError or ExchangeRefuses."""
    url = f"{archive_url.rstrip('/')}/{file.path}"
    checksum = fetch_checksum(web, archive_url, file)
    data = web.get(url, cap=file.cap).body
    if data[:2] != b"PK":
        raise TransientError("the body is no zip" + (" but a web page" if data.lstrip()[:1] == b"<" else ""))
    found = hashlib.sha256(data).hexdigest()
    if found != checksum:
        raise TransientError(f"its SHA-256 is {found[:12]}…, the CHECKSUM says {checksum[:12]}…")
    return data, found, parse_zip(data, file)


def fetch_checksum(web: HttpClient, archive_url: str, file: ArchiveFile) -> str:
    """Return the published SHA-256 of a file; raises NotFound if neither it nor the zip is there."""
    url = f"{archive_url.rstrip('/')}/{file.path}.CHECKSUM"
    return parse_checksum(web.get(url, cap=SMALL).body, file.name)


def unzip(data: bytes, file: ArchiveFile) -> bytes:
    """Return the one csv a zip holds, in memory; raises TransientError on anything unexpected."""
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise TransientError("the zip is damaged") from None
    wanted = file.name.removesuffix(".zip") + ".csv"
    if [m.filename for m in members] != [wanted]:
        raise TransientError(
            f"the zip holds {', '.join(repr(m.filename)[:60] for m in members[:3]) or 'nothing'} "
            f"instead of {wanted} alone"
        )
    member = members[0]
    if member.file_size > file.cap or member.file_size > LARGEST_RATIO * max(member.compress_size, 1) + SMALL:
        raise TransientError(f"the zip would unpack to {member.file_size} bytes")
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise TransientError("the zip is encrypted or packed in an unusual way")
    text = _inflate(data, member, file.cap)
    if len(text) != member.file_size or zlib.crc32(text) != member.CRC:
        raise TransientError("the zip's member is damaged")
    return text


def _inflate(data: bytes, member: zipfile.ZipInfo, cap: int) -> bytes:
    """Return the member's bytes in one bounded call: zipfile's own reader is a third slower and holds the lock more."""
    header = data[member.header_offset : member.header_offset + 30]
    begin = (
        member.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    )
    packed = memoryview(data)[begin : begin + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        return bytes(packed)
    try:
        return zlib.decompressobj(-15).decompress(packed, min(cap, member.file_size) + 1)
    except zlib.error:
        raise TransientError("the zip's member is damaged") from None


def parse_zip(data: bytes, file: ArchiveFile) -> dict[str, np.ndarray]:
    """Return the bars of a zip as COLUMNS (n,): time int64 ms UTC, the others float64; raises TransientError if it holds none."""
    return parse_csv(unzip(data, file), file)


def parse_csv(text: bytes, file: ArchiveFile) -> dict[str, np.ndarray]:
    """Return the bars of an archive csv, with or without header, ms or us, those outside the file's range left out."""
    has_header = not text[:1].isdigit()
    options = pa.csv.ConvertOptions(
        include_columns=list(KEPT), column_types={n: pa.float64() for n in KEPT[1:]} | {"open_time": pa.int64()}
    )
    reading = pa.csv.ReadOptions(
        column_names=list(ARCHIVE_COLUMNS), skip_rows=int(has_header), use_threads=False, block_size=1 << 20
    )
    try:
        table = pa.csv.read_csv(pa.py_buffer(text), read_options=reading, convert_options=options)
    except pa.ArrowInvalid as error:
        raise TransientError(f"its rows are not 12 numbers ({str(error)[:80]})") from None
    bars = {name: table.column(k).to_numpy() for k, name in enumerate(COLUMNS)}
    bars["time"] = stamps_to_ms(bars["time"])
    if not len(table):
        raise TransientError("it holds no bar")
    if file.start <= bars["time"].min() and bars["time"].max() < file.end:
        return bars
    inside = (bars["time"] >= file.start) & (bars["time"] < file.end)
    if not inside.any():
        raise TransientError("it holds no bar of its own period")
    return {name: column[inside] for name, column in bars.items()}
