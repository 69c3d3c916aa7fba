"""Arrays of other people's files: NPZ, HDF5 and Zarr read whole, within a cap, nothing from outside the file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from candlelab.core.reading import LARGEST_ARRAYS, Unreadable, arrays_of, size_of

if TYPE_CHECKING:
    import h5py
    import numpy as np

SUFFIXES = (".npz", ".h5", ".hdf5", ".zarr")
CURE = "write arrays images and labels"


def all_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays at the top of an NPZ, HDF5 or Zarr file by name, whole.

    Raises Unreadable if it is missing or damaged, says that it holds more than 4 GB, or would read bytes of other files.
    """
    readers = {".npz": _of_npz, ".zarr": _of_zarr}
    if not path.exists():
        raise Unreadable(path, "is missing", CURE)
    try:
        return readers.get(path.suffix.lower(), _of_hdf5)(path)
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(path, f"cannot be read ({str(error)[:80]})", CURE) from None


def own_dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Return a dataset of an HDF5 file that lies in it. Raises Unreadable if the name is a link, or its numbers lie in other files.

    HDF5 can name any file of the machine as the place of a dataset's bytes, and takes them as they are.
    """
    import h5py

    data = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(data, h5py.Dataset) or data.external is not None or data.is_virtual:
        raise Unreadable(path, f"keeps '{name}' in other files, which are never opened", CURE)
    return data


def _of_npz(path: Path) -> dict[str, np.ndarray]:
    size_of(path, most=LARGEST_ARRAYS, cure=CURE)
    with zipfile.ZipFile(path) as pack:
        entries = [entry for entry in pack.infolist() if entry.filename.endswith(".npy")]
    _check_total(path, (entry.file_size for entry in entries))
    return arrays_of(path, *(entry.filename.removesuffix(".npy") for entry in entries), cure=CURE)


def _of_hdf5(path: Path) -> dict[str, np.ndarray]:
    import h5py
    import numpy as np

    with h5py.File(path, "r") as file:
        names = [name for name in file if not isinstance(_link(file, name), h5py.Group)]
        found = {name: own_dataset(file, name, path) for name in names}
        _check_total(path, (data.nbytes for data in found.values()))
        return {name: np.asarray(data) for name, data in found.items()}


def _link(file: Any, name: str) -> Any:
    """Return what a name of an HDF5 file stands for, the link itself where it leads elsewhere."""
    import h5py

    link = file.get(name, getlink=True)
    return file[name] if isinstance(link, h5py.HardLink) else link


def _of_zarr(path: Path) -> dict[str, np.ndarray]:
    import numpy as np
    import zarr

    group: Any = zarr.open_group(str(path), mode="r")
    found = {name: group[name] for name in group.array_keys()}
    _check_total(path, (array.nbytes for array in found.values()))
    return {name: np.asarray(array[:]) for name, array in found.items()}


def _check_total(path: Path, sizes: Iterable[int]) -> None:
    total = sum(sizes)
    if total > LARGEST_ARRAYS:
        raise Unreadable(
            path, f"says that it holds {total:,} bytes, more than {LARGEST_ARRAYS:,}", "cut it into several files"
        )
