"""A report on paper, as Chromium prints it."""

import shutil
import subprocess

import pytest
from test_report import page

TOOLS = [shutil.which(name) for name in ("chromium", "pdftotext")]


@pytest.mark.slow
@pytest.mark.skipif(None in TOOLS, reason="needs chromium and pdftotext")
@pytest.mark.parametrize("kind", ["forecast", "recognition"])
def test_no_printed_page_holds_a_line_alone(tmp_path, kind):
    (tmp_path / "a.html").write_text(page(tmp_path, kind=kind), encoding="utf-8")
    paper = tmp_path / "a.pdf"
    words = ["--headless", "--no-sandbox", "--no-pdf-header-footer", f"--print-to-pdf={paper}"]
    subprocess.run([TOOLS[0], *words, (tmp_path / "a.html").as_uri()], check=True, capture_output=True, timeout=300)
    text = subprocess.run([TOOLS[1], "-layout", paper, "-"], check=True, capture_output=True, text=True).stdout
    pages = [[line for line in each.splitlines() if line.strip()] for each in text.rstrip("\f").split("\f")]
    assert len(pages) > 1 and min(len(lines) for lines in pages) > 3
