"""The file source reads what people really have."""

import gzip

import numpy as np
import pandas as pd
import pytest

from candlelab.core.errors import DataTrouble, UserError
from candlelab.data.source.file import File
from candlelab.market.symbols import symbol_of, tidy_symbol
from candlelab.market.timestamps import stamps_to_ms

HOUR = 3_600_000
T0 = 1_704_067_200_000  # 2024-01-01 00:00 UTC


def rows(n=4, start=T0, step=HOUR):
    return [(start + i * step, 10 + i, 12 + i, 9 + i, 11 + i, 5 + i) for i in range(n)]


def write(path, lines, header="open_time,open,high,low,close,volume"):
    text = "\n".join([*([header] if header else []), *(",".join(map(str, line)) for line in lines)]) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def fetch(path, symbols=(), interval="1h", start=None, end=None, **settings):
    usual = {
        "columns": {},
        "timezone": "UTC",
        "time_format": None,
        "max_bytes": 10**9,
        "misaligned": "drop",
        "last_bar": "keep",
    }
    source = File(path=path, **usual | settings)
    return source.fetch(list(symbols), interval, start, end), source


def test_csv_gz_names_its_symbol(tmp_path):
    tape, _ = fetch(write(tmp_path / "BTCUSDT_1h_2024.csv.gz", rows()))
    assert tape.symbols == ("BTCUSDT",) and tape.interval == "1h"
    assert tape.time.tolist() == [T0 + i * HOUR for i in range(4)] and tape.close.tolist() == [11, 12, 13, 14]


@pytest.mark.parametrize(
    "header",
    [
        "Open time,Open,High,Low,Close,Volume",
        "timestamp,open,high,low,close,vol",
        "date,o,h,l,c,v",
        "Unix,Open,High,Low,Close,Volume BTC",
        "Datetime,open,high,low,close,amount",
        ",Open,High,Low,Close,Volume",
    ],
)
def test_header_names_people_use(tmp_path, header):
    tape, _ = fetch(write(tmp_path / "ETHUSDT.csv", rows(), header))
    assert tape.symbols == ("ETHUSDT",) and tape.volume.tolist() == [5, 6, 7, 8] and tape.time[0] == T0


def test_twelve_columns_without_header(tmp_path):
    lines = [(t, o, h, lo, c, v, t + HOUR - 1, 50, 7, 2, 20, 0) for t, o, h, lo, c, v in rows()]
    tape, _ = fetch(write(tmp_path / "BTCUSDT-1h-2024-01.csv", lines, header=None))
    assert tape.trades.tolist() == [7] * 4 and tape.taker_buy_quote.tolist() == [20] * 4


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT_1h_2018.csv.gz", "BTCUSDT"),
        ("BTC_USDT-1h.parquet", "BTCUSDT"),
        ("1000SHIBUSDT-1m-2024-01.csv", "1000SHIBUSDT"),
        ("BTCUSD_PERP-1h-2024-01.csv", "BTCUSD_PERP"),
        ("BTCUSDT_240329-1h.csv", "BTCUSDT_240329"),
        ("mydata.csv", None),
    ],
)
def test_symbol_is_read_from_the_file_name(name, symbol):
    assert symbol_of(name) == symbol


def test_symbols_are_written_as_the_exchange_does():
    assert [tidy_symbol(s) for s in ("btc/usdt", "BTC-USDT", "btc_usdt", "BTCUSD_PERP")] == ["BTCUSDT"] * 3 + [
        "BTCUSD_PERP"
    ]


def test_unit_of_time_is_told_per_value():
    assert stamps_to_ms(np.array([T0 // 1000, T0, T0 * 1000, T0 * 10**6])).tolist() == [T0] * 4
    assert stamps_to_ms(np.array([T0 / 1000])).tolist() == [T0]


@pytest.mark.parametrize(
    "style", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%d %I-%p"]
)
def test_text_times(tmp_path, style):
    lines = [(pd.Timestamp(t, unit="ms").strftime(style), *rest) for t, *rest in rows()]
    tape, _ = fetch(write(tmp_path / "BTCUSDT.csv", lines, "date,open,high,low,close,volume"))
    assert tape.time.tolist() == [T0 + i * HOUR for i in range(4)]


def test_date_and_time_of_day_in_two_columns(tmp_path):
    lines = [(*str(pd.Timestamp(t, unit="ms")).split(), *rest) for t, *rest in rows()]
    tape, _ = fetch(write(tmp_path / "BTCUSDT.csv", lines, "Date,Time,Open,High,Low,Close,Volume"))
    assert tape.time.tolist() == [T0 + i * HOUR for i in range(4)]


def test_day_first_dates_are_read_where_only_one_reading_is_possible(tmp_path):
    lines = [("31/01/2024 13:00", 1, 1, 1, 1, 1), ("01/02/2024 13:00", 1, 1, 1, 1, 1)]
    tape, _ = fetch(write(tmp_path / "BTCUSDT.csv", lines), interval="1d")
    assert str(tape.time.astype("datetime64[ms]")[0]) == "2024-01-31T13:00:00.000"


def test_ambiguous_day_and_month_are_refused_with_both_readings(tmp_path):
    lines = [(f"0{k}/04/2024 13:00", 1, 1, 1, 1, 1) for k in (3, 4)]
    with pytest.raises(
        UserError, match=r"'03/04/2024 13:00', which may be 03 April 2024 .*%d/%m/%Y %H:%M.* or 04 March 2024"
    ):
        fetch(write(tmp_path / "BTCUSDT.csv", lines))
    tape, _ = fetch(write(tmp_path / "BTCUSDT.csv", lines), interval="1d", time_format="%d/%m/%Y %H:%M")
    assert len(tape) == 2 and str(tape.time.astype("datetime64[ms]")[0])[:10] == "2024-04-03"


def test_parquet_with_a_symbol_column(tmp_path):
    frame = pd.DataFrame(rows(), columns=["open_time", "open", "high", "low", "close", "volume"])
    frame["open_time"] = pd.to_datetime(frame["open_time"], unit="ms")
    both = pd.concat([frame.assign(symbol="ETH/USDT"), frame.assign(symbol="BTC/USDT")])
    both.to_parquet(tmp_path / "bars.parquet")
    tape, _ = fetch(str(tmp_path / "bars.parquet"))
    assert tape.symbols == ("BTCUSDT", "ETHUSDT") and len(tape) == 8 and tape.segment.tolist() == [0] * 4 + [1] * 4


def test_many_files_of_one_symbol_become_one_run(tmp_path):
    write(tmp_path / "BTCUSDT-1h-2.csv", rows(4, T0 + 4 * HOUR))
    write(tmp_path / "BTCUSDT-1h-1.csv", rows(4))
    tape, _ = fetch(str(tmp_path / "*.csv"))
    assert len(tape) == 8 and tape.segment.max() == 0


def test_range_is_half_open(tmp_path):
    tape, _ = fetch(write(tmp_path / "BTCUSDT.csv", rows()), start=T0 + HOUR, end=T0 + 3 * HOUR)
    assert tape.time.tolist() == [T0 + HOUR, T0 + 2 * HOUR]


def test_quality_speaks_of_the_asked_range(tmp_path):
    _, source = fetch(write(tmp_path / "BTCUSDT.csv", [*rows(8), *rows(1)]), start=T0 + HOUR, end=T0 + 3 * HOUR)
    record = source.quality[0]
    assert (record.rows, record.first, record.duplicates) == (2, T0 + HOUR, 0)


def test_last_bar_can_be_left_out(tmp_path):
    assert len(fetch(write(tmp_path / "BTCUSDT.csv", rows()), last_bar="drop")[0]) == 3


def test_range_outside_the_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"files hold 2024-01-01 00:00 to 2024-01-01 03:00"):
        fetch(write(tmp_path / "BTCUSDT.csv", rows()), start=T0 + 99 * HOUR)


def test_unnamed_file_belongs_to_the_asked_symbol(tmp_path):
    tape, _ = fetch(write(tmp_path / "mydata.csv", rows()), symbols=["XYZUSDT"])
    assert tape.symbols == ("XYZUSDT",)


def test_absent_symbol_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"hold ETHUSDT, not BTCUSDT"):
        fetch(write(tmp_path / "ETHUSDT.csv", rows()), symbols=["BTCUSDT"])


def test_finer_bars_cannot_be_made(tmp_path):
    with pytest.raises(ValueError, match=r"hold 1h bars.*data.interval=1h"):
        fetch(write(tmp_path / "ETHUSDT.csv", rows()), interval="15m")


def test_misspelt_path_hints_at_the_nearest_file(tmp_path):
    write(tmp_path / "BTCUSDT_1h.csv", rows())
    with pytest.raises(ValueError, match=r"did you mean .*BTCUSDT_1h.csv"):
        fetch(str(tmp_path / "BTCUSD_1h.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\x1f\x8b\x08\x00broken", "cannot be unpacked"),
        (b"a,b\n1,2\n", "no column for time"),
        (b"open_time,open,high,low,close,volume\n", "no bars"),
        (b"open_time,open,high,low,close,volume\n1704067200000,x,2,1,1,1\n", "holds 'x', which is no number"),
    ],
)
def test_files_that_are_no_bars_are_refused(tmp_path, content, message):
    path = tmp_path / ("BTCUSDT.csv.gz" if content[:1] == b"\x1f" else "BTCUSDT.csv")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        fetch(str(path))


def test_swapped_columns_are_not_trusted(tmp_path):
    with pytest.raises(DataTrouble, match=r"prices that cannot be"):
        fetch(write(tmp_path / "BTCUSDT.csv", rows(20), "open_time,open,low,high,close,volume"))


def test_long_history_loads_as_it_is(shared):
    tape, source = fetch(str(shared / "long" / "BTCUSDT_1h_2018_2025.csv.gz"), ["BTCUSDT"])
    assert len(tape) == 62_482 and source.quality[0].gaps == 25 and source.quality[0].missing_bars == 88
    assert tape.segment.max() == 25
