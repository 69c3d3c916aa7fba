"""The fills write the same bytes, whatever the windows hold."""

from __future__ import annotations

import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from render_cases import COLUMNS, changed, chart, walk

from candlelab.render.raster import choose_fill, cupy_fill
from candlelab.render.raster.torch_fill import paint as torch_paint
from candlelab.render.spans import Spans, canvas

DRAWN = ["candles", "candles_plain", "candles_grey", "ohlc_bars", "jkx_i5", "jkx_i20", "line"]
ARRAY = [*DRAWN, "gramian"]


@st.composite
def tapes(draw, rows: int = 60) -> SimpleNamespace:
    """Tapes on a grid of ticks: prices 1e-8 … 1e8, constant stretches, gaps, extreme volumes, missing bars."""
    tick = 10.0 ** draw(st.integers(-8, 4))
    step = draw(st.sampled_from([0, 1, 3, 50]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    close = (
        5_000
        + np.cumsum(rng.integers(-step, step + 1, rows))
        + draw(st.sampled_from([0, 4000])) * (np.arange(rows) > 30)
    )
    open_ = close + rng.integers(-step, step + 1, rows)
    high, low = (
        np.maximum(open_, close) + rng.integers(0, step + 1, rows),
        np.minimum(open_, close) - rng.integers(0, step + 1, rows),
    )
    volume = rng.random(rows) * 10.0 ** rng.integers(-300, 300) if draw(st.booleans()) else np.zeros(rows)
    missing = rng.random(rows) < draw(st.sampled_from([0.1, 0.9, 1.0])) if draw(st.booleans()) else None
    prices = [
        np.where(missing, np.nan, p * tick) if missing is not None else p * tick for p in (open_, high, low, close)
    ]
    return SimpleNamespace(**dict(zip(COLUMNS, [*prices, volume], strict=True)), missing=missing)


def as_torch(tape) -> SimpleNamespace:
    return SimpleNamespace(**{k: None if v is None else torch.from_numpy(v) for k, v in vars(tape).items()})


def windows(tape, ends, length: int) -> torch.Tensor:
    rows = ends[:, None] + np.arange(1 - length, 1)
    return torch.from_numpy(np.stack([getattr(tape, name)[rows] for name in COLUMNS], axis=-1))


@pytest.mark.parametrize("missing", ["adjacent", "blank"])
@pytest.mark.parametrize("style", ARRAY)
@given(tape=tapes())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_fills_return_identical_bytes(style, missing, tape):
    renderer, ends = chart(style, missing=missing), np.array([45, 59])
    images = renderer.draw(tape, ends)
    there = (
        None
        if tape.missing is None
        else windows(changed(tape, **dict.fromkeys(COLUMNS, ~tape.missing)), ends, renderer.window + renderer.warmup)[
            ..., 0
        ]
    )
    by_torch = renderer.draw_windows(windows(tape, ends, renderer.window + renderer.warmup), there)
    assert np.array_equal(images, by_torch.numpy())
    assert np.array_equal(images, renderer.draw(as_torch(tape), torch.from_numpy(ends)).numpy())


@pytest.mark.parametrize("style", ARRAY)
@given(tape=tapes(), factor=st.floats(1e-6, 1e6))
@settings(max_examples=25, deadline=None)
def test_rescaling_prices_or_volumes_changes_no_pixel(style, tape, factor):
    renderer, ends = chart(style), np.array([45, 59])
    prices = changed(tape, **{name: getattr(tape, name) * factor for name in COLUMNS[:4]})
    volumes = changed(tape, volume=tape.volume * 2.0**20)
    images = renderer.draw(tape, ends)
    assert np.array_equal(images, renderer.draw(prices, ends)) and np.array_equal(images, renderer.draw(volumes, ends))


@pytest.mark.parametrize("style", ARRAY)
@given(tape=tapes(), end=st.integers(45, 58))
@settings(max_examples=25, deadline=None)
def test_rewritten_future_and_dropped_past_change_no_pixel(style, tape, end):
    renderer = chart(style)
    first = end - renderer.window - renderer.warmup + 1
    other = changed(tape)
    for name in COLUMNS:
        getattr(other, name)[end + 1 :], getattr(other, name)[:first] = 1e12, np.nan
    assert np.array_equal(renderer.draw(tape, np.array([end])), renderer.draw(other, np.array([end])))
    short = SimpleNamespace(**{k: None if v is None else v[first:] for k, v in vars(tape).items()})
    assert np.array_equal(renderer.draw(tape, np.array([end])), renderer.draw(short, np.array([end - first])))


def test_a_later_layer_covers_an_earlier_one_and_shows_it_again_where_it_ends():
    board = canvas(6, 2, [(np.array([0]), 2), (np.array([1]), 1)], [[0], [7], [9]])
    spans = Spans(np.array([[1, 2]], np.int32), np.array([[4, 3]], np.int32), np.array([[1, 2]], np.uint8))
    from candlelab.render.raster import numba_fill

    images = np.empty((1, 1, 6, 2), np.uint8)
    numba_fill.paint(spans, board, images)
    assert images[0, 0].T.tolist() == [[0, 7, 7, 7, 7, 0], [0, 7, 9, 9, 7, 0]]
    assert torch.equal(torch_paint(Spans(*map(torch.from_numpy, spans)), board), torch.from_numpy(images))


@pytest.mark.parametrize("fill", ["torch", "numpy"])
@pytest.mark.parametrize("style", DRAWN)
def test_the_fill_setting_changes_no_byte(style, fill):
    ends = np.arange(60, 200, 9)
    assert np.array_equal(chart(style, fill="numba").draw(walk(), ends), chart(style, fill=fill).draw(walk(), ends))


def test_cupy_without_a_gpu_falls_back_to_numba():
    assert choose_fill("cupy", np.zeros(1)) == "numba" and choose_fill("auto", torch.zeros(1)) == "numba"


def test_the_cupy_kernel_compiles(tmp_path):
    if not shutil.which("nvcc"):
        pytest.skip("nvcc is not installed: the CUDA source cannot be compiled here")
    (tmp_path / "paint.cu").write_text(cupy_fill.SOURCE)
    done = subprocess.run(
        ["nvcc", "-ptx", "-arch=sm_80", "-o", tmp_path / "paint.ptx", tmp_path / "paint.cu"], capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU: the fills of the GPU cannot run here")
@pytest.mark.parametrize("style", ARRAY)
def test_a_gpu_draws_the_same_bytes(style):
    ends = np.arange(60, 200, 9)
    tape = SimpleNamespace(**{name: torch.from_numpy(getattr(walk(), name)).cuda() for name in COLUMNS})
    on_gpu = chart(style).draw(tape, torch.from_numpy(ends).cuda())
    assert on_gpu.is_cuda and np.array_equal(on_gpu.cpu().numpy(), chart(style).draw(walk(), ends))


def test_memory_in_use_is_never_drawn_over():
    renderer, tape = chart("candles", height=224, width=224), walk()
    first = renderer.draw(tape, np.arange(60, 100))
    view, copy = first[3:], first[3:].copy()
    del first
    for start in (70, 80, 90):
        renderer.draw(tape, np.arange(start, start + 40))
    assert np.array_equal(view, copy)
