"""What is shared of a report: Markdown for pull requests, a picture for people who post results."""

import re

import pytest
import test_report
from PIL import Image

from candlelab.report.markdown_page import inert_words, write_report_text
from candlelab.report.page import Section, Table


def test_the_markdown_says_the_verdict_and_the_tables(tmp_path):
    test_report.page(tmp_path)
    text = (tmp_path / "report.md").read_text()
    verdict = test_report.example()["scores"].verdict
    assert f"{verdict.information.question} **{verdict.information.answer.upper()}**." in text
    assert "<summary>Quality</summary>" in text or "<details><summary>" in text
    widths = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert widths and "<svg" not in text and "<small" not in text


def test_every_line_of_a_table_has_the_same_cells(tmp_path):
    test_report.page(tmp_path)
    tables = re.findall(r"(?:^\|.*\n)+", (tmp_path / "report.md").read_text(), re.MULTILINE)
    counts = [{len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()} for table in tables]
    assert tables and all(len(each) == 1 for each in counts)


def test_nothing_a_run_says_means_anything_to_markdown(tmp_path):
    hostile = "<img src=x> [a](http://x) `b` | *c*\n# d"
    section = Section("s", facts=[("name", hostile)], tables=[Table(["head"], [[hostile]])])
    words = dict.fromkeys(("title", "subtitle", "headline", "explanation", "footer"), hostile)
    parts = {"answers": [], "suspicions": [hostile], "notes": [("n", [hostile])], "sections": [section]}
    text = write_report_text(tmp_path / "a.md", words | parts).read_text()
    assert not re.search(r"(?<!\\)(<img|\[a|`b)", text) and text.count("\n# ") == 0
    assert inert_words("a|b") == "a\\|b"


@pytest.mark.parametrize("kind", ["forecast", "recognition"])
def test_the_card_has_the_size_that_is_shared(tmp_path, kind):
    test_report.page(tmp_path, kind=kind)
    with Image.open(tmp_path / "card.png") as card:
        assert card.size == (1200, 630) and len(set(card.convert("L").resize((60, 30)).tobytes())) > 20


def test_the_markdown_of_a_recognition_never_speaks_of_money(tmp_path):
    test_report.page(tmp_path, kind="recognition")
    text = (tmp_path / "report.md").read_text().lower()
    assert [word for word in ("sharpe", "backtest", "predict", "drawdown", "fees") if word in text] == []
