"""Formats, headers, columns and times of people's files."""

import gzip
import json
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hostile_bars import cells, text
from hostile_tables import BARS, HOUR, T0, truth

from candlelab.core.errors import UserError
from candlelab.data.source.file import File
from candlelab.market import reading

NAME = "BTCUSDT_1h.csv"


def fetch(path, symbols=(), interval="auto", start=None, end=None, **settings):
    usual = {
        "columns": {},
        "timezone": "UTC",
        "time_format": None,
        "max_bytes": 10**9,
        "misaligned": "drop",
        "last_bar": "keep",
    }
    return File(path=str(path), **usual | settings).fetch(list(symbols), interval, start, end)


def save(path, data):
    path.write_bytes(data)
    return path


def with_times(style):
    return [[pd.Timestamp(T0 + k * HOUR, unit="ms").strftime(style), *row[1:]] for k, row in enumerate(cells())]


def test_symbol_interval_and_span_come_from_the_file_and_are_printed(tmp_path, capsys):
    tape = fetch(save(tmp_path / "ETHUSDT.csv", text(cells())))
    assert (tape.symbols, tape.interval, len(tape)) == (("ETHUSDT",), "1h", BARS)
    assert "ETHUSDT.csv: ETHUSDT, 1h bars, 2024-01-01 00:00 to 2024-01-02 15:00, 40 bars" in capsys.readouterr().err


def test_dates_that_cut_a_file_are_said(tmp_path, capsys):
    fetch(save(tmp_path / NAME, text(cells())), end=T0 + 10 * HOUR)
    assert (
        "leave out 30 of the 40 bars of the files, which hold 2024-01-01 00:00 to 2024-01-02 15:00"
        in capsys.readouterr().err
    )


def test_a_file_without_a_name_of_a_symbol_is_called_after_itself(tmp_path):
    assert fetch(save(tmp_path / "my data.csv", text(cells()))).symbols == ("MYDATA",)


def test_symbols_with_different_intervals_meet_at_the_coarsest(tmp_path):
    save(tmp_path / "BTCUSDT.csv", text(cells()))
    save(tmp_path / "ETHUSDT.csv", text([[str(T0 + 4 * HOUR * k), *row[1:]] for k, row in enumerate(cells())]))
    assert fetch(tmp_path).interval == "4h"


def test_header_of_three_lines_as_yfinance_writes_it(tmp_path):
    lines = ["Price,Close,High,Low,Open,Volume", "Ticker" + ",BTC-USD" * 5, "Date,,,,,"]
    days = [f"2024-01-{k + 1:02d},{c[4]},{c[2]},{c[3]},{c[1]},{c[5]}" for k, c in enumerate(cells()[:20])]
    tape = fetch(save(tmp_path / "data.csv", "\n".join([*lines, *days]).encode()))
    assert (tape.symbols, tape.interval, tape.close[3]) == (("BTCUSD",), "1d", truth().close[3])


def test_several_tickers_side_by_side_are_refused(tmp_path):
    lines = ["Price,Close,Close,High,High", "Ticker,BTC-USD,ETH-USD,BTC-USD,ETH-USD", "Date,,,,", "2024-01-01,1,2,3,4"]
    with pytest.raises(UserError, match=r"2 tickers side by side \(BTC-USD, ETH-USD\): save one ticker per file"):
        fetch(save(tmp_path / "data.csv", "\n".join(lines).encode()))


def test_freqtrades_feather_and_rows_of_json_are_read(tmp_path):
    truth().rename(columns={"open_time": "date"}).to_feather(tmp_path / "BTC_USDT-1h.feather")
    save(tmp_path / "ETH_USDT-1h.json", json.dumps(truth().to_numpy().tolist()).encode())
    assert fetch(tmp_path).symbols == ("BTCUSDT", "ETHUSDT")


def test_every_file_of_a_zip_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "kaggle.zip", "w") as pack:
        pack.writestr("BTCUSDT_1h.csv", text(cells()))
        pack.writestr("ETHUSDT_1h.csv", text(cells()))
    assert fetch(tmp_path / "kaggle.zip").symbols == ("BTCUSDT", "ETHUSDT")


def test_columns_of_unusual_names_are_given_once(tmp_path):
    path = save(tmp_path / NAME, text(cells(), ("when", "first", "high", "low", "price", "volume")))
    tape = fetch(path, columns={"time": "when", "open": "first", "close": "price"})
    assert np.array_equal(tape.close, truth().close)


def test_columns_without_header_are_given_by_number(tmp_path):
    rows = [[row[4], row[3], row[2], row[1], row[0]] for row in cells()]
    tape = fetch(
        save(tmp_path / NAME, text(rows, None)), columns={"time": 5, "open": 4, "high": 3, "low": 2, "close": 1}
    )
    assert np.array_equal(tape.close, truth().close) and not tape.volume.any()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"price": "x"}, "nothing of a bar: choose"),
        ({"clse": "x"}, "did you mean close"),
        ({"close": "x"}, "no column 'x'.*set data.source.columns.close"),
    ],
)
def test_columns_that_cannot_be_are_refused(tmp_path, columns, message):
    with pytest.raises(UserError, match=message):
        fetch(save(tmp_path / NAME, text(cells())), columns=columns)


def test_times_without_a_zone_are_read_in_the_given_one(tmp_path):
    tape = fetch(save(tmp_path / NAME, text(with_times("%Y-%m-%d %H:%M"))), timezone="Europe/Berlin")
    assert tape.time[0] == T0 - HOUR


def test_an_hour_that_a_zone_has_never_had_is_refused(tmp_path):
    rows = [[f"2024-03-31 0{k}:30", *row[1:]] for k, row in enumerate(cells()[:5])]
    with pytest.raises(UserError, match=r"Europe/Berlin has twice or never.*convert the times to UTC"):
        fetch(save(tmp_path / NAME, text(rows)), timezone="Europe/Berlin")


def test_a_format_of_times_can_be_given(tmp_path):
    tape = fetch(save(tmp_path / NAME, text(with_times("%d.%m.%y %H-%M"))), time_format="%d.%m.%y %H-%M")
    assert tape.time[0] == T0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timezone": "Mars/North"}, "timezone is 'Mars/North'"),
        ({"max_bytes": 0}, "max_bytes is 0"),
        ({"time_format": "%d/%m/%Y"}, "times as numbers and data.source.time_format is '%d/%m/%Y'"),
        ({"max_bytes": 500}, "more than data.source.max_bytes=500 bytes"),
    ],
)
def test_impossible_settings_are_refused(tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        fetch(save(tmp_path / NAME, text(cells())), **settings)


def test_the_line_of_a_bad_cell_is_counted_as_an_editor_does(tmp_path):
    data = b"# made by hand\n" + text(cells()).replace(b"\n", b"\n\n", 3)
    lines = data.split(b"\n")
    lines[9] = lines[9].replace(b",", b",1_0", 1)
    with pytest.raises(UserError, match=r"BTCUSDT_1h.csv, line 10, column 'open' holds '1_0"):
        fetch(save(tmp_path / NAME, b"\n".join(lines)))


def test_the_row_of_a_bad_price_is_named(tmp_path):
    rows = cells()
    for k in range(11, 16):
        rows[k][3] = "-1"
    with pytest.raises(UserError, match=r"5 of 40 bars have prices.*the first at 2024-01-01 11:00"):
        fetch(save(tmp_path / NAME, text(rows)))


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("Binance_BTCUSDT_1h.csv", "BTCUSDT"), ("BITSTAMP_BTCUSD, 60.csv", "BTCUSD"), ("Kraken_ETHEUR_d.csv", "ETHEUR")],
)
def test_an_exchange_before_a_symbol_of_a_file_name_is_peeled_off(tmp_path, name, symbol):
    assert fetch(save(tmp_path / name, text(cells()))).symbols == (symbol,)


def test_the_decimals_of_parquet_are_not_off_by_one_in_the_last_place(tmp_path):
    frame = truth()
    frame["close"] = frame.close.map(lambda v: Decimal(f"{v:.2f}"))
    frame.to_parquet(tmp_path / "BTCUSDT_1h.parquet")
    assert np.array_equal(fetch(tmp_path / "BTCUSDT_1h.parquet").close, truth().close)


def test_a_gzip_that_says_that_it_is_too_large_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "BTCUSDT_1h.csv.gz"
    path.write_bytes(gzip.compress(b"x" * 5000))
    monkeypatch.setattr(reading, "_unpacked", None)
    with pytest.raises(UserError, match=r"holds more than data\.source"):
        list(reading.read_raw(path, {}, 1000))
