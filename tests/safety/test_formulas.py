"""What others' files contain is text in a spreadsheet, never a formula."""

import csv

import pandas as pd
import pytest

from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.spreadsheet import neutral, neutral_table
from candlelab.report.board_files import write_csv
from candlelab.task.predict import write

FORMULAS = ["=HYPERLINK(1)", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", " =1", "＝1", "\r=1", "|calc", "%0A=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run_is_quoted(text):
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["BTCUSDT", "-0.5", "+1e-3", "-3.2%", -1.5, None, "", "up-down", True])
def test_numbers_and_plain_words_stay_as_they_are(cell):
    assert neutral(cell) is cell


def test_every_kind_of_text_in_a_table_is_quoted():
    table = pd.DataFrame({"=a": ["=1", "b"], "c": pd.Categorical(["@x", "y"]), "n": [-1.0, 2.0]}, index=["+i", "j"])
    safe = neutral_table(table)
    assert safe.to_csv() == ",'=a,c,n\n'+i,'=1,'@x,-1.0\nj,b,y,2.0\n" and table.index[0] == "+i"


def test_the_leaderboard_holds_no_formula(tmp_path):
    write_csv(tmp_path / "leaderboard.csv", [{"coin": "=HYPERLINK(1)", "model": "@x", "seed": -1, "metrics": {}}])
    cells = list(csv.reader((tmp_path / "leaderboard.csv").open()))[1]
    assert "'=HYPERLINK(1)" in cells and "'@x" in cells and "-1" in cells


def test_predictions_hold_no_formula(tmp_path):
    path = write(pd.DataFrame({"symbol": ["=1+1"], "p_up": [0.5]}), tmp_path / "p.csv")
    assert path.read_text() == "symbol,p_up\n'=1+1,0.5\n"


@pytest.mark.parametrize("symbol", ["=HYPERLINK(1)", "@a", "+b", "-c", "", "a\nb", "a\tb", "x" * 200])
def test_a_tape_takes_no_symbol_that_is_no_name(symbol):
    frame = pd.DataFrame(
        {
            "open_time": [0, 3_600_000],
            "open": 1.0,
            "high": 1.0,
            "low": 1.0,
            "close": 1.0,
            "volume": 1.0,
            "symbol": symbol,
        }
    )
    with pytest.raises(UserError, match="cannot be a symbol"):
        Candles.from_frame(frame)
