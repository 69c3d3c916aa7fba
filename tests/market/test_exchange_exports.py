"""What a person saves from an exchange, as it comes: headers, JSON answers and names of their own."""

import json

import numpy as np
import pytest

from candlelab.core.errors import UserError
from candlelab.market.files import stem
from candlelab.market.symbols import symbol_of
from candlelab.market.table import Reading, read_tables

HOUR, START = 3600, 1_738_540_800  # 2025-02-03 00:00 UTC
BARS = [(START + k * HOUR, 10.0 + k, 14.0 + k, 9.0 + k, 12.0 + k, 100.0 + k) for k in range(4)]


def text(head, row):
    return "".join(line + "\n" for line in [head, *(row(*bar) for bar in BARS)])


def quoted(*names):
    return [dict(zip(names, map(str, bar), strict=True)) for bar in BARS]


ROWS = [[f"{t}000", str(o), str(h), str(low), str(c), str(v), "9"] for t, o, h, low, c, v in BARS]
WITH_MEANS = [[t, str(o), str(h), str(low), str(c), str(low + 1), str(v), 3] for t, o, h, low, c, v in BARS]
COLUMNS = dict(
    zip(("open", "high", "low", "close", "volume"), map(list, list(zip(*BARS, strict=True))[1:]), strict=True)
)
WRITTEN = {
    "bybit_ETHUSD.csv": text(
        "start_at,open,high,low,close,volume,period", lambda t, o, h, low, c, v: f"{t},{o},{h},{low},{c},{v},60"
    ),
    "bitfinex_tBTCUSD.csv": text(
        "MTS,OPEN,CLOSE,HIGH,LOW,VOLUME", lambda t, o, h, low, c, v: f"{t}000,{o},{c},{h},{low},{v}"
    ),
    "polygon.csv": text(
        "volume,open,close,high,low,window_start", lambda t, o, h, low, c, v: f"{v},{o},{c},{h},{low},{t}000000000"
    ),
    "coinapi.csv": text(
        "time_period_start;price_open;price_high;price_low;price_close;volume_traded",
        lambda t, o, h, low, c, v: f"{np.datetime64(t, 's')}Z;{o};{h};{low};{c};{v}",
    ),
    "coinbase.json": json.dumps({"candles": quoted("start", "open", "high", "low", "close", "volume")}),
    "bybit.json": json.dumps({"retCode": 0, "result": {"symbol": "BTCUSDT", "list": ROWS}}),
    "kraken.json": json.dumps({"error": [], "result": {"XXBTZUSD": WITH_MEANS, "last": 1}}, indent=1),
    "deribit.json": json.dumps({"ticks": [bar[0] * 1000 for bar in BARS], "status": "ok"} | COLUMNS),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_an_answer_of_an_exchange_is_read_as_it_was_saved(tmp_path, name):
    (tmp_path / name).write_text(WRITTEN[name])
    (table,) = read_tables(tmp_path / name, Reading())
    columns = [table.columns[key] for key in ("time", "open", "high", "low", "close", "volume")]
    assert np.array_equal(np.transpose(columns), np.multiply(BARS, (1000, 1, 1, 1, 1, 1)))


def test_lines_of_json_are_still_one_bar_each(tmp_path):
    bars = [dict(zip("tohlcv", bar, strict=True)) for bar in BARS]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(bar) + "\n" for bar in bars))
    assert len(read_tables(tmp_path / "a.jsonl", Reading())[0]) == 4


@pytest.mark.parametrize("said", [{}, {"code": 1, "msg": "no such pair"}, {"data": []}, {"data": {"a": [1, 2]}}])
def test_an_answer_without_bars_is_refused_in_a_sentence(tmp_path, said):
    (tmp_path / "a.json").write_text(json.dumps(said))
    with pytest.raises(UserError, match="no list of bars"):
        read_tables(tmp_path / "a.json", Reading())


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("my_ETHUSDT_bars.csv", "ETHUSDT"), ("BTCUSDT_and_ETHUSDT.csv", "BTCUSDT"), ("a_BTCUSDT_ETHUSDT.csv", None)],
)
def test_a_pair_that_stands_alone_in_a_name_is_the_symbol(name, symbol):
    assert symbol_of(name) == symbol


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("DAX_15min.csv", "DAX"),
        ("Gold-H1-2024.csv", "GOLD"),
        ("bitfinex_tBTCUSD_1h.csv", "TBTCUSD"),
        ("ethereum_1.1.2022.csv", "ETHEREUM"),
        ("EUR_GBP daily.csv", "EURGBP"),
        ("1inch.csv", "1INCH"),
        ("kraken.csv", "KRAKEN"),
    ],
)
def test_a_file_is_called_by_its_name_without_the_length_of_its_bars(name, symbol):
    assert stem(name) == symbol
