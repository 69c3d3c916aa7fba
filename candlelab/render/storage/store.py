"""Reading a store: nothing comes out that was not put in."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.contracts import Renderer
from candlelab.core.errors import UserError
from candlelab.core.reading import json_of
from candlelab.render.bars import COLUMNS
from candlelab.render.memory import pictures as memory
from candlelab.render.storage.beside import SEQUENCES
from candlelab.render.storage.storage import Pictures, Storage, StorePart, check_checksum
from candlelab.render.style import for_each

MANIFEST, INDEX, PLAN = "manifest.json", "index.parquet", "plan.json"
HOME = "candlelab.render.storage."
FORMAT = 2


class Store:
    """Pictures on disk, read by number: store[i] (C, H, W), store[a:b] and store[[…]] (B, C, H, W), uint8.

    Each file is compared with its checksum before its first pictures are given out.
    Raises UserError where a file is missing or damaged.
    """

    manifest: dict[str, Any]

    path: Path

    def __init__(self, path: Path, manifest: dict[str, Any]):
        self.path, self.manifest = path, manifest
        self.pictures: Pictures = Pictures(tuple(manifest["shape"]), manifest["levels"] and tuple(manifest["levels"]))
        self.parts: list[StorePart] = [
            StorePart(part["path"], part["first"], part["count"]) for part in manifest["parts"]
        ]
        self._sums = [part["sums"] for part in manifest["parts"]]
        self._storage = _storage(manifest["storage"])
        self._firsts = np.array([part.first for part in self.parts], np.int64)
        self._seen: set[str] = set()

    def __len__(self) -> int:
        return self.manifest["count"]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a picture."""
        return self.pictures.shape

    @property
    def recipe(self) -> dict[str, Any]:
        """The style and settings that drew the pictures."""
        return self.manifest["recipe"]

    @cached_property
    def index(self):
        """What is stored beside the pictures, a pandas DataFrame with one row per picture: row, time, label, …"""
        import pandas as pd

        check_checksum(self.path / INDEX, self.manifest["index"])
        return pd.read_parquet(self.path / INDEX)

    def __getitem__(self, which: int | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        if isinstance(which, slice):
            return self.read(np.arange(*which.indices(len(self))))
        if np.ndim(which) == 0:
            return self.read(np.array([which]))[0]
        which = np.asarray(which)
        if which.dtype == bool and which.shape != (len(self),):
            raise IndexError(
                f"the mask has the shape {which.shape}, and the store {self.path} has {len(self)} pictures"
            )
        return self.read(np.flatnonzero(which) if which.dtype == bool else which)

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Return the pictures with these numbers, in this order; negative numbers count from the end."""
        numbers = self._inside(numbers)
        order = np.argsort(numbers, kind="stable")
        owners = np.searchsorted(self._firsts, numbers[order], side="right") - 1
        pieces = [(k, order[owners == k]) for k in np.unique(owners)]
        for_each(lambda piece: self._check(piece[0], numbers[piece[1]]), pieces)
        if len(pieces) == 1 and np.array_equal(order, np.arange(len(order))):
            return self._of_part(pieces[0][0], numbers)
        images = memory((len(numbers), *self.shape))
        for part, places in pieces:
            images[places] = self._of_part(part, numbers[places])
        return images

    def _check(self, k: int, numbers: np.ndarray) -> None:
        part = self.parts[k]
        self._storage.check(self.path, part, numbers - part.first, self._sums[k], self._seen)

    def _of_part(self, k: int, numbers: np.ndarray) -> np.ndarray:
        part = self.parts[k]
        return self._storage.read(self.path, part, numbers - part.first, self.pictures)

    def sequences(self, numbers: np.ndarray) -> np.ndarray:
        """Return open, high, low, close and volume of the bars behind pictures, (n, T, 5) float64, in the order of the numbers.

        Raises UserError for a kind of store that keeps pictures only, IndexError for a number that is not there.
        """
        numbers = self._inside(numbers)
        owners = np.searchsorted(self._firsts, numbers, side="right") - 1
        found: np.ndarray | None = None
        for k in np.unique(owners):
            places, part = np.flatnonzero(owners == k), self.parts[k]
            self._check(k, numbers[places])
            some = self._storage.read_beside(self.path, part, numbers[places] - part.first, SEQUENCES)
            found = np.empty((len(numbers), *some.shape[1:])) if found is None else found
            found[places] = some
        return np.empty((0, 0, 5)) if found is None else found

    def _inside(self, numbers: np.ndarray) -> np.ndarray:
        """Return picture numbers from 0 on; negative ones count from the end. Raises IndexError."""
        numbers = np.asarray(numbers)
        if len(numbers) and not np.issubdtype(numbers.dtype, np.integer):
            raise IndexError(f"pictures are asked for by whole numbers, not {numbers.dtype}")
        numbers = numbers.astype(np.int64)
        if len(numbers) and not -len(self) <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(
                f"picture {numbers.max()} was asked for, but the store {self.path} has {len(self)} pictures"
            )
        return numbers % max(len(self), 1)

    def verify(self) -> None:
        """Compare every file with its checksum. Raises UserError at the first that is missing or damaged."""
        for name, expected in {INDEX: self.manifest["index"], **self.manifest["others"]}.items():
            check_checksum(self.path / name, expected)
        for part, sums in zip(self.parts, self._sums, strict=True):
            self._storage.check(self.path, part, np.arange(part.count), sums, set())

    def describe(self) -> dict[str, Any]:
        """Return one row for an inventory; reads every file."""
        try:
            self.verify()
            state = "intact"
        except (ValueError, OSError) as error:
            state = str(error)
        size = sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())
        return {
            "path": str(self.path),
            "kind": self.manifest["storage"]["kind"],
            "pictures": len(self),
            "shape": "×".join(map(str, self.shape)),
            "style": self.recipe["style"].rsplit(".", 1)[-1],
            "megabytes": round(size / 1e6, 3),
            "duplicates": self.manifest["duplicates"],
            "state": state,
        }


class Stored:
    """A renderer whose pictures come from a store: what training from a store draws with.

    renderer  the live renderer of the same recipe.
    Raises UserError if the store was drawn by another recipe.
    """

    two_colours: bool
    storage: Any

    store: Store
    renderer: Renderer
    window: int
    warmup: int
    shape: tuple[int, int, int]

    def __init__(self, store: Store, renderer: Renderer):
        if json.loads(json.dumps(renderer.recipe())) != store.recipe:
            different = [k for k, v in renderer.recipe().items() if json.loads(json.dumps(v)) != store.recipe.get(k)]
            raise UserError(
                f"the store {store.path} was drawn with another {', '.join(different) or 'recipe'}: "
                "build one for this render config, or use render/storage=live"
            )
        self.store, self.renderer = store, renderer
        self.window, self.warmup, self.shape = renderer.window, renderer.warmup, renderer.shape
        self.two_colours, self.storage = renderer.two_colours, renderer.storage
        self._checked: Candles | None = None
        rows = store.index["row"].to_numpy()
        self._number = dict(zip(rows.tolist(), range(len(rows)), strict=True))

    def recipe(self) -> dict[str, Any]:
        """Return the recipe of the pictures."""
        return self.renderer.recipe()

    def draw(self, candles: Candles, ends: np.ndarray) -> np.ndarray:
        """Return the stored pictures of the windows that end at these rows, as the kind of array `ends` is.

        Raises UserError if the tape is not the one that was drawn, or a window is not in the store.
        """
        from array_api_compat import is_torch_array

        if is_torch_array(ends):
            import torch

            return torch.from_numpy(self.draw(candles, ends.cpu().numpy())).to(ends.device)
        if self._checked is not candles:
            if tape_sum(candles) != self.store.manifest["tape"]:
                raise UserError(f"the store {self.store.path} was drawn from other bars: build one from this data")
            self._checked = candles
        try:
            numbers = np.array([self._number[int(end)] for end in ends], np.int64)
        except KeyError as error:
            raise UserError(
                f"the store {self.store.path} has no picture of the window that ends at row {error}: "
                "build it with all windows"
            ) from None
        return self.store.read(numbers)


def open_store(path: Path | str) -> Store:
    """Return the store at a path. Raises UserError if there is none or it is unfinished."""
    path = Path(path)
    file = path / MANIFEST
    if not file.is_file():
        if (unfinished(path) / PLAN).is_file():
            raise UserError(f"the store {path} is unfinished: run the same task=render again to finish it")
        raise UserError(f"there is no store at {path}: it has no {MANIFEST}; build one with task=render")
    manifest = json_of(file, {"store": {"format": int}, "seal": str}, cure="build the store again")
    body, seal = manifest["store"], manifest["seal"]
    if seal != seal_of(body):
        raise UserError(f"{file} is damaged, it does not match its own checksum: build the store again")
    if body["format"] != FORMAT:
        raise UserError(f"{file} has format {body['format']}, this candlelab reads {FORMAT}: build the store again")
    _same_size(path, body)
    return Store(path, body)


def describe_store(path: Path | str) -> dict[str, Any]:
    """Return one inventory row for a store, finished or not; never raises for a broken one."""
    try:
        return open_store(path).describe()
    except ValueError as error:
        return {
            "path": str(path),
            "kind": "?",
            "pictures": 0,
            "shape": "?",
            "style": "?",
            "megabytes": 0.0,
            "duplicates": {},
            "state": str(error),
        }


def is_store(path: Path | str) -> bool:
    """Return whether there is a store, finished or not, at this path."""
    return (Path(path) / MANIFEST).is_file() or (unfinished(Path(path)) / PLAN).is_file()


def find_stores(folder: Path | str) -> list[Path]:
    """Return the paths of all stores, finished or not, directly inside a folder."""
    inside = [path.name for path in Path(folder).glob("*") if path.is_dir()]
    names = {
        name.removeprefix(".").removesuffix(".unfinished") if name.endswith(".unfinished") else name for name in inside
    }
    return [Path(folder) / name for name in sorted(names) if is_store(Path(folder) / name)]


def unfinished(path: Path) -> Path:
    """Return where the store of a path is built."""
    return path.with_name(f".{path.name}.unfinished")


def seal_of(body: dict[str, Any]) -> str:
    """Return the SHA-256 of a manifest's content."""
    import hashlib

    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def tape_sum(candles: Candles) -> str:
    """Return a SHA-256 of all that drawing can see of a tape."""
    import hashlib

    total = hashlib.sha256()
    for name in (*COLUMNS, "missing"):
        column = getattr(candles, name, None)
        if column is not None:
            column = column.detach().cpu().numpy() if hasattr(column, "detach") else column
            total.update(np.ascontiguousarray(column, bool if name == "missing" else np.float64).data)
    return total.hexdigest()


def _same_size(path: Path, body: dict[str, Any]) -> None:
    """Raise ValueError if a file is missing or has another size: quick, so it is done at every opening."""
    for name, size in body["sizes"].items():
        file = path / name
        if not file.is_file():
            raise UserError(f"{file} is missing: the store is broken, build it again")
        if file.stat().st_size != size:
            raise UserError(
                f"{file} has {file.stat().st_size} bytes instead of {size}: the store is broken, build it again"
            )


def _storage(settings: dict[str, Any]) -> Storage:
    """Return the storage that a manifest names; only classes of this package are built."""
    module, name = settings["module"], settings["class"]
    if not module.startswith(HOME) or not module.removeprefix(HOME).isidentifier():
        raise UserError(f"the store names '{module}', which is no part of {HOME[:-1]}: do not use it")
    kind = getattr(importlib.import_module(module), name)
    if not issubclass(kind, Storage):
        raise UserError(f"the store names '{name}', which is no storage: do not use it")
    return kind(path=None, max_images=None, **settings["settings"])
