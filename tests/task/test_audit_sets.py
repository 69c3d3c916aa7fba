"""A set of pictures is read from folders, indexes, npz, zarr, HDF5 and stores, and refused where its label is drawn."""

import csv

import numpy as np
import pytest
from PIL import Image

from candlelab.core.errors import UserError
from candlelab.pipeline.audits.picture_sets import audit_set

COUNT = 160
rng = np.random.default_rng(0)
LABEL = rng.integers(0, 2, COUNT)
NOISE = rng.integers(0, 60, (COUNT, 24, 24, 3)).astype(np.uint8) + 190


def drawn():
    """Noise whose last columns say what the label is."""
    images = NOISE.copy()
    images[LABEL == 1, 4:8, -2:] = 0
    images[LABEL == 0, 16:20, -2:] = 0
    return images


def named(place, **more):
    return [each.name for each in audit_set(str(place), window=None, horizon=None, **more).leaks]


def test_subfolders_per_class_are_read(tmp_path):
    for k, image in enumerate(drawn()):
        folder = tmp_path / ("up" if LABEL[k] else "down")
        folder.mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / f"{k:04d}.png")
    assert "label readable from the last candle" in named(tmp_path)


def test_an_index_with_texts_is_read(tmp_path):
    with open(tmp_path / "index.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file_name", "label", "text"])
        for k, image in enumerate(NOISE):
            Image.fromarray(image).save(tmp_path / f"{k:04d}.png")
            rows.writerow([f"{k:04d}.png", LABEL[k], f"Candle: {'bullish' if LABEL[k] else 'bearish'}, Close: {k}.00"])
    assert named(tmp_path) == ["label readable from the text"]


def test_the_parts_and_times_of_an_index_are_audited(tmp_path):
    with open(tmp_path / "index.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label", "time", "split"])
        for k, image in enumerate(NOISE):
            Image.fromarray(image).save(tmp_path / f"{k:04d}.png")
            rows.writerow(
                [
                    f"{k:04d}.png",
                    LABEL[k],
                    f"2024-01-{1 + k // 24:02d}T{k % 24:02d}:00:00",
                    "test" if k % 4 == 0 else "train",
                ]
            )
    found = audit_set(str(tmp_path), window=10, horizon=1)
    assert {"windows overlap across parts", "parts not in the order of time"} <= {each.name for each in found.findings}


def test_an_honest_folder_is_not_accused(tmp_path):
    for k, image in enumerate(NOISE):
        folder = tmp_path / ("up" if LABEL[k] else "down")
        folder.mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / f"{k:04d}.bmp")
    assert named(tmp_path) == []


@pytest.mark.parametrize("scaled", [lambda x: x / 255, lambda x: x / 127.5 - 1, lambda x: (x - x.mean()) / x.std()])
def test_pictures_scaled_for_a_net_are_read(tmp_path, scaled):
    np.savez(tmp_path / "set.npz", images=scaled(drawn().astype(np.float32)), labels=LABEL)
    assert "label readable from the last candle" in named(tmp_path / "set.npz")


def test_an_npz_file_is_read(tmp_path):
    np.savez(tmp_path / "set.npz", X_train=drawn()[:120], y_train=LABEL[:120], X_test=drawn()[120:], y_test=LABEL[120:])
    assert "label readable from the last candle" in named(tmp_path / "set.npz")


def test_shares_of_one_channel_in_hdf5_are_read(tmp_path):
    import h5py

    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["images"], file["labels"] = drawn()[..., 0] / 255.0, LABEL
    assert "label readable from the last candle" in named(tmp_path / "set.h5")


def test_a_zarr_group_is_read(tmp_path):
    import zarr

    group = zarr.open_group(str(tmp_path / "set.zarr"), mode="w")
    for name, values in (("images", drawn()), ("labels", LABEL)):
        group.create_array(name, shape=values.shape, dtype=values.dtype)[:] = values
    assert "label readable from the last candle" in named(tmp_path / "set.zarr")


def test_a_file_without_labels_is_refused(tmp_path):
    np.savez(tmp_path / "set.npz", images=NOISE)
    with pytest.raises(UserError, match="it needs images and labels"):
        named(tmp_path / "set.npz")


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "set.npz", images=NOISE, labels=np.array([{}] * COUNT))
    with pytest.raises(UserError, match="cannot be read"):
        named(tmp_path / "set.npz")


def test_a_place_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="is missing"):
        named(tmp_path / "set.npz")
