"""The explorer in a browser: it opens, zooms, shows what the net saw, scores again, and asks for nothing."""

import json
import math

import numpy as np
import pytest
from browser import browser, needs_chromium
from explorer_cases import CANDLES, explored, market, predictions, rows_told, settings
from test_study_explorer import page as study_page
from test_study_explorer import run

from candlelab.evaluate import backtest
from candlelab.render.candles import CandleChart
from candlelab.render.storage.live import Live

pytestmark = [pytest.mark.slow, needs_chromium]
FIGURES = """JSON.stringify((({ total, sharpe, maxDrawdown, entries, exposure }) => [total, sharpe, maxDrawdown, entries, exposure])(
  candlelab.explorer.whole))"""
PIXELS = """(() => { const seen = document.querySelector("canvas.seen"), { width, height } = seen;
  return Array.from(seen.getContext("2d").getImageData(0, 0, width, height).data); })()"""


@pytest.fixture(scope="module")
def candles():
    return market(400, names=("AUSDT", "BUSDT"), late=250)


@pytest.fixture(scope="module")
def opened(tmp_path_factory, candles):
    path = explored(tmp_path_factory.mktemp("page") / "explore.html", candles, predictions(candles))
    with browser() as page:
        page.size(1440, 1000)
        page.open(path)
        yield page


def test_a_page_asks_for_nothing_and_complains_of_nothing(opened):
    assert [each for each in opened.requests if not each.startswith(("file:", "data:"))] == []
    assert opened.complaints == []


def test_the_wheel_zooms(opened):
    wide = "(({ from, to }) => to - from)(candlelab.explorer.view.chart.timeScale().getVisibleLogicalRange())"
    before = opened.ask(wide)
    opened.wheel(500, 400, -300)
    assert opened.ask(f"new Promise((done) => setTimeout(() => done({wide}), 300))") < 0.95 * before


@pytest.mark.parametrize(("fee", "shift"), [(0, 0.0), (2.5, 0.01), (17, -0.02)])
def test_sliders_say_what_the_backtest_says(opened, candles, fee, shift):
    made = rows_told(predictions(candles), settings())
    threshold = made.threshold["threshold"] + shift
    opened.set("fee-number", fee)
    opened.set("threshold-number", repr(threshold))
    other = settings(fee_bps=float(fee))
    could = other.trades(made.part)
    held = other.rule.positions(could, threshold, {})
    test = backtest.run_backtest(held, could.bar_return, could.rows, other.cost)
    expected = [math.prod(1 + test.net) - 1, test.sharpe, backtest.max_drawdown(test.net), test.entries, test.exposure]
    assert json.loads(opened.ask(FIGURES)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("symbol", [0, 1])
def test_a_click_on_a_bar_shows_what_the_net_saw(opened, candles, symbol):
    opened.set("symbol", symbol)
    opened.ask("candlelab.explorer.view.newest(40)")
    end = int(np.flatnonzero(candles.symbol == symbol)[-9])
    place = f"candlelab.explorer.view.chart.timeScale().timeToCoordinate({candles.time[end] // 1000})"
    left = "document.getElementById('chart').getBoundingClientRect().left"
    x = opened.ask(f"new Promise((done) => setTimeout(() => done({place} + {left}), 200))")
    opened.click(x, 400)
    row = opened.ask("new Promise((done) => setTimeout(() => done(candlelab.explorer.row), 700))")
    assert opened.ask(f"candlelab.explorer.run.time[{row}]") == candles.time[end]
    chart = CandleChart(
        **{name: value for name, value in CANDLES.items() if name != "style"}, fill="numpy", storage=Live()
    )
    drawn = np.array(opened.ask(PIXELS), np.uint8).reshape(32, 32, 4)[..., :3].transpose(2, 0, 1)
    assert np.array_equal(drawn, chart.draw(candles, np.array([end]))[0])


def test_keys_lead_to_the_surest_mistake_and_on(opened):
    opened.ask("document.getElementById('stage').focus()")
    opened.press("m")
    assert opened.ask("document.getElementById('status').textContent").startswith("surest mistake 1 of")
    row = opened.ask("candlelab.explorer.row")
    assert "Wrong:" in opened.ask("document.getElementById('panel-body').textContent")
    opened.press("ArrowLeft")
    assert opened.ask("candlelab.explorer.row") == row - 1


def test_another_symbol_has_its_own_candles(opened):
    opened.set("symbol", 1)
    assert opened.ask("candlelab.explorer.view.symbol") == 1 and opened.complaints == []


def test_a_study_compares_two_runs_and_filters(tmp_path):
    study_page(tmp_path, run(), run("b", settings={"seed": "1", "data.window": "8"}))
    with browser() as page:
        page.open(tmp_path / "explore.html")
        assert page.ask("candlelab.study.chosen.join()") == "0,1"
        page.set("filter-0", "=1")
        assert page.ask("document.getElementById('runs-note').textContent") == "1 of 2 runs"
        assert page.complaints == [] and [each for each in page.requests if not each.startswith("file:")] == []
