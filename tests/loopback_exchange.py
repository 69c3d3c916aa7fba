"""A stand-in for the exchange on 127.0.0.1: archive, listing and REST, with faults to order."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import threading
import time
import urllib.parse
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

HTML = b"<!DOCTYPE html><html><body>please try again</body></html>"


class Exchange:
    """Serves `files` (key -> bytes or Path) as archive and listing, `rows` ((symbol, interval) -> REST rows) as klines.

    faults  list of [substring of the path, kind, how many times]; a kind is a method of the handler below.
    log     every request's path with query; used_weight is what the weight header says.
    """

    def __init__(self, *, page: int = 1000, now: int | None = None):
        self.files: dict[str, bytes | Path] = {}
        self.rows: dict[tuple[str, str], list[list]] = {}
        self.faults: list[list] = []
        self.log: list[str] = []
        self.page, self.now, self.used_weight, self.delay = page, now, 2, 0.0
        self.lock = threading.Lock()
        handler = type("Bound", (_Handler,), {"exchange": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def serve_folder(self, root: Path) -> None:
        """Serve every file under `root` (raw_vision) under its own path."""
        self.files |= {p.relative_to(root).as_posix(): p for p in sorted(root.glob("data/**/*")) if p.is_file()}

    def put(self, key: str, data: bytes) -> None:
        """Publish a zip and its CHECKSUM."""
        name = key.rsplit("/", 1)[1]
        self.files[key] = data
        self.files[f"{key}.CHECKSUM"] = f"{hashlib.sha256(data).hexdigest()}  {name}".encode()

    def drop(self, key: str) -> None:
        """Take a zip and its CHECKSUM away."""
        self.files.pop(key)
        self.files.pop(f"{key}.CHECKSUM", None)

    def bytes_of(self, key: str) -> bytes:
        """Return what a key holds."""
        found = self.files[key]
        return found.read_bytes() if isinstance(found, Path) else found

    def fault(self, path: str) -> str | None:
        """Return the fault due for a path, counting it down."""
        with self.lock:
            for item in self.faults:
                if item[0] in path and item[2] > 0:
                    item[2] -= 1
                    return item[1]
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    exchange: Exchange

    def log_message(self, *_):
        pass

    def do_GET(self):
        ex = self.exchange
        ex.log.append(self.path)
        time.sleep(ex.delay)
        parts = urllib.parse.urlsplit(self.path)
        path, query = (
            urllib.parse.unquote(parts.path),
            dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)),
        )
        status, body = self.answer(path, query)
        kind = ex.fault(self.path)
        try:
            getattr(self, f"fault_{kind}")(status, body) if kind else self.out(status, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def out(self, status, body, **headers):
        self.send_response(status)
        for name, value in {
            "Content-Length": len(body),
            "X-MBX-USED-WEIGHT-1M": self.exchange.used_weight,
            **headers,
        }.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, path, query):
        ex = self.exchange
        if "prefix" in query:
            return 200, listing(sorted(ex.files), query["prefix"], query.get("marker", ""), ex.page)
        if path.endswith("/time"):
            return 200, json.dumps({"serverTime": ex.now or int(time.time() * 1000)}).encode()
        if path.endswith("/exchangeInfo"):
            return 200, json.dumps(self.markets(path)).encode()
        if path.endswith("/klines"):
            return self.klines(query)
        key = path.lstrip("/")
        return (200, ex.bytes_of(key)) if key in ex.files else (404, b"<Error><Code>NoSuchKey</Code></Error>")

    def markets(self, path):
        """What ccxt asks first: every symbol of the rows as a spot market."""
        filters = [{"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"}]
        names = {symbol for symbol, _ in self.exchange.rows} if "/api/v3" in path else set()
        return {
            "symbols": [
                {
                    "symbol": name,
                    "status": "TRADING",
                    "baseAsset": name[:-4],
                    "quoteAsset": name[-4:],
                    "filters": filters,
                    "isSpotTradingAllowed": True,
                    "isMarginTradingAllowed": False,
                    "permissions": ["SPOT"],
                    "orderTypes": [],
                    "baseAssetPrecision": 8,
                    "quoteAssetPrecision": 8,
                    "quotePrecision": 8,
                }
                for name in sorted(names)
            ]
        }

    def klines(self, query):
        ex = self.exchange
        known = {symbol for symbol, _ in ex.rows} | {
            k.split("/klines/")[1].split("/")[0] for k in ex.files if "/klines/" in k
        }
        if query["symbol"] not in known:
            return 400, b'{"code":-1121,"msg":"Invalid symbol."}'
        rows = ex.rows.get((query["symbol"], query["interval"]), [])
        start, end = int(query.get("startTime", 0)), int(query.get("endTime", 2**62))
        return 200, json.dumps([r for r in rows if start <= r[0] <= end][: int(query.get("limit", 500))]).encode()

    def fault_wrong_checksum(self, status, body):
        self.out(status, body[:-1] + bytes([body[-1] ^ 1]))

    def fault_truncated(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.close_connection = True

    def fault_wrong_length(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(max(len(body) - 7, 0)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def fault_html(self, status, body):
        self.out(200, HTML)

    def fault_429(self, status, body):
        self.out(429, b'{"code":-1003,"msg":"Too much request weight used."}', Retry_After=1)

    def fault_418(self, status, body):
        self.out(
            418,
            b'{"code":-1003,"msg":"Way too much request weight used; IP banned until 1893456000000. Please use '
            b'WebSocket Streams for live updates to avoid bans."}',
            Retry_After=120,
        )

    def fault_451(self, status, body):
        self.out(
            451, b'{"code":0,"msg":"Service unavailable from a restricted location according to \'b. Eligibility\'"}'
        )

    def fault_403(self, status, body):
        self.out(403, HTML)

    def fault_500(self, status, body):
        self.out(500, b"oops")

    def fault_404(self, status, body):
        self.out(404, b"")

    def fault_reset(self, status, body):
        self.connection.close()
        self.close_connection = True

    def fault_endless(self, status, body):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(1 << 16))

    def fault_drip(self, status, body):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"P")
            time.sleep(0.02)

    def fault_gzip(self, status, body):
        self.out(status, gzip.compress(body), Content_Encoding="gzip")

    def fault_zip_slip(self, status, body):
        self.out(200, make_zip({"../../evil.csv": b"1,2\n"}))

    def fault_two_members(self, status, body):
        self.out(200, make_zip({"a.csv": b"1\n", "b.csv": b"2\n"}))


def listing(keys, prefix, marker, page):
    """Return one page of an S3 ListObjects answer (version 1, delimiter /)."""
    found, folders, truncated, last = [], [], False, ""
    for key in keys:
        if not key.startswith(prefix):
            continue
        inner = key[len(prefix) :]
        entry = prefix + inner.split("/")[0] + "/" if "/" in inner else key
        if entry <= marker or entry in folders:
            continue
        if len(found) + len(folders) == page:
            truncated = True
            break
        (folders if entry.endswith("/") else found).append(entry)
        last = entry
    body = "".join(f"<Contents><Key>{escape(k)}</Key><Size>1</Size></Contents>" for k in found)
    body += "".join(f"<CommonPrefixes><Prefix>{escape(p)}</Prefix></CommonPrefixes>" for p in folders)
    following = f"<NextMarker>{escape(last)}</NextMarker>" if truncated else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>data.binance.vision</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>{str(truncated).lower()}</IsTruncated>"
        f"{following}{body}</ListBucketResult>"
    ).encode()


def make_zip(members: dict[str, bytes]) -> bytes:
    """Return a zip of the members, the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def kline(open_time: int, step: int, price: float = 100.0) -> list:
    """Return one REST row."""
    p = [f"{price + d:.8f}" for d in (0, 2, -1, 1)]
    return [open_time, *p, "5.00000000", open_time + step - 1, "500.00000000", 7, "2.00000000", "200.00000000", "0"]


def rows_of_zip(data: bytes) -> list[list]:
    """Return the rows of an archive zip as REST would serve them (ms)."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    rows = [line.split(",") for line in lines if line[:1].isdigit()]
    for row in rows:
        for k in (0, 6):
            row[k] = int(row[k]) // (1000 if len(row[k]) == 16 else 1)
        row[8] = int(row[8])
    return rows


def zip_of_rows(name: str, rows: list[list], header: bool = False) -> bytes:
    """Return an archive zip `name` of rows."""
    text = "".join(",".join(map(str, r)) + "\n" for r in rows)
    if header:
        text = (
            "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,"
            "ignore\n" + text
        )
    return make_zip({name.removesuffix(".zip") + ".csv": text.encode()})
