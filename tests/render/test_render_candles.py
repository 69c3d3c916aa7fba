"""Candlesticks: pixels, and what must not move them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from render_cases import COLUMNS, changed, chart, walk

ENDS = np.arange(60, 200, 7)
GOLDEN = "f1c9ba1e118ede9131a73d0eecf29f146657356bc5373986a7943d784c8be908"


def test_candles_draw_the_golden_pixels():
    images = chart("candles", height=224, width=224, window=30).draw(walk(), ENDS)
    assert images.shape == (20, 3, 224, 224) and images.dtype == np.uint8
    assert hashlib.sha256(images.tobytes()).hexdigest() == GOLDEN


def test_highest_high_touches_the_first_row_and_lowest_low_the_last_of_the_panel():
    image = chart("candles", moving_averages=[], volume=0.0).draw(walk(), ENDS)
    inked = (image != 255).any(axis=(1, 3))
    assert inked[:, 0].all() and inked[:, -1].all()


def test_an_up_bar_is_painted_in_the_up_colour_from_open_to_close():
    tape = changed(
        walk(4),
        open=np.array([1.0]),
        high=np.array([4.0]),
        low=np.array([0.5]),
        close=np.array([3.0]),
        volume=np.array([1.0]),
    )
    renderer = chart("candles", window=1, height=8, width=8, moving_averages=[], averages=[], volume=0.0)
    column = renderer.draw(tape, np.array([0]))[0, :, :, 3].T.tolist()
    up, wick = [38, 166, 91], [64, 64, 64]
    assert column == [wick, wick, up, up, up, up, up, wick]  # rows 7 · (4, 3, 1, 0.5) above the bottom, / 3.5


def test_a_doji_is_a_line_of_one_row():
    tape = changed(
        walk(4),
        open=np.array([2.0]),
        high=np.array([3.0]),
        low=np.array([1.0]),
        close=np.array([2.0]),
        volume=np.array([1.0]),
    )
    renderer = chart("candles", window=1, height=9, width=8, moving_averages=[], averages=[], volume=0.0)
    body = (renderer.draw(tape, np.array([0]))[0].transpose(1, 2, 0) == [38, 166, 91]).all(axis=-1)
    assert body.any(axis=1).nonzero()[0].tolist() == [4]


@pytest.mark.parametrize("factor", [3.7, 1e-8, 1e6 / 3])
def test_multiplying_prices_changes_no_pixel(factor):
    tape, renderer = walk(), chart("candles")
    scaled = changed(tape, **{name: getattr(tape, name) * factor for name in COLUMNS[:4]})
    assert np.array_equal(renderer.draw(tape, ENDS), renderer.draw(scaled, ENDS))


def test_rewriting_the_future_or_dropping_the_distant_past_changes_no_pixel():
    tape, renderer = walk(), chart("candles")
    first = 100 - renderer.window - renderer.warmup + 1
    poisoned = changed(
        tape, **{n: np.r_[np.full(first, np.nan), getattr(tape, n)[first:101], np.full(99, 1e9)] for n in COLUMNS}
    )
    assert np.array_equal(renderer.draw(tape, np.array([100])), renderer.draw(poisoned, np.array([100])))


@pytest.mark.parametrize("price", [1e-8, 0.1, 1e8])
def test_a_flat_window_lies_on_the_middle_row(price):
    flat = np.full(60, price)
    tape = changed(walk(60), open=flat, high=flat, low=flat, close=flat, volume=np.zeros(60))
    image = chart("candles", volume=0.0).draw(tape, np.array([50]))[0]
    assert (image != 255).any(axis=(0, 2)).nonzero()[0].tolist() == [32]


def test_a_window_over_the_edge_of_the_tape_is_refused():
    with pytest.raises(ValueError, match="rows -5 to 19"):
        chart("candles").draw(walk(), np.array([19]))
