"""The explorer is one safe file that holds the numbers it was given, to the last digit where it says so."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
from explorer_cases import CANDLES, TASK, explored, market, predictions

from candlelab.report.explorer import content
from candlelab.report.explorer.packed import Pack, decimal_places
from candlelab.report.explorer.page import HERE, LIBRARY, NOTICE
from candlelab.report.explorer.pictures import drawable, why_not

PUBLISHED = "e21cc5caa0226ef30bd8549c50b9ef926615f2a4ee6b4e486353477a55f598cf"  # lightweight-charts 5.2.1, standalone, production
HOSTILE = "</script><script>alert(1)</script><!--"


def unpacked(pack):
    """Columns as the script reads them back."""
    return read(pack.index, pack.text)


def read(index, text):
    data, found = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8), {}
    for name, entry in index.items():
        n, width = entry["n"], entry["width"]
        planes = data[entry["at"] :][: n * width].reshape(width, n)
        if "delta" not in entry:
            found[name] = np.ascontiguousarray(planes.T).view(f"<f{width}").ravel().astype(float)
            continue
        coded = sum(planes[k].astype(np.int64) << (8 * k) for k in range(width))
        values = (coded >> 1) ^ -(coded & 1)
        found[name] = (np.cumsum(values) if entry["delta"] else values) / scales_of(entry)
    return found


def scales_of(entry):
    return np.repeat(entry["scales"], np.diff([0, *entry["stops"]])) if "scales" in entry else entry["scale"]


def parts_of(text):
    """Data and scripts of a page."""
    facts = re.search(r'id="facts">(.*?)</script>', text, re.DOTALL)[1]
    columns = re.search(r'id="columns">(.*?)</script>', text, re.DOTALL)[1]
    return json.loads(facts), columns, re.findall(r"<script>(.*?)</script>", text, re.DOTALL)


@pytest.mark.parametrize(
    "values",
    [
        [100.25, 99.5, 100.01, 0.07],
        [0.1 + 0.2, 1 / 3, -1e300, np.nan],
        [0.5, float(np.float32(0.1)), -np.inf],
        [-3.0, 0.0, 12345678901.0],
        [],
    ],
    ids=["cents", "doubles", "singles", "whole", "none"],
)
def test_exact_columns_come_back_to_the_last_bit(values):
    pack = Pack()
    pack.exact("before", np.arange(3))
    pack.exact("x", np.array(values, float))
    assert np.array_equal(unpacked(pack)["x"], np.array(values, float), equal_nan=True)


def test_rounded_columns_lose_less_than_a_billionth():
    pack, values = Pack(), np.random.default_rng(0).uniform(50, 100, 500)
    assert pack.rounded("x", values, [500]) and not pack.rounded("y", np.round(values, 2), [500])
    assert np.abs(unpacked(pack)["x"] / values - 1).max() < 2e-9


def test_rounding_beside_a_dear_symbol_keeps_the_digits_of_a_cheap_one():
    pack, cheap = Pack(), np.random.default_rng(0).uniform(1e-8, 2e-8, 50)
    assert pack.rounded("x", np.append(cheap * 1e14, cheap), [50, 100])
    assert np.abs(unpacked(pack)["x"][50:] / cheap - 1).max() < 2e-9


def test_decimals_are_counted():
    assert [decimal_places(np.array(each)) for each in ([1.0, 2.0], [0.25, 1.5], [1 / 3], [np.nan])] == [
        0,
        2,
        None,
        None,
    ]


def test_the_library_is_the_published_one():
    assert hashlib.sha256((HERE / LIBRARY).read_bytes()).hexdigest() == PUBLISHED
    assert "Apache License" in (HERE / "lightweight-charts.LICENSE").read_text()
    assert "TradingView, Inc." in (HERE / NOTICE).read_text()


def test_a_page_runs_only_the_scripts_that_its_policy_names(tmp_path):
    text = explored(tmp_path / "explore.html", market(200), predictions(market(200))).read_text()
    scripts = parts_of(text)[2]
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    assert len(scripts) == 2 and re.findall(r"'sha256-([^']*)'", policy) == hashes
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-")


def test_a_page_loads_nothing_and_names_the_makers_of_its_charts(tmp_path):
    text = explored(tmp_path / "explore.html", market(200), predictions(market(200))).read_text()
    shown = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"<(link|iframe|object|embed|form)\b|\ssrc=|url\(", shown)
    assert re.findall(r'href="([^"]*)"', shown) == ["report.html", "https://www.tradingview.com/"]
    assert "TradingView Lightweight Charts™, Copyright" in shown and "Apache License 2.0" in shown


def test_hostile_words_are_text_wherever_they_stand(tmp_path):
    table = predictions(market(200))
    task = replace(TASK, classes=("down", HOSTILE))
    maps = [("AUSDT", int(table.time.max()), np.zeros((3, 4, 4), np.uint8), HOSTILE)]
    told = {"title": HOSTILE, "headline": HOSTILE, "captions": lambda ends: [HOSTILE] * len(ends), "maps": maps}
    text = explored(tmp_path / "explore.html", market(200), table, task=task, **told).read_text()
    facts = parts_of(text)[0]
    assert "<script>alert" not in text and text.count("</script>") == 4 and "<!--" not in text
    assert facts["classes"][1] == facts["captions"]["texts"][0] == HOSTILE and len(facts["maps"]) == 1


def test_a_page_holds_bars_and_rows_as_they_were(tmp_path):
    candles, table = market(200, gap=(150,)), predictions(market(200, gap=(150,)))
    facts, columns, _ = parts_of(explored(tmp_path / "explore.html", candles, table).read_text())
    found, own = read(facts["columns"], columns), table[(table.model == "net") & (table.split == "test")]
    bars = found["bar"].astype(int)
    assert np.array_equal(found["time"][bars], own.time) and "gain" not in found
    rows = np.searchsorted(candles.time, found["time"])
    assert all(np.array_equal(found[name], getattr(candles, name)[rows]) for name in ("open", "high", "low", "close"))
    assert np.array_equal(found["score"], own[["p_0", "p_1"]].max(axis=1))


def test_a_page_with_more_bars_than_it_can_hold_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "MOST_BARS", 220)
    candles = market(300, names=("AUSDT", "BUSDT"))
    text = explored(tmp_path / "explore.html", candles, predictions(candles)).read_text()
    assert "of 1 of 2 symbols" in text and not parts_of(text)[0]["whole"]


@pytest.mark.parametrize(
    "change",
    [
        {"style": "mine.Chart"},
        {"width": 10**9},
        {"paper": ["x"]},
        {"body": True},
        {"averages": [[1, 2]]},
        {"missing": "<"},
    ],
)
def test_a_recipe_that_no_page_should_draw_is_told_in_words(change):
    assert drawable(CANDLES) and drawable(CANDLES | change) is None and "cannot be drawn" in why_not(CANDLES | change)
