"""Bars in mapped files: the same numbers as in memory, computed block by block."""

import mmap
import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from candlelab.config import build, compose
from candlelab.core import blocks as core_blocks
from candlelab.core import mapped
from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.mapped import Mapped
from candlelab.data import prepared
from candlelab.data.indicators import blockwise

MARKET = ("data=simulated", "data.symbols=[B,A,C]", "data.source.bars=300", "data.window=8")


def data_of(folder, *words, memory="mapped"):
    cfg = compose(*MARKET, *words, f"data.memory={memory}", f"data.scratch={folder}", "render.window=8")
    return build(cfg, "data", build(cfg, "render"))


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(core_blocks.blocks, "__defaults__", (300,))


def assert_same(one, two):
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(two, field.name)
        np.testing.assert_array_equal(mine, theirs, err_msg=field.name)


@pytest.mark.parametrize("words", [(), ("data.thin=0.3",), ("data.resample=4h",), ("data.interval=[1h,4h]",)])
def test_a_mapped_tape_is_the_tape_in_memory(tmp_path, words):
    assert_same(data_of(tmp_path, *words).tape, data_of(tmp_path, *words, memory="ram").tape)


@pytest.mark.parametrize("label", ["direction", "triple_barrier", "three_class", "body", "window_drift"])
def test_labels_of_blocks_are_those_of_the_whole(tmp_path, small_blocks, label):
    words = (f"data/label={label}", "data.thin=0.2")
    mapped, whole = data_of(tmp_path, *words), data_of(tmp_path, *words, memory="ram")
    assert_same(mapped.prepared.labels, whole.label(whole.tape, whole.window))


@pytest.mark.parametrize("words", [(), ("data.stride=7",), ("data.max_samples=100",), ("data.thin=0.2",)])
def test_windows_and_parts_of_blocks_are_those_of_the_whole(tmp_path, monkeypatch, words):
    whole = data_of(tmp_path, *words, memory="ram")
    _ = whole.prepared
    monkeypatch.setattr(core_blocks.blocks, "__defaults__", (300,))
    assert data_of(tmp_path, *words).fingerprint == whole.fingerprint


def test_scaled_indicators_of_blocks_are_those_of_the_whole(tmp_path, monkeypatch):
    whole = data_of(tmp_path, memory="ram").series
    monkeypatch.setattr(core_blocks.blocks, "__defaults__", (300,))
    mapped = data_of(tmp_path)
    np.testing.assert_array_equal(mapped.series, whole)


def test_a_scaling_of_many_rows_is_fitted_on_evenly_many(monkeypatch):
    monkeypatch.setattr(blockwise, "MOST_FITTED", 100)
    numbers = [(slice(0, 250), np.arange(250.0)[:, None]), (slice(250, 600), np.arange(250.0, 600)[:, None])]
    values = blockwise.training_values(numbers, np.r_[9:250, 259:600], 10)
    np.testing.assert_array_equal(values[:, 0], np.arange(0, 600, 6))


def test_a_batch_of_a_mapped_tape_is_that_of_memory(tmp_path):
    import torch

    reads = ("image", "series", "caption")
    one, two = (data_of(tmp_path, memory=m).having(reads=reads).assemble(torch.arange(20)) for m in ("mapped", "ram"))
    for name, value in one.items():
        assert torch.equal(value, two[name]), name


def test_blocks_are_whole_segments():
    segment = np.repeat([0, 1, 2, 3], [3, 4, 10, 2]).astype(np.int32)
    tape = Candles(("A",), ("1h",), *[segment] * 8)
    assert [(b.start, b.stop) for b in core_blocks.blocks(tape, 8)] == [(0, 7), (7, 17), (17, 19)]


def test_the_newest_rows_are_kept_across_blocks():
    time = np.array([1, 5, 9, 1, 5, 9, 3])
    newest = prepared._Newest(time, 3)
    for rows in ([0, 1, 2], [3, 4], [5, 6]):
        newest.append(np.array(rows))
    assert newest.whole().tolist() == [2, 4, 5]


def test_a_mapped_array_leaves_no_file(tmp_path):
    array = Mapped(tmp_path).empty((3, 2), np.float32)
    array[:] = 7
    column = Mapped(tmp_path).column(np.int64)
    column.append(np.arange(3))
    column.append(np.arange(2))
    assert column.whole().tolist() == [0, 1, 2, 0, 1] and array.sum() == 42 and not list(tmp_path.iterdir())


def test_symbols_that_the_exchange_writes_otherwise_are_one_sentence(tmp_path):
    from candlelab.data.tape import _gathered

    tape = data_of(tmp_path, memory="ram").tape
    parts = [tape.rows(rows) for rows in core_blocks.blocks(tape, 300)]
    with pytest.raises(UserError, match="as the exchange does"):
        _gathered(iter(parts), Mapped(tmp_path))


def memory_of(folder, symbols):
    """Most memory, in bytes, that preparing and scaling markets of 5,000 bars each takes."""
    names = ",".join(f"S{k:02d}" for k in range(symbols))
    data = data_of(folder, f"data.symbols=[{names}]", "data.source.bars=5000", "data.stride=100")
    tracemalloc.start()
    _ = data.prepared, data.fingerprint, data.series
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_symbols(tmp_path, monkeypatch):
    monkeypatch.setattr(core_blocks.blocks, "__defaults__", (5_000,))
    monkeypatch.setattr(blockwise, "MOST_FITTED", 5_000)
    few, many = memory_of(tmp_path, 2), memory_of(tmp_path, 12)
    assert many < 1.2 * few


def test_stretches_of_a_mapped_array_follow_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "STRETCH", 1 << 15)
    array = Mapped(tmp_path).empty((10_001,), np.int64)
    array[:] = np.arange(10_001)
    parts = list(mapped.stretches(array))
    assert len(parts) == 3 and np.concatenate(parts).tolist() == list(range(10_001))


def test_reading_ahead_asks_for_the_pages_of_the_stretch(tmp_path, monkeypatch):
    asked = []

    class Map(mmap.mmap):
        def madvise(self, advice, *where):
            asked.append((advice, *where))

    monkeypatch.setattr(mapped.mmap, "mmap", Map)
    array = Mapped(tmp_path).empty((3_000,), np.int64)
    mapped.read_ahead(array[1_000:2_000])
    assert asked == [(mmap.MADV_RANDOM,), (mmap.MADV_WILLNEED, 4096, 16_000 - 4096)]
