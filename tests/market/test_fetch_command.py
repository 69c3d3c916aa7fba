"""`task=fetch` as a user meets it: the whole of a preset from an exchange, killed at random moments, and without any network."""

import json
import random
import re
import socket
import subprocess
import sys
import time

import pytest
from exchange_cases import COINS, publish
from loopback_exchange import Exchange


def words(url, outputs, *more):
    return [
        sys.executable,
        "-m",
        "candlelab",
        "task=fetch",
        f"outputs={outputs}",
        *more,
        *(f"data.source.{name}_url={url}" for name in ("archive", "listing", "rest")),
        "data.source.backoff=0.001",
    ]


def cached(outputs):
    """Every file of the cache, the manifests without the time of the fetch."""
    files = {p.relative_to(outputs).as_posix(): p for p in (outputs / "cache" / "candles").rglob("*") if p.is_file()}
    return {
        name: json.loads(p.read_bytes()) | {"fetched": ""} if p.name == "manifest.json" else p.read_bytes()
        for name, p in files.items()
    }


@pytest.mark.slow
def test_thirty_kills_at_random_moments_change_nothing(tmp_path):
    with Exchange() as exchange:
        for symbol in COINS[:2]:
            publish(
                exchange, symbol, ("2024-01", "2024-04"), ["2024-04-01", "2024-04-02"], ("2024-04-03", "2024-04-04")
            )
        exchange.delay = 0.02
        command = ["data.symbols=[BTCUSDT,ETHUSDT]", "data.start=2024-01-01", "data.end=2024-04-04"]
        began = time.monotonic()
        subprocess.run(words(exchange.url, tmp_path / "whole", *command), check=True)
        whole, spent = cached(tmp_path / "whole"), time.monotonic() - began
        moments, live = random.Random(7), 0
        for turn in range(30):
            folder = tmp_path / f"killed_{turn}"
            exchange.log = []
            process = subprocess.Popen(words(exchange.url, folder, *command), stdout=subprocess.DEVNULL)
            while not exchange.log and process.poll() is None:
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.5))
            live += process.poll() is None
            process.kill()
            process.wait()
            subprocess.run(words(exchange.url, folder, *command), check=True, stdout=subprocess.DEVNULL)
            assert cached(folder) == whole, f"kill {turn}"
    assert live >= 20, f"only {live} of 30 kills hit a running fetch ({spent:.1f} s when left alone)"


@pytest.mark.slow
def test_the_whole_of_majors_comes_with_a_table_and_a_second_call_asks_nothing(tmp_path):
    with Exchange() as exchange:
        for place, symbol in enumerate(COINS):
            publish(exchange, symbol, ("2022-01", "2025-01"), [], ("2025-01-01", "2025-01-02"), price=10.0 * 3**place)
        command = words(exchange.url, tmp_path, "data=majors_1h")
        first = subprocess.run(command, check=True, capture_output=True, text=True)
        asked, exchange.log = len(exchange.log), []
        again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert exchange.log == [] and asked >= 2 * 36 * len(COINS)
    for coin in COINS:
        assert re.search(rf"{coin} +1h +2022-01-01 +2024-12-31 +26,304 +0", first.stdout)
    assert first.stdout == again.stdout and "184,128 bars of 7 symbols" in first.stdout


def test_without_network_one_sentence_and_code_5(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        ended = subprocess.run(
            words(url, tmp_path, "data=majors_1h", "data.source.max_attempts=1"), capture_output=True, text=True
        )
    assert ended.returncode == 5 and not list(tmp_path.rglob("*.parquet"))
    assert len(ended.stderr.strip().splitlines()) == 1 and "Traceback" not in ended.stderr


@pytest.mark.parametrize("date", ["NaT", "''", "2024-02-30", "'20240101'"])
def test_odd_dates_are_no_dates(date, tmp_path):
    ended = subprocess.run(
        [*words("http://127.0.0.1:9", tmp_path), f"data.start={date}"], capture_output=True, text=True
    )
    assert ended.returncode == 2 and len(ended.stderr.strip().splitlines()) == 1 and "data.start" in ended.stderr


def test_a_table_in_a_pipe_is_as_wide_as_it_needs(capsys):
    from rich.table import Table

    from candlelab.pipeline.studies.console import print_table

    table = Table(*(f"a rather long heading {k}" for k in range(9)))
    table.add_row(*(f"value {k} that matters" for k in range(9)))
    print_table(table)
    said = capsys.readouterr().out
    assert all(f"value {k} that matters" in said for k in range(9)) and "…" not in said
