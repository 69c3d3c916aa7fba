"""What the reader of real, dirty files found is named with its first bar."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from candlelab.audit.findings import of_reader
from candlelab.market.files import load_files
from candlelab.market.table import Reading

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ohlcv"


def found(path, symbol="BTCUSDT"):
    if not path.exists():
        pytest.skip("the real bars are not here")
    _, quality = load_files([path], [symbol], "1h", None, None, misaligned="drop", last_bar="keep", reading=Reading())
    return {
        each.kind: (each.bars, np.datetime64(each.first, "ms").astype("datetime64[h]").astype(str))
        for each in of_reader([record.row() for record in quality])
    }


def test_identical_copies_are_named():
    assert found(DATA / "dirty" / "BTCUSDT_1h_2021_appended_twice.csv.gz")["identical copies"] == (
        8747,
        "2021-01-01T00",
    )


def test_conflicting_copies_are_named_with_the_first():
    path = DATA / "dirty" / "BTCUSDT_1h_2024_conflicting_duplicates.csv.gz"
    kinds = found(path)
    bars = pd.read_csv(path)[["open_time", "open", "high", "low", "close", "volume"]].drop_duplicates()
    first = bars.loc[bars["open_time"].duplicated(keep=False), "open_time"].min()
    assert kinds["times with differing bars"] == (8, str(np.datetime64(int(first), "ms").astype("datetime64[h]")))


def test_bars_off_the_grid_and_holes_are_named_with_the_first():
    kinds = found(DATA / "dirty" / "BTCUSDT_1h_2017_2020_misaligned.csv.gz")
    assert kinds["bars off the grid"] == (43, "2018-02-09T09") and kinds["missing bars"][1] == "2017-09-06T16"


def test_a_new_asset_under_an_old_name_is_named():
    assert found(DATA / "dirty" / "LUNAUSDT_1h.csv.gz", "LUNAUSDT")["new beginnings"] == (1, "2022-05-31T06")
