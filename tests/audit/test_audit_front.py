"""One call audits a function of bars, bars, or predictions; every finding says where."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from zoo.markets import market
from zoo.predictions import strategy

import candlelab
from candlelab.core.candles import Candles
from candlelab.core.errors import UserError


@pytest.fixture(scope="module")
def bars():
    return market(800)


def names(made):
    return [each.name for each in made.findings]


def test_the_room_is_found_without_being_imported():
    code = "import candlelab; print(callable(candlelab.audit))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "True"


def test_a_function_that_looks_back_is_clean(bars):
    made = candlelab.audit(lambda table: table.close / table.close.shift(20) - 1, bars)
    assert made.findings == () and "look-ahead" in made.clean


def test_a_function_that_centres_is_named_with_its_column_and_bar(bars):
    made = candlelab.audit(lambda table: table.close.rolling(11, center=True).mean(), bars)
    assert names(made)[0] == "look-ahead" and made.findings[0].place.startswith("function, close, BTCUSDT at 2024-")


def test_how_far_a_function_looks_ahead_is_told(bars):
    made = candlelab.audit(lambda table: table.volume.shift(-3).fillna(0.0), bars)
    assert "it reads volume at least 3 bars ahead" in made.findings[0].evidence


def test_a_warm_up_that_is_too_short_is_named(bars):
    made = candlelab.audit(lambda table: table.close.pct_change().ewm(span=300, adjust=False).std(), bars, warmup=5)
    assert names(made) == ["warm-up too short"]


def test_a_function_may_take_candles(bars):
    made = candlelab.audit(lambda tape: np.log(tape.close / tape.open), Candles.from_frame(bars))
    assert made.leaks == ()


def test_a_price_level_is_noted_and_is_no_leak(bars):
    made = candlelab.audit(lambda table: table[["close"]], bars)
    assert [(each.name, each.severity) for each in made.findings] == [("knows the price level", "note")]


def test_bars_and_predictions_are_told_apart(bars):
    assert "bars" in candlelab.audit(bars).subject and "predictions" in candlelab.audit(strategy()).subject


def test_another_number_of_rows_is_refused_in_one_sentence(bars):
    with pytest.raises(UserError, match="returned 799 rows for 800 bars"):
        candlelab.audit(lambda table: table.close[1:], bars)


def test_a_function_without_bars_is_refused():
    with pytest.raises(UserError, match="give them as the second argument"):
        candlelab.audit(lambda table: table)


def test_an_audit_is_plain_values_for_json(bars):
    import json

    made = candlelab.audit(lambda table: table.close.shift(-1).fillna(0.0), bars)
    assert json.loads(json.dumps(made.row()))["findings"][0]["severity"] == "leak"


def test_a_check_that_cannot_be_made_says_why():
    made = candlelab.audit(pd.DataFrame({"time": [0, 1, 2]}))
    assert dict(made.unchecked)["repainting"] == "needs an earlier export of the same predictor" and not made.clean
