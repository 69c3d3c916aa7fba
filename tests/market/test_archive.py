"""The real zips of the archive load and agree with each other."""

import hashlib
import re

import numpy as np
import pytest

from candlelab.core.candles import Candles
from candlelab.data.source.file import File
from candlelab.market.archive import ArchiveFile, expected_times, list_folder, parse_checksum, parse_csv, parse_zip
from candlelab.market.merge import join
from candlelab.market.resample import resample
from candlelab.market.web import Response, TransientError

PRICES = ("open", "high", "low", "close")
# Days whose volume and trade count the exchange restated after the zips were made (known too: 2021-01-11 and 2021-01-21,
# before the first zip here).
RESTATED = {"2021-12-24", "2021-12-27"}
OUTAGE_DAY = {"BTCUSDT-1h-2023-03-24.zip": 1, "ETHUSDT-1h-2023-03-24.zip": 1, "BTCUSDT-1m-2023-03-24.zip": 80}


def archive_file(path):
    symbol, interval, date = re.fullmatch(r"(\w+)-(\w+)-([\d-]+)\.zip", path.name).groups()
    return ArchiveFile("spot", symbol, interval, date)


def series(shared, symbol, interval, period):
    folder = shared / "raw_vision" / "data/spot" / period / "klines" / symbol / interval
    bars = join([parse_zip(p.read_bytes(), archive_file(p)) for p in sorted(folder.glob("*.zip"))])
    return Candles.build(symbols=(symbol,), intervals=(interval,), symbol=np.zeros(len(bars["time"]), int), **bars)


def clean(shared, name):
    source = File.plain(str(shared / "clean" / f"{name}.csv.gz"))
    return source.fetch([], name.split("_")[1], None, None)


def differing_days(made, real):
    """Days on which bars both have differ in a price, and those on which only volume or trades do."""
    _, i, j = np.intersect1d(made.time, real.time, return_indices=True)
    day = made.time[i].astype("datetime64[ms]").astype("datetime64[D]").astype(str)
    price = np.any([getattr(made, n)[i] != getattr(real, n)[j] for n in PRICES], axis=0)
    volume = ~np.isclose(made.volume[i], real.volume[j], rtol=1e-9) | (made.trades[i] != real.trades[j])
    assert len(i) > 80
    return set(day[price]), set(day[volume])


def test_every_real_zip_verifies_and_holds_what_the_calendar_asks(shared):
    paths = sorted((shared / "raw_vision" / "data").rglob("*.zip"))
    short = {}
    for path in paths:
        file, data = archive_file(path), path.read_bytes()
        assert (
            parse_checksum(path.with_name(f"{path.name}.CHECKSUM").read_bytes(), path.name)
            == hashlib.sha256(data).hexdigest()
        )
        lacking = len(expected_times(file.start, file.end, file.interval)) - len(parse_zip(data, file)["time"])
        short |= {path.name: lacking} if lacking else {}
    assert len(paths) == 295 and short == OUTAGE_DAY


def test_zip_with_a_second_member_is_refused(shared):
    path = shared / "raw_vision/malformed/extra_member/BTCUSDT-1d-2021-01.zip"
    with pytest.raises(TransientError, match=r"'BTCUSDT-1d-2025-12.zip' instead of BTCUSDT-1d-2021-01.csv alone"):
        parse_zip(path.read_bytes(), archive_file(path))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
@pytest.mark.parametrize("interval", ["4h", "1d"])
def test_hours_of_the_archive_make_the_real_coarse_bars(shared, symbol, interval):
    made = resample(series(shared, symbol, "1h", "daily"), interval)
    assert differing_days(made, clean(shared, f"{symbol}_{interval}")) == (set(), set())


def test_minutes_of_the_archive_make_its_hours(shared):
    made = resample(series(shared, "BTCUSDT", "1m", "daily"), "1h")
    assert differing_days(made, series(shared, "BTCUSDT", "1h", "daily")) == (set(), set())


def test_days_of_the_archive_equal_rest_but_for_the_documented_restatements(shared):
    assert differing_days(series(shared, "BTCUSDT", "1d", "monthly"), clean(shared, "BTCUSDT_1d")) == (set(), RESTATED)


def test_futures_csv_has_a_header(shared):
    text = (shared / "raw_vision/futures_um_sample/FILUSDT-1m-2024-10.head.csv").read_bytes()
    bars = parse_csv(text, ArchiveFile("um", "FILUSDT", "1m", "2024-10"))
    assert len(bars["time"]) == 240 and (np.diff(bars["time"]) == 60_000).all()


@pytest.mark.parametrize("text", ["{0}  x.zip", "{0} *x.zip\n", "{1}\tx.zip\r\n"])
def test_checksum_lines_are_read_tolerantly(text):
    assert parse_checksum(text.format("ab" * 32, "AB" * 32).encode(), "x.zip") == "ab" * 32


@pytest.mark.parametrize("text", ["", "abc  x.zip", "{0}  y.zip", "<html>", "{0}"])
def test_other_checksum_lines_are_not_believed(text):
    with pytest.raises(TransientError):
        parse_checksum(text.format("ab" * 32).encode(), "x.zip")


class Recorded:
    """Answers like a Web, from recorded pages in turn."""

    def __init__(self, *pages):
        self.pages, self.asked = list(pages), []

    def retry(self, name, action):
        return action()

    def get(self, url, *, cap):
        self.asked.append(url)
        return Response(200, {}, self.pages.pop(0))


def test_recorded_listing_is_read_over_both_pages(shared):
    folder = shared / "raw_vision" / "s3_listing_samples"
    web = Recorded(*[(folder / f"daily-page{k}.xml").read_bytes() for k in (1, 2)])
    keys, _ = list_folder(web, "http://x", "data/spot/daily/klines/BTCUSDT/1m/")
    assert keys == sorted(keys) and len(keys) == len(set(keys)) > 12
    assert "marker=data%2Fspot%2Fdaily%2Fklines%2FBTCUSDT%2F1m%2FBTCUSDT-1m-2017-08-22.zip.CHECKSUM" in web.asked[1]


@pytest.mark.parametrize(("name", "months"), [("empty", 0), ("monthly-1mo-hole", None)])
def test_recorded_listings_without_or_with_a_hole(shared, name, months):
    keys, _ = list_folder(
        Recorded((shared / f"raw_vision/s3_listing_samples/{name}.xml").read_bytes()), "http://x", "p/"
    )
    zips = [k for k in keys if k.endswith(".zip")]
    assert (
        len(zips) == months
        if months is not None
        else not any("2024-03" in k for k in zips) and any("2024-04" in k for k in zips)
    )
