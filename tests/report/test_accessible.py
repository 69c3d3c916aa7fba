"""Pages pass the accessibility checks of axe-core: light and dark, wide and narrow."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import test_report
import test_report_study
import test_study_explorer
from browser import READY, browser, needs_chromium
from explorer_cases import explored, market, predictions

from candlelab.pipeline.diary.judge import Promise
from candlelab.pipeline.diary.outcomes import MEANING
from candlelab.pipeline.diary.review import Review
from candlelab.report.audit_page import write_audit
from candlelab.report.demo_page import Market, write_demo_page
from candlelab.report.diary_page import write_diary_page

ROOT = Path(__file__).resolve().parents[2]
AXE = Path(os.environ.get("AXE_CORE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
WINDOWS = ((1440, False), (1440, True), (400, False), (400, True))
CHECK = """axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations.map(
  (each) => [each.impact, each.id, each.nodes.map((node) => node.html.slice(0, 200))]))"""
LOADED = f"document.readyState === 'complete' && (!document.getElementById('facts') || {READY})"
pytestmark = [
    pytest.mark.slow,
    needs_chromium,
    pytest.mark.skipif(
        not AXE.is_file(), reason="needs axe-core: npm install --no-save axe-core, or AXE_CORE=…/axe.min.js"
    ),
]


def findings(path, *keys):
    """What axe-core finds in a page in four windows, after some keys were pressed with the focus on its chart."""
    found = []
    with browser() as page:
        for width, dark in WINDOWS:
            page.size(width, 900, dark=dark)
            page.open(path, LOADED)
            if keys:
                page.ask("document.getElementById('stage').focus()")
            for key in keys:
                page.press(key)
            page.call("Runtime.evaluate", expression=AXE.read_text(encoding="utf-8"))
            found += page.ask(CHECK)
    return found


@pytest.mark.parametrize("kind", ["forecast", "recognition"])
def test_a_report_can_be_read_by_everybody(tmp_path, kind):
    test_report.page(tmp_path, kind=kind, classes=("down", "neutral", "up"), symbols=("BTCUSDT", "ETHUSDT"))
    assert findings(tmp_path / "report.html") == []


def test_the_report_of_a_study_can_be_read_by_everybody(tmp_path):
    test_report_study.written(tmp_path)
    assert findings(tmp_path / "report.html") == []


def test_an_explorer_can_be_used_by_everybody(tmp_path):
    candles = market(300, names=("AUSDT", "BUSDT"))
    path = explored(tmp_path / "explore.html", candles, predictions(candles), captions=lambda ends: ["up"] * len(ends))
    assert findings(path, "m", "ArrowLeft") == []


def test_the_explorer_of_a_study_can_be_used_by_everybody(tmp_path):
    test_study_explorer.page(tmp_path, test_study_explorer.run(), test_study_explorer.run("b", settings={"seed": "1"}))
    assert findings(tmp_path / "explore.html") == []


def test_the_page_of_an_audit_can_be_read_by_everybody(tmp_path):
    finding = {"name": "far too good", "place": "predictions", "evidence": "AUROC 0.99", "cure": "look at it"}
    measured = {"value": 0.99, "low": 0.98, "high": 1.0, "chance": 0.5}
    found = [finding | {"severity": each} | measured for each in ("leak", "doubt", "note")]
    told = {
        "subject": "a table",
        "verdict": "a leak",
        "findings": found,
        "clean": ["order"],
        "unchecked": [["bars", "none"]],
    }
    picture = test_report.picture(np.random.default_rng(0)), "a picture"
    write_audit(tmp_path / "audit.html", told, [[picture], [], []], title="a table")
    assert findings(tmp_path / "audit.html") == []


def test_the_page_of_the_demo_can_be_read_by_everybody(tmp_path):
    told = test_report.example()
    chart = test_report.picture(np.random.default_rng(0))
    markets = [
        Market(truth, told["scores"], told["card"], 0.7, chart, "a/report.html") for truth in ("nothing", "shape")
    ]
    write_demo_page(tmp_path / "demo.html", markets)
    assert findings(tmp_path / "demo.html") == []


def test_the_page_of_a_diary_can_be_read_by_everybody(tmp_path):
    columns = ["line", "symbol", "bar", "bars", "written", "delay", "signal", "status", "restated", "forward_return"]
    rows = [[k, "AUSDT", 1_700_000_000_000 + k, 1, 0, 2.0, "LONG", "counted", k == 1, 0.01] for k in range(3)]
    scores = test_report.example()["scores"]
    promise = Promise("Information?", (0.55, 0.52, 0.58), (0.5, 0.4, 0.6))
    table = pd.DataFrame(rows, columns=columns)
    made = Review("default/a", "1h", table, scores, None, (promise,), (0.53, 4000))
    write_diary_page(tmp_path / "diary.html", [made, made], faults=(), meaning=MEANING, lines=6)
    assert findings(tmp_path / "diary.html") == []


def test_a_picture_without_words_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        "<!doctype html><html lang=en><title>a</title><main><h1>a</h1><img src='data:,'></main>"
    )
    assert "image-alt" in {name for _, name, _ in findings(tmp_path / "a.html")}
