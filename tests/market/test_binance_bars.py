"""Bars of a loopback exchange: cache, restated bars, ranges, formats and pages."""

import json

import pytest
from binance_cases import DAILY, HOUR, api, fetch, ms, publish_day, vision
from loopback_exchange import Exchange, kline, make_zip, rows_of_zip, zip_of_rows

from candlelab.core.errors import DataTrouble


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
        made.put(
            key,
            zip_of_rows(
                "BTCUSDT-1h-2024-01-01.zip", [kline(ms("2024-01-01") + i * HOUR, HOUR) for i in range(24)], header=True
            ),
        )
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
