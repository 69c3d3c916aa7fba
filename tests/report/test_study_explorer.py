"""The explorer of a study holds what its runs did, once, and nothing that they did not."""

import numpy as np
import pandas as pd
from explorer_cases import HOUR, START, market
from page_scripts import in_node, needs_node
from test_explorer import HOSTILE, parts_of, read

from candlelab.report.explorer.study_page import ExploredRun, PricedBars, varied_keys, write_study_explorer


def run(name="a", **told):
    """A run that was long for two bars and short for one."""
    text = [f"2024-01-01 0{hour}:00" for hour in (3, 5, 6)]
    trades = pd.DataFrame({"symbol": "AUSDT", "entry": text[:2], "exit": text[1:], "side": ["long", "short"]})
    whole = {
        "model": name,
        "data": "AUSDT 1h",
        "settings": {"seed": "0", "data.window": "8"},
        "metrics": {"test/accuracy": 0.5, "test/trades": 2, "test/sharpe_net_annual": None},
        "verdict": "money no",
        "kind": "forecast",
        "equity": {"time": START + HOUR * np.arange(5), "net": np.array([1, 1.01, 1.02, 1.0, 0.99])},
        "trades": trades,
        "market": 0,
        "bar": HOUR,
        "delay": HOUR,
        "page": True,
    }
    return ExploredRun(name=name, **(whole | told))


def page(folder, *runs, markets=None):
    held = [PricedBars(market(50), START, START + 40 * HOUR)] if markets is None else markets
    path = write_study_explorer(folder / "explore.html", title="s", runs=runs, markets=held, left_out="")
    return path.read_text()


def test_trades_and_equity_come_back_as_they_were(tmp_path):
    facts, text, _ = parts_of(page(tmp_path, run()))
    found = read(facts["columns"], text)
    assert ((found["entry_0"] - START) / HOUR).tolist() == [3, 5] and found["side_0"].tolist() == [1, -1]
    assert found["equity_0"].tolist() == [1, 1.01, 1.02, 1.0, 0.99] and found["at_0"][0] == START + HOUR
    assert facts["markets"] == [[{"name": "AUSDT", "bars": [0, 41]}]] and len(found["close"]) == 41


def test_runs_can_be_filtered_by_what_tells_them_apart():
    other = run("b", settings={"seed": "1", "data.window": "8", "model.width": "3"})
    assert varied_keys([run(), other]) == ["seed", "model.width"]


def test_a_recogniser_shows_no_money(tmp_path):
    facts = parts_of(page(tmp_path, run(kind="recognition", equity={}, trades=None, market=None)))[0]
    assert facts["runs"][0]["figures"] == {"accuracy": 0.5} and "at_0" not in facts["columns"]


def test_a_market_that_does_not_fit_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("candlelab.report.explorer.study_page.MOST_BARS", 45)
    two = [PricedBars(market(60), START, START + 50 * HOUR), PricedBars(market(50), START, START + 40 * HOUR)]
    facts = parts_of(page(tmp_path, run(), run("b", market=1), markets=two))[0]
    assert [each["market"] for each in facts["runs"]] == [None, 0]


def test_hostile_words_of_runs_are_text(tmp_path):
    text = page(tmp_path, run(HOSTILE, settings={HOSTILE: "1"}, verdict=HOSTILE), run("b"))
    assert "<script>alert" not in text and text.count("</script>") == 4
    assert parts_of(text)[0]["keys"][0] == HOSTILE


@needs_node
def test_a_position_still_held_at_the_last_bar_is_drawn_up_to_it():
    trades = [{"entry": 1000, "exit": 3000, "side": 1}, {"entry": 3000, "exit": 9000, "side": -1}]
    line = in_node("(trades) => candlelab.stage.heldLine(trades, 8000)", trades, "stage")
    assert [(point["time"], point["value"]) for point in line] == [(1, 1), (3, -1), (8, -1)]
