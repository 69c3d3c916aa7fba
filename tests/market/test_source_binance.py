"""Archive, listing and REST on a loopback exchange: passing faults leave no trace, lasting ones end in one sentence."""

import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from loopback_exchange import Exchange, kline, make_zip, rows_of_zip, zip_of_rows

from candlelab.core.errors import DataTrouble, ExchangeRefuses
from candlelab.data.source.binance_api import BinanceApi
from candlelab.data.source.binance_vision import BinanceVision
from candlelab.market import progress

HOUR = 3_600_000
DAILY = "data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-"
MONTHLY = "data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-"
CONTENT = ["wrong_checksum", "truncated", "wrong_length", "html", "500", "reset", "endless", "zip_slip", "two_members"]


def ms(text):
    return int(np.datetime64(text, "ms").astype(np.int64))


def vision(exchange, tmp_path, **changes):
    settings = {"market": "spot", "archive_url": exchange.url, "listing_url": exchange.url, "rest_url": exchange.url,
                "cache": str(tmp_path / "cache"), "refresh": False, "misaligned": "drop", "workers": 4, "tries": 6,
                "pause": 0.001, "timeout": 5.0}
    return BinanceVision(**settings | changes)


def api(exchange, tmp_path, **changes):
    settings = {"market": "spot", "rest_url": exchange.url, "weight_per_minute": None, "cache": str(tmp_path / "cache"),
                "refresh": False, "misaligned": "drop", "tries": 6, "pause": 0.001, "timeout": 5.0}
    return BinanceApi(**settings | changes)


def fetch(source, start="2024-01-01", end="2024-01-04", interval="1h", symbols=("BTCUSDT",)):
    return source.fetch(list(symbols), interval, ms(start), ms(end))


def publish_day(exchange, date, rows=None, price=100.0):
    rows = [kline(ms(date) + i * HOUR, HOUR, price + i) for i in range(24)] if rows is None else rows
    exchange.put(f"{DAILY}{date}.zip", zip_of_rows(f"BTCUSDT-1h-{date}.zip", rows))
    return rows


@pytest.fixture
def exchange():
    """Three days of hours as daily zips."""
    with Exchange() as made:
        for date in ("2024-01-01", "2024-01-02", "2024-01-03"):
            publish_day(made, date)
        yield made


def leftovers(tmp_path):
    return [p.name for p in tmp_path.rglob("*") if p.is_file() and (p.suffix == ".part" or "staging" in p.parts)]


@pytest.mark.parametrize("fault", CONTENT)
@pytest.mark.parametrize("where", ["02.zip", "02.zip.CHECKSUM"])
def test_passing_fault_of_a_file_leaves_no_trace(exchange, tmp_path, fault, where):
    exchange.faults = [[f"{DAILY}2024-01-{where}", fault, 3]]
    source = vision(exchange, tmp_path)
    assert fetch(source).time.tolist() == [ms("2024-01-01") + i * HOUR for i in range(72)]
    assert source.quality[0].notes == [] and not leftovers(tmp_path)


@pytest.mark.parametrize("fault", CONTENT)
def test_lasting_fault_names_the_file_and_loses_nothing_good(exchange, tmp_path, fault):
    exchange.faults = [[f"{DAILY}2024-01-03.zip", fault, 99]]
    with pytest.raises(DataTrouble, match=r"^BTCUSDT-1h-2024-01-03.zip: .*, 6 tries in a row") as caught:
        fetch(vision(exchange, tmp_path))
    assert caught.value.exit_code == 5 and not list(tmp_path.rglob("*.part"))
    exchange.faults, exchange.log = [], []
    fetch(vision(exchange, tmp_path))
    assert not [p for p in exchange.log if p.endswith(("01.zip", "02.zip"))]


def test_body_that_drips_is_given_up(exchange, tmp_path):
    exchange.faults = [[f"{DAILY}2024-01-02.zip.CHECKSUM", "drip", 1]]
    assert len(fetch(vision(exchange, tmp_path, timeout=0.2))) == 72
    assert sum(p.endswith("02.zip.CHECKSUM") for p in exchange.log) == 2


def test_retry_after_is_obeyed(exchange, tmp_path):
    exchange.faults = [[f"{DAILY}2024-01-02.zip", "429", 2]]
    source, slept = vision(exchange, tmp_path), []
    source.places.web.sleep = slept.append
    assert len(fetch(source)) == 72 and slept == [1.0, 1.0]


@pytest.mark.parametrize(("fault", "message"), [
    ("418", "banned this address until 2030-01-01 00:00:00 UTC"), ("451", "restricted location.*data-api.binance.vision"),
    ("403", "use the archive"), ("429", "too many requests")])
@pytest.mark.parametrize("make", [vision, api])
def test_refusals_end_in_code_4(exchange, tmp_path, make, fault, message):
    exchange.faults = [["2024-01-02.zip", fault, 99], ["api/v3", fault, 99]]
    source = make(exchange, tmp_path)
    source.places.web.sleep = lambda seconds: None
    with pytest.raises(ExchangeRefuses, match=message) as caught:
        fetch(source)
    assert caught.value.exit_code == 4
    assert str(caught.value).startswith(("BTCUSDT-1h-2024-01-02.zip: ", "the server time of 127.0.0.1:"))


@pytest.mark.parametrize("address", ["nonsense", "ftp://host", "http://"])
def test_addresses_of_no_web_are_refused_at_once(exchange, tmp_path, address):
    with pytest.raises(ValueError, match=r"data.source.rest_url is .* give an address that starts with http"):
        api(exchange, tmp_path, rest_url=address)
    for setting in ("archive_url", "listing_url", "rest_url"):
        with pytest.raises(ValueError, match=f"data.source.{setting} is "):
            vision(exchange, tmp_path, **{setting: address})


def test_ban_stops_every_later_request(exchange, tmp_path):
    exchange.faults = [["2024-01-02.zip", "418", 1]]
    source = vision(exchange, tmp_path)
    for _ in range(2):
        with pytest.raises(ExchangeRefuses, match=r"banned"):
            fetch(source)
    after = len(exchange.log)
    with pytest.raises(ExchangeRefuses):
        fetch(source)
    assert len(exchange.log) == after


def test_listing_over_several_pages(exchange, tmp_path):
    exchange.page = 2
    assert len(fetch(vision(exchange, tmp_path))) == 72
    assert sum("prefix" in p for p in exchange.log) == 4  # one page of no months, three of days


@pytest.mark.parametrize("fault", ["html", "500", "truncated", "404", "403"])
def test_listing_that_fails_for_good_is_replaced_by_asking_for_each_file(exchange, tmp_path, fault):
    exchange.faults = [["prefix", fault, 99]]
    source = vision(exchange, tmp_path)
    assert len(fetch(source)) == 72 and "listing was not read" in source.quality[0].notes[0]


def test_objects_with_odd_names_are_passed_over(exchange, tmp_path):
    exchange.files[f"{MONTHLY}2020-8.zip"] = exchange.files[f"{DAILY}2024-01-02.zip.sig"] = b"?"
    assert len(fetch(vision(exchange, tmp_path))) == 72


def test_month_missing_in_the_middle_comes_from_days_then_rest(tmp_path):
    with Exchange() as made:
        for month, days in (("2024-01", 31), ("2024-03", 31)):
            rows = [kline(ms(f"{month}-01") + i * HOUR, HOUR) for i in range(24 * days)]
            made.put(f"{MONTHLY}{month}.zip", zip_of_rows(f"BTCUSDT-1h-{month}.zip", rows))
        publish_day(made, "2024-02-01")
        made.rows["BTCUSDT", "1h"] = [kline(ms("2024-02-02") + i * HOUR, HOUR) for i in range(28 * 24)]
        tape = fetch(vision(made, tmp_path), "2024-01-01", "2024-04-01")
    assert len(tape) == 91 * 24 and tape.segment.max() == 0


def test_short_file_with_a_good_checksum_is_completed_from_rest(exchange, tmp_path):
    rows = publish_day(exchange, "2024-01-02")
    publish_day(exchange, "2024-01-02", rows[:7])
    exchange.rows["BTCUSDT", "1h"] = rows
    source = vision(exchange, tmp_path)
    assert len(fetch(source)) == 72
    assert source.quality[0].notes == ["BTCUSDT-1h-2024-01-02.zip lacks 17 bars from 2024-01-02 07:00: 17 came from REST"]


def test_short_file_that_nobody_completes_is_not_trusted_but_kept(exchange, tmp_path):
    publish_day(exchange, "2024-01-02", publish_day(exchange, "2024-01-02")[:7])
    exchange.faults = [["klines?", "500", 99]]
    with pytest.raises(DataTrouble, match=r"BTCUSDT 1h of 127.0.0.1:\d+: HTTP 500"):
        fetch(vision(exchange, tmp_path))
    exchange.faults, exchange.log = [], []
    assert len(fetch(vision(exchange, tmp_path), "2024-01-03")) == 24 and exchange.log == []


def two_versions(exchange):
    """The bar of 05:00 stands twice in the file of the second day, the later copy with more volume; REST has the first."""
    rows = publish_day(exchange, "2024-01-02")
    other = list(rows[5])
    other[4], other[5] = "107.50000000", "999.00000000"
    publish_day(exchange, "2024-01-02", [*rows, other])
    return rows


def test_different_versions_of_a_bar_are_settled_by_rest_which_is_said(exchange, tmp_path):
    exchange.rows["BTCUSDT", "1h"] = two_versions(exchange)
    source = vision(exchange, tmp_path)
    tape = fetch(source)
    assert len(tape) == 72 and tape.close[29] == 106
    assert source.quality[0].notes == [
        f"BTCUSDT-1h-2024-01-02.zip holds different versions of the bar of 2024-01-02 05:00: that of {exchange.url} was believed"]


def test_no_bar_stands_twice_in_the_cache(exchange, tmp_path):
    exchange.rows["BTCUSDT", "1h"] = two_versions(exchange)
    fetch(vision(exchange, tmp_path))
    times = pq.read_table(next(tmp_path.rglob("candles-*.parquet"))).column("time").to_pylist()
    assert len(times) == len(set(times)) == 72


def test_a_bar_in_two_versions_that_nobody_settles_is_not_let_in(exchange, tmp_path):
    two_versions(exchange)
    exchange.faults = [["klines?", "500", 99]]
    with pytest.raises(DataTrouble):
        fetch(vision(exchange, tmp_path))
    covered = json.loads(next(tmp_path.rglob("manifest.json")).read_text())["covered"]
    assert covered == [[ms("2024-01-01"), ms("2024-01-02T05:00")], [ms("2024-01-02T06:00"), ms("2024-01-04")]]


def test_an_answer_that_contradicts_itself_is_asked_again(tmp_path):
    with Exchange() as made:
        rows = [kline(ms("2024-01-01") + i * HOUR, HOUR) for i in range(24)]
        made.rows["BTCUSDT", "1h"] = [*rows[:3], kline(rows[2][0], HOUR, 99), *rows[3:]]
        with pytest.raises(DataTrouble, match=r"two versions of the bar of 2024-01-01T02:00:00.000, 2 tries in a row"):
            fetch(api(made, tmp_path, tries=2), end="2024-01-02")


def test_without_the_server_time_the_good_archive_part_is_kept_and_patience_is_spent_once(exchange, tmp_path):
    rows = publish_day(exchange, "2024-01-02")
    publish_day(exchange, "2024-01-02", rows[:7])
    exchange.faults = [["/time", "500", 99]]
    with pytest.raises(DataTrouble, match=r"the server time of 127.0.0.1:\d+: HTTP 500, 6 tries in a row"):
        fetch(vision(exchange, tmp_path))
    assert sum("/time" in path for path in exchange.log) == 6
    exchange.faults, exchange.log = [], []
    assert len(fetch(vision(exchange, tmp_path), "2024-01-03")) == 24 and exchange.log == []


def test_a_listing_that_fails_is_asked_once_not_for_months_and_days(exchange, tmp_path):
    exchange.faults = [["prefix=", "500", 99]]
    fetch(vision(exchange, tmp_path))
    assert sum("prefix=" in path for path in exchange.log) == 6


def test_a_wait_of_more_than_two_seconds_is_said(exchange, tmp_path, capsys):
    exchange.faults = [[f"{DAILY}2024-01-02.zip", "500", 1]]
    source = vision(exchange, tmp_path, pause=8.0)
    source.places.web.sleep = lambda seconds: None
    fetch(source)
    assert re.search(r"BTCUSDT-1h-2024-01-02.zip: HTTP 500; trying again in \d+ s \(try 2 of 6\)", capsys.readouterr().err)


def test_a_stall_is_said(exchange, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "SAID_AFTER", 0.05)
    exchange.faults = [[f"{DAILY}2024-01-02.zip.CHECKSUM", "drip", 1]]
    fetch(vision(exchange, tmp_path, timeout=0.3))
    assert "has not answered for 2 s (BTCUSDT-1h-2024-01-02.zip.CHECKSUM)" in capsys.readouterr().err


def test_second_call_asks_nothing_and_touches_nothing(exchange, tmp_path):
    fetch(vision(exchange, tmp_path))
    before, exchange.log = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}, []
    fetch(vision(exchange, tmp_path))
    assert exchange.log == [] and {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_refresh_says_what_was_restated(exchange, tmp_path):
    fetch(vision(exchange, tmp_path))
    rows = publish_day(exchange, "2024-01-02")
    rows[3][5] = "6.00000000"
    publish_day(exchange, "2024-01-02", rows)
    exchange.log = []
    source = vision(exchange, tmp_path, refresh=True)
    assert fetch(source).volume.tolist()[27] == 6.0
    assert source.changes == ["BTCUSDT 1h: 1 bars restated in volume, 2024-01-02 03:00 to 2024-01-02 03:00"]
    assert [p for p in exchange.log if p.endswith(".zip")] == [f"/{DAILY}2024-01-02.zip"]


def test_refresh_of_unchanged_data_changes_nothing(exchange, tmp_path):
    exchange.rows["BTCUSDT", "1h"] = publish_day(exchange, "2024-01-02")
    publish_day(exchange, "2024-01-02", exchange.rows["BTCUSDT", "1h"][:7])
    before = []
    for refresh in (False, True):
        source = vision(exchange, tmp_path, refresh=refresh)
        fetch(source)
        before.append(json.loads(next(tmp_path.rglob("manifest.json")).read_text()) | {"fetched": ""})
    assert before[0] == before[1] and source.changes == []


def test_unknown_symbol_is_the_users_mistake(exchange, tmp_path):
    exchange.files["data/spot/monthly/klines/BTCUSDT/1h/x"] = b""
    with pytest.raises(ValueError, match=r"symbol BTCUSD is unknown to Binance .spot., did you mean BTCUSDT"):
        fetch(vision(exchange, tmp_path), symbols=["BTCUSD"])


def test_range_before_the_listing_is_the_users_mistake(exchange, tmp_path):
    with pytest.raises(ValueError, match=r"no 1h bar from 2023-01-01"):
        fetch(vision(exchange, tmp_path), "2023-01-01", "2023-02-01")


@pytest.mark.parametrize(("start", "end"), [("2024-02-01", "2024-01-01"), ("2099-01-01", "2099-02-01")])
def test_impossible_range_is_refused_before_any_request(exchange, tmp_path, start, end):
    with pytest.raises(ValueError, match=r"data.start must be before data.end"):
        fetch(vision(exchange, tmp_path), start, end)
    assert exchange.log == []


def test_listing_day_is_no_short_file(exchange, tmp_path):
    exchange.drop(f"{DAILY}2024-01-01.zip")
    publish_day(exchange, "2024-01-02", [kline(ms("2024-01-02T06:00") + i * HOUR, HOUR) for i in range(18)])
    tape = fetch(vision(exchange, tmp_path), "2023-12-01")
    assert tape.time[0] == ms("2024-01-02T06:00") and len(tape) == 42


def test_zip_bomb_is_not_unpacked(exchange, tmp_path):
    exchange.put(f"{DAILY}2024-01-02.zip", make_zip({"BTCUSDT-1h-2024-01-02.csv": bytes(50 << 20)}))
    with pytest.raises(DataTrouble, match=r"2024-01-02.zip: the zip would unpack to 52428800 bytes"):
        fetch(vision(exchange, tmp_path))


def test_header_and_microseconds_are_told_per_file(exchange, tmp_path):
    rows = [kline(ms("2024-01-02") + i * HOUR, HOUR) for i in range(24)]
    rows = [[r[0] * 1000, *r[1:6], r[6] * 1000 + 999, *r[7:]] for r in rows]
    exchange.put(f"{DAILY}2024-01-02.zip", zip_of_rows("BTCUSDT-1h-2024-01-02.zip", rows, header=True))
    assert fetch(vision(exchange, tmp_path)).segment.max() == 0


def test_futures_come_from_their_own_folder(tmp_path):
    with Exchange() as made:
        key = "data/futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-01-01.zip"
        made.put(key, zip_of_rows("BTCUSDT-1h-2024-01-01.zip", [kline(ms("2024-01-01") + i * HOUR, HOUR) for i in range(24)], header=True))
        assert len(fetch(vision(made, tmp_path, market="um"), end="2024-01-02")) == 24
        assert (tmp_path / "cache/binance_vision/um/BTCUSDT/1h/manifest.json").exists()


def test_unfinished_bar_is_dropped_by_server_time(tmp_path):
    with Exchange(now=ms("2024-01-02T12:30")) as made:
        made.rows["BTCUSDT", "1h"] = [kline(ms("2024-01-01") + i * HOUR, HOUR) for i in range(37)]
        tape = fetch(api(made, tmp_path))
    assert tape.time[-1] == ms("2024-01-02T11:00")
    covered = json.loads(next(tmp_path.rglob("manifest.json")).read_text())["covered"]
    assert covered == [[ms("2024-01-01"), ms("2024-01-02T12:00")]]


def test_pages_join_without_loss_at_their_borders(tmp_path):
    with Exchange() as made:
        made.rows["BTCUSDT", "1h"] = [kline(ms("2024-01-01") + i * HOUR, HOUR) for i in range(2001)]
        tape = fetch(api(made, tmp_path), end="2024-03-24T09:00")
    assert len(tape) == 2001 and tape.segment.max() == 0


def test_pages_received_before_a_lasting_fault_are_kept(tmp_path):
    with Exchange() as made:
        made.rows["BTCUSDT", "1h"] = [kline(ms("2024-01-01") + i * HOUR, HOUR) for i in range(2000)]
        made.faults = [[f"startTime={ms('2024-01-01') + 999 * HOUR + 1}", "500", 99]]
        with pytest.raises(DataTrouble, match=r"BTCUSDT 1h of 127.0.0.1:\d+: HTTP 500"):
            fetch(api(made, tmp_path), end="2024-03-24T08:00")
        made.faults, made.log = [], []
        assert len(fetch(api(made, tmp_path), end="2024-03-24T08:00")) == 2000
    assert sum("klines" in p for p in made.log) == 1


@pytest.mark.parametrize("make", [vision, api])
def test_compressed_answers_are_read(tmp_path, make):
    with Exchange() as made:
        made.rows["BTCUSDT", "1h"] = [kline(ms("2024-01-01") + i * HOUR, HOUR) for i in range(24)]
        made.faults = [["api/v3", "gzip", 99]]
        assert len(fetch(make(made, tmp_path), end="2024-01-02")) == 24


def test_weight_used_up_waits_for_the_next_minute(tmp_path):
    with Exchange() as made:
        made.used_weight = 4900
        made.rows["BTCUSDT", "1h"] = [kline(ms("2024-01-01") + i * HOUR, HOUR) for i in range(1001)]
        source, slept = api(made, tmp_path), []
        source.places.rest.budget.sleep = slept.append
        fetch(source, end="2024-03-01")
    assert len(slept) == 2 and all(0 < s <= 60.1 for s in slept)


def test_without_network_one_sentence_says_what_works(tmp_path):
    with Exchange() as made:
        pass
    for make in (vision, api):
        with pytest.raises(DataTrouble, match=r"could not be reached.*data/source=simulated work without network"):
            fetch(make(made, tmp_path))


def test_failure_says_what_is_cached_all_the_same(exchange, tmp_path):
    fetch(vision(exchange, tmp_path))
    exchange.faults = [["", "500", 999]]
    with pytest.raises(DataTrouble, match=r"usable now.*BTCUSDT 2024-01-01 00:00 to 2024-01-04 00:00"):
        fetch(vision(exchange, tmp_path), end="2024-01-06")


def test_many_months_change_from_ms_to_us_without_a_break(shared, tmp_path):
    with Exchange() as made:
        made.serve_folder(shared / "raw_vision")
        tape = fetch(vision(made, tmp_path), "2021-02-01", "2025-04-01", interval="1d")
    assert len(tape) == 1520 and tape.segment.max() == 0


def test_outage_day_needs_no_rest(shared, tmp_path):
    with Exchange() as made:
        made.serve_folder(shared / "raw_vision")
        tape = fetch(vision(made, tmp_path), "2023-03-22", "2023-03-27", interval="1m")
    assert len(tape) == 5 * 1440 - 80 and tape.segment.max() == 1
    assert not [p for p in made.log if "klines?" in p]


def test_rest_rows_equal_the_archives(shared, tmp_path):
    with Exchange() as made:
        made.serve_folder(shared / "raw_vision")
        made.rows["BTCUSDT", "1h"] = rows_of_zip(made.bytes_of(f"{DAILY}2024-01-01.zip"))
        one, two = fetch(vision(made, tmp_path), end="2024-01-02"), fetch(api(made, tmp_path), end="2024-01-02")
    assert one.to_frame().equals(two.to_frame())
