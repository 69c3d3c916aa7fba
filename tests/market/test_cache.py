"""The cache is whole whatever happens to the process that fills it."""

import json
import os
import signal

import numpy as np
import pytest
from loopback_exchange import Exchange, kline, zip_of_rows

from candlelab.data.source.binance_vision import BinanceVision
from candlelab.market.cache import BarStore, CacheManifest, cache_inventory, merge_ranges, uncovered

HOUR = 3_600_000
T0 = 1_704_067_200_000  # 2024-01-01
DAYS = 4


@pytest.fixture
def exchange():
    with Exchange() as made:
        for day in range(DAYS):
            name = f"BTCUSDT-1h-2024-01-0{day + 1}.zip"
            rows = [kline(T0 + (24 * day + i) * HOUR, HOUR, 100 + i) for i in range(24)]
            made.put(f"data/spot/daily/klines/BTCUSDT/1h/{name}", zip_of_rows(name, rows))
        yield made


def fetch(url, folder):
    source = BinanceVision(
        market="spot",
        archive_url=url,
        listing_url=url,
        rest_url=url,
        cache=str(folder),
        refresh=False,
        misaligned="drop",
        workers=2,
        max_attempts=2,
        backoff=0.001,
        timeout=5.0,
    )
    return source.fetch(["BTCUSDT"], "1h", T0, T0 + DAYS * 24 * HOUR)


def contents(folder):
    """Every file's bytes, the manifest without the time of the fetch."""
    found = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return found | {"manifest.json": json.loads(found["manifest.json"]) | {"fetched": ""}}


def in_child(action):
    """Run action() in a forked process; return its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("moment", range(1, 11))
def test_killed_before_any_rename_the_next_fetch_ends_the_same(exchange, tmp_path, moment):
    fetch(exchange.url, tmp_path / "whole")
    replace, count = os.replace, iter(range(1, 99))

    def fatal(*paths):
        if next(count) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*paths)

    def killed():
        os.replace = fatal
        fetch(exchange.url, tmp_path / "killed")

    status = in_child(killed)
    assert os.WIFSIGNALED(status) == (moment <= DAYS + 2)  # a rename per zip, one for the data, one for the manifest
    fetch(exchange.url, tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_killed_between_commit_and_clearing_up_the_next_call_clears_up(exchange, tmp_path):
    fetch(exchange.url, tmp_path / "whole")

    def killed():
        BarStore.sweep = lambda store: os.kill(os.getpid(), signal.SIGKILL)
        fetch(exchange.url, tmp_path / "killed")

    assert os.WIFSIGNALED(in_child(killed))
    exchange.log = []
    fetch(exchange.url, tmp_path / "killed")
    assert exchange.log == [] and contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_processes_fetching_the_same_share_one_download(exchange, tmp_path):
    pids = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            try:
                fetch(exchange.url, tmp_path)
            finally:
                os._exit(0)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
    assert sum(p.endswith(".zip") for p in exchange.log) == DAYS


def test_damaged_staged_zip_is_fetched_again(exchange, tmp_path):
    store = BarStore(tmp_path / "binance_vision/spot/BTCUSDT/1h")
    store.folder.mkdir(parents=True)
    store.stage("BTCUSDT-1h-2024-01-01.zip", b"half a zip", "0" * 64)
    assert len(fetch(exchange.url, tmp_path)) == DAYS * 24


def test_unfinished_data_is_never_read(tmp_path):
    (tmp_path / "candles.parquet.part").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"nothing is cached"):
        BarStore(tmp_path).read()


def test_a_wider_range_keeps_what_is_there(exchange, tmp_path):
    source = BinanceVision(
        market="spot",
        archive_url=exchange.url,
        listing_url=exchange.url,
        rest_url=exchange.url,
        cache=str(tmp_path),
        refresh=False,
        misaligned="drop",
        workers=1,
        max_attempts=2,
        backoff=0.001,
        timeout=5.0,
    )
    source.fetch(["BTCUSDT"], "1h", T0, T0 + 48 * HOUR)
    exchange.log = []
    assert len(fetch(exchange.url, tmp_path)) == 96
    assert sorted(p[-14:] for p in exchange.log if p.endswith(".zip")) == ["2024-01-03.zip", "2024-01-04.zip"]


def test_inventory_lists_what_is_on_disk(exchange, tmp_path):
    fetch(exchange.url, tmp_path)
    (row,) = cache_inventory(tmp_path)
    assert (row.source, row.market, row.symbol, row.interval, row.rows, row.gaps) == (
        "binance_vision",
        "spot",
        "BTCUSDT",
        "1h",
        96,
        0,
    )
    assert (row.first, row.last) == (T0, T0 + 95 * HOUR) and row.bytes > 1000


def test_inventory_says_which_series_is_damaged(exchange, tmp_path):
    fetch(exchange.url, tmp_path)
    next(tmp_path.rglob("manifest.json")).write_text("{")
    (row,) = cache_inventory(tmp_path)
    assert (row.symbol, row.rows) == ("BTCUSDT", 0) and "is damaged: delete the folder and fetch again" in row.state


def test_empty_series_can_be_stored(tmp_path):
    store = BarStore(tmp_path / "a")
    with store.locked():
        store.commit(
            {
                n: np.zeros(0, np.int64 if n == "time" else float)
                for n in ("time", "open", "high", "low", "close", "volume")
            },
            CacheManifest("s", "spot", "X", "1h", covered=[[0, HOUR]]),
        )
    assert store.manifest().rows == 0 and len(store.read()["time"]) == 0


def test_ranges_are_half_open():
    assert uncovered((0, 10), [[2, 4], [4, 6]]) == [[0, 2], [6, 10]]
    assert uncovered((2, 6), [[0, 10]]) == []
    assert merge_ranges([[4, 6], [0, 2], [2, 3], [5, 5]]) == [[0, 3], [4, 6]]


def test_a_flipped_bit_in_the_data_is_refused_and_nothing_signs_it(exchange, tmp_path):
    fetch(exchange.url, tmp_path)
    data = next(tmp_path.rglob("candles-*.parquet"))
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with pytest.raises(ValueError, match=r"candles-.*is damaged .*delete the folder"):
        fetch(exchange.url, tmp_path)


@pytest.mark.parametrize("text", ["[]", "{}", '{"version": 1, "foreign": 2}', "{"])
def test_a_manifest_that_is_none_is_refused_in_one_sentence(exchange, tmp_path, text):
    fetch(exchange.url, tmp_path)
    next(tmp_path.rglob("manifest.json")).write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json is damaged: delete the folder"):
        fetch(exchange.url, tmp_path)
