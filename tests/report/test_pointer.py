"""Figures of a page answer to a pointer by one small script that the page's own policy allows by its hash."""

import base64
import hashlib
import re

import numpy as np
import pytest
import test_report
from browser import browser, needs_chromium

from candlelab.report import figures
from candlelab.report.page import Section, write_page

TIME = np.arange(100) * 3_600_000 + 1_700_000_000_000
CURVES = [("hold", "holding", np.linspace(1, 2, 100)), ("model", "the model", np.linspace(1, 0.5, 100))]
READY = "document.documentElement.dataset.pointer === 'yes'"


def written(path):
    """A page with two figures over time."""
    sections = [Section("Money", figures=[figures.equity(TIME, CURVES), figures.drawdown(TIME, CURVES[1:])])]
    words = dict.fromkeys(("title", "kind", "subtitle", "headline", "explanation", "config", "footer"), "x")
    parts = dict.fromkeys(("answers", "suspicions", "notes"), ())
    return write_page(path / "page.html", "report.html.j2", words | parts | {"sections": sections})


def test_the_policy_names_the_only_script_by_its_hash(tmp_path):
    test_report.page(tmp_path)
    text = (tmp_path / "report.html").read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in text and "http" not in script


def test_a_figure_with_lines_tells_the_script_its_scales():
    svg = str(figures.equity(TIME, CURVES).svg)
    x0, x1, left, right = map(float, re.search(r'data-x="([^"]*)"', svg)[1].split())
    assert (x0, x1, left, right) == (TIME[0], TIME[-1] + 1, 52, 426) and 'data-read="log"' in svg
    assert "data-x" not in str(figures.range_bar(figures.Estimate("a", 0.5), figures.Reference(0.4, "b"), str))


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """A page in a browser, with the middle of its first figure under the pointer."""
    with browser() as page:
        page.size(900, 900)
        page.open(written(tmp_path_factory.mktemp("pointer")), READY)
        box = "(() => { const box = document.querySelector('figure svg').getBoundingClientRect(); return [box.left, box.top, box.width, box.height]; })()"
        left, top, width, height = page.ask(box)
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=left + width * 239 / 440, y=top + height / 2)
        yield page


@pytest.mark.slow
@needs_chromium
def test_the_values_under_the_pointer_are_read_off_the_lines(looked):
    told = looked.ask("document.querySelector('.readout').textContent")
    day, holding, model = told.split(" · ")
    assert day == "2023-11-16 23:43" and abs(float(holding.split()[-1]) - 1.5) < 0.02
    assert abs(float(model.split()[-1]) - 0.75) < 0.01 and looked.complaints == []


@pytest.mark.slow
@needs_chromium
def test_a_word_of_the_legend_hides_its_line_and_shows_it_again(looked):
    hidden = "getComputedStyle(document.querySelector('svg .line.hold')).visibility"
    press = "document.querySelector('.legend span').click()"
    assert looked.ask(hidden) == "visible" and looked.ask(f"{press}, {hidden}") == "hidden"
    assert looked.ask("document.querySelector('.legend span').getAttribute('aria-pressed')") == "false"
    assert looked.ask(f"{press}, {hidden}") == "visible" and all(each.startswith("file:") for each in looked.requests)
