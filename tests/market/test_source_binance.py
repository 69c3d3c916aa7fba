"""Archive, listing and REST on a loopback exchange: passing faults leave no trace, lasting ones end in one sentence."""

import json
import re

import pyarrow.parquet as pq
import pytest
from binance_cases import CONTENT, DAILY, HOUR, MONTHLY, api, fetch, leftovers, ms, publish_day, vision
from loopback_exchange import Exchange, kline, zip_of_rows

from candlelab.core.errors import DataTrouble, ExchangeRefuses, UserError
from candlelab.market import waiting


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


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("418", "banned this address until 2030-01-01 00:00:00 UTC"),
        ("451", "restricted location.*data-api.binance.vision"),
        ("403", "use the archive"),
        ("429", "too many requests"),
    ],
)
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
    assert source.quality[0].notes == [
        "BTCUSDT-1h-2024-01-02.zip lacks 17 bars from 2024-01-02 07:00: 17 came from REST"
    ]


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
        f"BTCUSDT-1h-2024-01-02.zip holds different versions of the bar of 2024-01-02 05:00: that of {exchange.url} was believed"
    ]


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
            fetch(api(made, tmp_path, max_attempts=2), end="2024-01-02")


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
    source = vision(exchange, tmp_path, backoff=8.0)
    source.places.web.sleep = lambda seconds: None
    fetch(source)
    assert re.search(
        r"BTCUSDT-1h-2024-01-02.zip: HTTP 500; trying again in \d+ s \(try 2 of 6\)", capsys.readouterr().err
    )


def test_a_stall_is_said(exchange, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(waiting, "SAID_AFTER", 0.05)
    exchange.faults = [[f"{DAILY}2024-01-02.zip.CHECKSUM", "drip", 1]]
    fetch(vision(exchange, tmp_path, timeout=0.3))
    assert "has not answered for 2 s (BTCUSDT-1h-2024-01-02.zip.CHECKSUM)" in capsys.readouterr().err


def publish_symbols(exchange, names):
    for name in names:
        rows = [kline(ms("2024-01-01") + i * HOUR, HOUR, 100.0 + i) for i in range(24)]
        exchange.put(
            f"data/spot/daily/klines/{name}/1h/{name}-1h-2024-01-01.zip", zip_of_rows(f"{name}-1h-2024-01-01.zip", rows)
        )


def test_many_symbols_share_the_downloads_that_are_allowed(exchange, tmp_path):
    names, at_once, most = [f"C{k}USDT" for k in range(9)], [], []
    publish_symbols(exchange, names)
    source = vision(exchange, tmp_path, workers=3)
    get = source.places.web.get

    def counted(url, **more):
        at_once.append(url)
        most.append(len(at_once))
        try:
            return get(url, **more)
        finally:
            at_once.remove(url)

    source.places.web.get = counted
    tape = fetch(source, end="2024-01-02", symbols=names)
    assert tape.symbols == tuple(names) and len(tape) == 9 * 24 and max(most) <= 3


def test_of_many_symbols_the_unknown_one_is_named_and_the_others_are_kept(exchange, tmp_path):
    publish_symbols(exchange, ["AUSDT", "BUSDT"])
    with pytest.raises(UserError, match="NOSUCH is unknown"):
        fetch(vision(exchange, tmp_path), end="2024-01-02", symbols=("AUSDT", "NOSUCH", "BUSDT"))
    exchange.log = []
    assert len(fetch(vision(exchange, tmp_path), end="2024-01-02", symbols=("AUSDT",))) == 24 and not exchange.log


def test_a_prefetched_symbol_is_not_asked_for_again(exchange, tmp_path):
    publish_symbols(exchange, ["AUSDT", "BUSDT"])
    source = vision(exchange, tmp_path)
    source.prefetch(["AUSDT", "BUSDT"], "1h", ms("2024-01-01"), ms("2024-01-02"))
    exchange.log = []
    assert len(fetch(source, end="2024-01-02", symbols=("BUSDT",))) == 24 and not exchange.log
