"""HDF5, NPZ and Zarr stores hold what was drawn from: bars, labels, times and the recipe, for readers that know nothing of us."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import zarr
from render_cases import chart, walk
from test_store import BATCH, BESIDE, ENDS, KINDS, SMALL, build

import candlelab

WINDOW = chart("ohlc_bars", height=64).window


def bars(ends):
    rows = ends[:, None] + np.arange(1 - WINDOW, 1)
    return np.stack([getattr(walk(), name)[rows] for name in ("open", "high", "low", "close", "volume")], -1)


@pytest.mark.parametrize(("kind", "changes"), [k for k in KINDS if k[0] != "png"], ids=str)
def test_a_store_gives_the_bars_of_its_windows(tmp_path, kind, changes):
    store, asked = build(tmp_path / "store", kind=kind, **changes), np.array([3, 139, 3, -1, 64])
    assert np.array_equal(store.sequences(asked), bars(ENDS)[asked])


def test_an_hdf5_file_holds_all_under_its_own_names(tmp_path):
    build(tmp_path / "store", kind="hdf5", **SMALL["hdf5"])
    with h5py.File(tmp_path / "store" / "images.h5") as file:
        assert np.array_equal(file["sequences"], bars(ENDS)) and np.array_equal(file["label"], BESIDE["label"])
        assert np.array_equal(file["row"], ENDS) and len(file["images"]) == len(ENDS)
        assert json.loads(file.attrs["recipe"])["style"].endswith("OhlcBars") and file.attrs[
            "sequences_columns"
        ].startswith("open high")


def test_each_of_several_files_holds_its_own_rows(tmp_path):
    build(tmp_path / "store", kind="hdf5", **BATCH["hdf5"])
    with h5py.File(tmp_path / "store" / "images_0001.h5") as file:
        assert np.array_equal(file["row"], ENDS[30:60]) and np.array_equal(file["sequences"], bars(ENDS[30:60]))


def test_an_npz_file_holds_all_under_its_own_names(tmp_path):
    build(tmp_path / "store", kind="npz", **BATCH["npz"])
    with np.load(tmp_path / "store" / "images.npz", allow_pickle=False) as file:
        assert np.array_equal(file["sequences"], bars(ENDS)) and np.array_equal(file["label"], BESIDE["label"])
        assert json.loads(str(file["recipe"]))["style"].endswith("OhlcBars")


def test_a_zarr_store_is_a_group_of_arrays(tmp_path):
    build(tmp_path / "store", kind="zarr", **SMALL["zarr"])
    group = zarr.open_group(tmp_path / "store", mode="r")
    assert np.array_equal(group["sequences"][:], bars(ENDS)) and np.array_equal(group["label"][:], BESIDE["label"])
    assert json.loads(group.attrs["recipe"])["style"].endswith("OhlcBars") and group["images"].shape[0] == len(ENDS)


def test_a_folder_of_pictures_says_that_it_has_no_bars(tmp_path):
    with pytest.raises(ValueError, match="keeps pictures only: choose render/storage=hdf5, npz or zarr"):
        build(tmp_path / "store", kind="png", **SMALL["png"]).sequences(np.array([0]))


def test_bars_that_are_not_there_are_an_index_error(tmp_path):
    with pytest.raises(IndexError, match="has 140 pictures"):
        build(tmp_path / "store", kind="hdf5").sequences(np.array([140]))


@pytest.fixture
def frame():
    close = 100 + np.cumsum(np.random.default_rng(0).normal(size=200))
    return pd.DataFrame(
        {
            "open_time": np.arange(200) * 3_600_000 + 1_704_067_200_000,
            "open": close,
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": 1.0,
        }
    )


def test_a_table_becomes_a_store_in_one_line(frame, tmp_path):
    store = candlelab.store(frame, tmp_path / "charts", window=20, render="ohlc_bars", storage="npz")
    assert len(store) == len(candlelab.open_store(tmp_path / "charts")) == 180
    assert np.array_equal(store.sequences(np.array([0]))[0, :, 3], frame.close[:20]) and set(store.index.label) <= {
        0,
        1,
    }
