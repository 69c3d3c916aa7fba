"""Machine code that draws straight from the tape writes the bytes that geometry and fill write."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import tiny
from render_cases import changed, chart, walk

from candlelab.render import style as styles

COLOURS = [[31, 119, 180], [255, 127, 14], [1, 2, 3], [4, 5, 6], [7, 8, 9]]
CASES = [
    ("candles", {"height": 300, "width": 224, "moving_averages": [1, 2, 3, 7, 20], "averages": COLOURS}),
    ("candles", {"height": 64, "width": 331, "body": 1.0, "volume": 0.9}),
    ("candles", {"moving_averages": [], "volume": 0.0, "width": 20, "height": 8}),
    ("candles_grey", {"moving_averages": [13], "averages": [[90]], "window": 1}),
    ("ohlc_bars", {"height": 700, "window": 33}),
    ("ohlc_bars", {"height": 2, "layout": "line_open_close", "window": 1}),
    ("jkx_i5", {"moving_average": 0}),
    ("jkx_i20", {"height": 600, "volume": 0.0, "moving_average": 37}),
    ("jkx_i20", {"window": 90, "height": 512}),
    ("gramian", {"size": 77, "fields": ["gadf", "gasf"]}),
]


@pytest.mark.parametrize(("style", "changes"), CASES)
def test_one_pass_writes_the_bytes_of_geometry_and_fill(style, changes, monkeypatch):
    renderer, tape, ends = chart(style, **changes), walk(400), np.arange(130, 400, 7)
    at_once = renderer.draw(tape, ends).copy()
    monkeypatch.setattr(type(renderer), "one_pass", lambda self, tape: None)
    assert at_once.any() and np.array_equal(at_once, renderer.draw(tape, ends))


@pytest.mark.parametrize("style", ["candles", "ohlc_bars", "jkx_i20", "gramian"])
def test_flat_windows_and_no_volume_are_drawn_alike(style, monkeypatch):
    tape, ends, renderer = walk(), np.array([150]), chart(style)
    flat = changed(tape, **{name: np.full(200, 3.7) for name in ("open", "high", "low", "close")}, volume=np.zeros(200))
    at_once = renderer.draw(flat, ends).copy()
    monkeypatch.setattr(type(renderer), "one_pass", lambda self, tape: None)
    assert np.array_equal(at_once, renderer.draw(flat, ends))


@pytest.mark.parametrize("style", ["candles", "ohlc_bars", "jkx_i20", "gramian"])
def test_bars_without_numbers_touch_no_other_picture(style):
    tape, renderer = walk(), chart(style)
    holes = changed(
        tape,
        **{
            name: np.where(np.arange(200) == 60, np.nan, getattr(tape, name))
            for name in vars(tape)
            if name != "missing"
        },
    )
    ends = np.array([55, 70, 150])
    assert np.array_equal(renderer.draw(holes, ends)[[0, 2]], renderer.draw(tape, ends)[[0, 2]])


@pytest.mark.parametrize("count", [2, 3, 11])
def test_threads_share_a_large_batch(count, monkeypatch):
    renderer, tape, ends = chart("jkx_i20"), walk(), np.arange(60, 190)
    alone = renderer.draw(tape, ends).copy()
    monkeypatch.setattr(styles, "ALONE", 0)
    monkeypatch.setattr(styles, "workers", lambda: count)
    assert np.array_equal(renderer.draw(tape, ends), alone)


def test_what_fails_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        styles.for_each(lambda k: 1 // (k - 7), range(9))


def test_a_single_chart_is_drawn_without_the_compiler():
    code = (
        "import sys; from render_cases import chart, walk; import numpy as np\n"
        "chart('candles').draw(walk(), np.array([99])); print('numba' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tiny.ROOT / "tests",
        env={**os.environ, "PYTHONPATH": str(tiny.ROOT)},
    )
    assert done.stdout.strip() == "False", done.stderr
