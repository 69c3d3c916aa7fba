"""Every style draws the pixels that docs/methods.md, section 2 describes, and the same ones in every release."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from render_cases import COLUMNS, changed, chart, walk

from candlelab.render.polyline import Polyline

STYLES = ["candles", "candles_plain", "candles_grey", "ohlc_bars", "jkx_i5", "jkx_i20", "jkx_i60", "line", "gramian"]
GOLDEN = {
    "candles": "92a2c1a21fa1f6047c7079ad035dd6e078bec5716444e2e6984ef5f2865ab256",
    "candles_plain": "77d77e2f28f8739892decbc413910e818a5467330713e425cca4e662e200f1df",
    "candles_grey": "8f698ce5cc53f31a75d8219611ba3b744b1a78d7963ca592bb0310332529e4b1",
    "ohlc_bars": "f73812d1bc293cfbe847bc40648f3687e05efcd1113561e815b405bd34b67728",
    "jkx_i5": "fb8ab26d5cd4b18392eb1bc7cbd307b413c4346fd13f242d691cbceef69b7660",
    "jkx_i20": "e2bda0b352e01b6dc3c666cd2c20176f9b28addbeb01f571e1e7d63a5af05451",
    "jkx_i60": "727bc8ff021e2d24afa34724f98b5f54709467c48ee057dcf5b96fcf5ec13301",
    "line": "15ded61415af702654437b142ba972e5e10ec3370dec9687115dc22d7435d119",
    "gramian": "b1c458ce2b820c519a203b866760a0f80f7a537f3038442f3ed8c740832cc04e",
}
STYLED = "10a25590ec73260c848729a94c8f827a0ca3a94de5b5aa060b57772d212b9825"
FIVE_BARS = SimpleNamespace(
    open=np.array([1.00, 1.00, 1.02, 1.03, 1.01]),
    high=np.array([1.02, 1.03, 1.04, 1.04, 1.03]),
    low=np.array([0.99, 1.00, 1.01, 1.00, 0.98]),
    close=np.array([1.00, 1.02, 1.03, 1.01, 1.02]),
    volume=np.array([10.0, 20, 5, 40, 30]),
    missing=None,
)


def picture(renderer, tape, end: int) -> np.ndarray:
    return renderer.draw(tape, np.array([end]))[0]


def flat(price: float, rows: int = 200) -> SimpleNamespace:
    prices = {name: np.full(rows, price) for name in COLUMNS[:4]}
    return SimpleNamespace(**prices, volume=np.zeros(rows), missing=None)


@pytest.mark.parametrize("style", STYLES)
def test_a_style_draws_its_golden_pixels(style):
    images = chart(style).draw(walk(300), np.arange(150, 300, 7))
    assert hashlib.sha256(repr(images.shape).encode() + images.tobytes()).hexdigest() == GOLDEN[style]


def test_jkx_draws_the_golden_image_of_methods_2_1():
    image = picture(chart("jkx_i5", moving_average=0), FIVE_BARS, 4)
    assert image.shape == (1, 32, 15) and (image == 255).sum() == 103
    assert (image[0] == 255).sum(axis=0).tolist() == [1, 15, 1, 1, 16, 1, 1, 14, 1, 1, 23, 1, 1, 25, 1]
    assert (
        hashlib.sha256(image.tobytes()).hexdigest()
        == "0eee9f987e2487fc6371c688b52d3fff36ae7c215ceab6bbc1da34166a3dbfe9"
    )


def test_jkx_prices_touch_the_top_and_the_bottom_row_of_their_panel():
    images = chart("jkx_i20").draw(walk(), np.arange(60, 200, 7))
    assert (images[:, 0, 0] == 255).any(axis=1).all() and (images[:, 0, 50] == 255).any(axis=1).all()


@pytest.mark.parametrize("seed", range(40))
def test_the_average_is_the_line_that_pil_draws(seed):
    rng = np.random.default_rng(seed)
    points, rows = np.cumsum(rng.integers(1, 9, 6)), rng.integers(0, 90, 6)
    image = Image.new("L", (int(points[-1]) + 2, 90))
    ImageDraw.Draw(image).line(list(zip(points.tolist(), rows.tolist(), strict=True)), fill=255, width=1)
    line = Polyline(points)
    drawn = np.zeros((90, image.width), np.uint8)
    for column, top, bottom in zip(
        line.columns, *(run[0] for run in line.runs(rows[None].astype(np.int32))), strict=True
    ):
        drawn[top : bottom + 1, column] = 255
    assert np.array_equal(drawn, np.asarray(image))


@pytest.mark.parametrize(("layout", "order"), [("open_line_close", [0, 1, 2]), ("line_open_close", [1, 0, 2])])
def test_ohlc_bars_put_dots_and_line_into_their_columns(layout, order):
    # one bar, 11 rows: range 10, so high 20 is row 0, low 10 row 10, open 13.05 row trunc(6.95) = 6, close 18 row 2
    tape = changed(
        FIVE_BARS,
        open=np.array([13.05]),
        high=np.array([20.0]),
        low=np.array([10.0]),
        close=np.array([18.0]),
        volume=np.array([0.0]),
    )
    image = picture(chart("ohlc_bars", window=1, height=11, layout=layout), tape, 0)[0]
    inked = [np.flatnonzero(image[:, column] == 0).tolist() for column in range(4)]
    assert [inked[k] for k in order] == [[6], list(range(11)), [2]] and inked[3] == []


def test_ohlc_bars_agree_with_the_formula_on_every_row():
    tape, end, height = walk(), 150, 500
    image = picture(chart("ohlc_bars", window=100), tape, end)[0]
    rows = slice(end - 99, end + 1)
    top, bottom = tape.high[rows].max(), tape.low[rows].min()
    for column, price in ((0, tape.open), (2, tape.close)):
        expected = np.trunc(np.round((top - price[rows]) * (height - 1) / (top - bottom), 6))
        assert np.array_equal(np.argmin(image[:, column::4], axis=0), expected)


def test_a_line_of_thickness_three_has_three_rows_where_it_is_level():
    image = picture(chart("line", window=10, height=20, width=20, thickness=3), flat(5.0), 50)[0]
    assert ((image == 0).sum(axis=0) == 3).all()


def test_gramian_field_of_three_prices_is_the_worked_example():
    tape = changed(
        flat(1.0, 3), close=np.array([100.0, 105, 110]), low=np.array([100.0] * 3), high=np.array([110.0] * 3)
    )
    field = [[-1, -0.866025, 0], [-0.866025, -0.5, 0.5], [0, 0.5, 1]]
    image = picture(chart("gramian", window=3, size=3), tape, 2)[0]
    assert np.array_equal(image, np.round((np.array(field) + 1) * 127.5))


def test_gramian_tells_a_path_from_its_mirror_image():
    close = np.array([100.0, 101, 103, 104, 108])
    tape = changed(flat(1.0, 5), close=close, low=np.full(5, 100.0), high=np.full(5, 108.0))
    mirror = changed(tape, close=208 - close)
    renderer = chart("gramian", window=5, size=5)
    assert np.abs(picture(renderer, tape, 4).astype(int) - picture(renderer, mirror, 4)).max() == 255  # 2.0 of -1 … 1


@pytest.mark.parametrize("style", [*STYLES, "styled"])
@pytest.mark.parametrize("price", [1e-8, 1.0, 1e8])
def test_flat_windows_without_volume_draw_something(style, price):
    image = picture(chart(style), flat(price), 150)
    assert style == "gramian" or 0 < (image != image[:, :1, :1]).sum() < image.size


@pytest.mark.parametrize("style", [*STYLES, "styled"])
def test_a_window_of_one_bar_or_one_tick_draws(style):
    tick = changed(flat(1.0), high=np.full(200, 1.01))
    size = {"window": 1} if "jkx" not in style else {"window": 1, "moving_average": 1}
    assert picture(chart(style, **size), walk(), 150).any() and picture(chart(style), tick, 150).any()


@pytest.mark.parametrize("style", STYLES)
def test_a_window_whose_bars_are_all_missing_is_paper(style):
    tape = changed(walk(), missing=np.ones(200, bool))
    image = picture(chart(style), tape, 150)
    assert (image == image[:, :1, :1]).all()


def test_missing_bars_stand_side_by_side_or_leave_gaps():
    tape = changed(walk(), missing=np.arange(200) % 2 == 1)
    inked = {}
    for setting in ("adjacent", "blank"):
        image = picture(chart("ohlc_bars", missing=setting), tape, 150)[0]
        inked[setting] = (image.reshape(500, 20, 4) == 0).any(axis=(0, 2))
    assert inked["adjacent"].tolist() == [False] * 10 + [True] * 10
    assert inked["blank"].tolist() == [False, True] * 10


def test_styled_draws_its_golden_pixels():
    recipe = chart("styled").recipe()
    if (recipe["matplotlib"], recipe["mplfinance"]) != ("3.11.2", "0.12.10b0"):
        pytest.skip("the golden pixels of render=styled are those of matplotlib 3.11.2 with mplfinance 0.12.10b0")
    image = picture(chart("styled"), walk(), 150)
    assert hashlib.sha256(image.tobytes()).hexdigest() == STYLED


def test_styled_pictures_do_not_depend_on_the_unit_of_price():
    tape = walk()
    other = changed(tape, **{name: getattr(tape, name) * 3.7 for name in COLUMNS})
    assert np.array_equal(picture(chart("styled"), tape, 150), picture(chart("styled"), other, 150))


@pytest.mark.parametrize("style", ["jkx_i20", pytest.param("candles", marks=pytest.mark.slow)])
def test_drawing_can_be_exported_as_a_graph(style):
    renderer, ends = chart(style), np.arange(100, 110)
    rows = ends[:, None] + np.arange(1 - renderer.window - renderer.warmup, 1)
    windows = torch.from_numpy(np.stack([getattr(walk(), name)[rows] for name in COLUMNS], axis=-1))

    class Draw(torch.nn.Module):
        def forward(self, ohlcv):
            return renderer.draw_windows(ohlcv)

    graph = torch.export.export(Draw(), (windows[:3],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    assert np.array_equal(graph.module()(windows).numpy(), renderer.draw(walk(), ends))


@pytest.mark.parametrize(
    ("style", "changes", "words"),
    [
        ("candles", {"width": 10}, "columns"),
        ("candles", {"width": 10**9}, "1,000,000,000 pixels"),
        ("styled", {"height": 0}, "height is 0 pixels"),
        ("candles", {"body": 0.0}, "body"),
        ("candles", {"averages": []}, "colours"),
        ("candles", {"paper": [255]}, "agree"),
        ("candles", {"moving_averages": [0]}, "moving_averages"),
        ("ohlc_bars", {"height": 1}, "height"),
        ("ohlc_bars", {"window": 0}, "window"),
        ("jkx_i5", {"volume": 1.0}, "volume"),
        ("line", {"thickness": 6}, "thickness"),
        ("line", {"ink": [0, 0, 0]}, "agree"),
        ("gramian", {"size": 5}, "size"),
        ("styled", {"look": "nope"}, "look"),
    ],
)
def test_settings_out_of_range_are_refused_in_one_sentence(style, changes, words):
    with pytest.raises(ValueError, match=words):
        chart(style, **changes)


@pytest.mark.parametrize("count", [1, 8, 64])
def test_a_small_batch_is_drawn_in_one_piece(monkeypatch, count):
    monkeypatch.setattr("candlelab.render.style.workers", lambda: 2)
    assert chart("jkx_i20")._piece(count) == count
