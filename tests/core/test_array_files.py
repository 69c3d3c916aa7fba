"""Arrays of strangers' files: read whole within a cap, and nothing that lies in another file."""

import zipfile

import h5py
import numpy as np
import pytest
import zarr
from numpy.lib import format as npy

from candlelab.core.array_files import all_arrays
from candlelab.core.reading import Unreadable

LABELS = np.arange(6) % 2


def npz(path):
    np.savez(path, images=np.ones((6, 2, 2), np.uint8), labels=LABELS)


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["images"], file["labels"] = np.ones((6, 2, 2), np.uint8), LABELS
        file.create_group("notes")


def zarr_group(path):
    group = zarr.open_group(str(path), mode="w")
    group.create_array("images", data=np.ones((6, 2, 2), np.uint8))
    group.create_array("labels", data=LABELS)


@pytest.mark.parametrize(("name", "write"), [("a.npz", npz), ("a.h5", hdf5), ("a.zarr", zarr_group)])
def test_arrays_come_as_they_were_written(tmp_path, name, write):
    write(tmp_path / name)
    found = all_arrays(tmp_path / name)
    assert set(found) == {"images", "labels"} and found["labels"].tolist() == LABELS.tolist()


def npz_bomb(path):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack,
        pack.open("images.npy", "w", force_zip64=True) as file,
    ):
        npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (5 << 30,)})
        for _ in range(5 << 6):
            file.write(bytes(1 << 24))


def hdf5_bomb(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (10**6, 200, 200), "u1", chunks=(1, 200, 200), compression="gzip")


def zarr_bomb(path):
    zarr.open_group(str(path), mode="w").create_array(
        "images", shape=(10**6, 200, 200), chunks=(1, 200, 200), dtype="u1"
    )


@pytest.mark.parametrize(
    ("name", "write"),
    [pytest.param("a.npz", npz_bomb, marks=pytest.mark.slow), ("a.h5", hdf5_bomb), ("a.zarr", zarr_bomb)],
)
def test_a_small_file_of_many_gigabytes_is_never_unpacked(tmp_path, name, write):
    write(tmp_path / name)
    with pytest.raises(Unreadable, match=r"says that it holds .* bytes, more than"):
        all_arrays(tmp_path / name)


def outside(file, secret):
    file.create_dataset("images", shape=(4, 2, 2), dtype="u1", external=[(str(secret), 0, 16)])


def elsewhere(file, secret):
    file["images"] = h5py.ExternalLink(str(secret), "/images")


def virtual(file, secret):
    layout = h5py.VirtualLayout((6, 2, 2), "u1")
    layout[:] = h5py.VirtualSource(str(secret), "images", (6, 2, 2))
    file.create_virtual_dataset("images", layout)


@pytest.mark.parametrize("kind", [outside, elsewhere, virtual])
def test_bytes_of_other_files_are_never_read(tmp_path, kind):
    secret = tmp_path / "secret.h5"
    hdf5(secret)
    with h5py.File(tmp_path / "set.h5", "w") as file:
        kind(file, secret)
    with pytest.raises(Unreadable, match="keeps 'images' in other files"):
        all_arrays(tmp_path / "set.h5")


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
def test_noise_is_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(range(256)) * 9)
    with pytest.raises(Unreadable, match=r"cannot be read|is damaged"):
        all_arrays(tmp_path / name)
