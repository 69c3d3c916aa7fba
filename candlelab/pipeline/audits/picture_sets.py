"""Reading of labelled picture sets for an audit: folders, indexes, the hub, stores, npz, zarr and HDF5 files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.audit.pictures import LabelledPictures
from candlelab.audit.record import Audit
from candlelab.audit.sets import audit_labelled
from candlelab.core.array_files import SUFFIXES, all_arrays
from candlelab.core.errors import UserError
from candlelab.core.times import to_ms
from candlelab.data.picture_data import read_pictures
from candlelab.data.pictures import FORMATS, PARTS, PictureSet
from candlelab.data.source.images import Images
from candlelab.render.storage.store import is_store, open_store

LARGEST_SIDE = 224  # pixels
MEMORY = 400 << 20  # bytes of pixels that are held
ARRAYS = {
    "images": ("images", "image", "x", "data", "pixels"),
    "label": ("labels", "label", "y", "target", "targets"),
    "time": ("time", "times", "timestamp", "open_time"),
    "text": ("text", "texts", "caption", "captions"),
    "part": ("split", "part"),
    "symbol": ("symbol", "symbols", "ticker"),
}


def audit_set(place: str, *, window: int | None, horizon: int | None) -> Audit:
    """Return what is wrong with a set of labelled pictures.

    place   a folder, a store of task=render, an npz, zarr or HDF5 file, or user/name on the hub.
    window  bars in a picture, horizon: bars the label looks ahead; None where nothing says.
    Raises UserError if there are no pictures or no labels.
    """
    path = Path(place).expanduser()
    known: dict[str, Any] = {"window": window, "horizon": horizon}
    if is_store(path):
        made = _of_store(path, known)
    elif path.suffix.lower() in SUFFIXES:
        made = _of_arrays(all_arrays(path), path.name, known)
    else:
        made = of_pictures(Images(path=place, revision="main", timeout=60.0).pictures, known)
    return audit_labelled(made, f"{len(made):,} pictures of {path.name}")


def of_pictures(found: PictureSet, known: dict[str, Any]) -> LabelledPictures:
    """Return a set of files as arrays, evenly thinned if it is too large to be held."""
    first = _opened(found.read(0), found.names[0])
    shape = _shape(*first)
    rows = _kept(len(found), int(np.prod(shape)))
    raw = [found.read(int(k)) for k in rows]
    sizes = [_opened(data, found.names[k])[:2] for data, k in zip(raw, rows.tolist(), strict=True)]
    return LabelledPictures(
        images=read_pictures(found, rows, shape),
        label=found.label[rows],
        classes=found.classes,
        size=np.array(sizes),
        weight=np.array([len(data) for data in raw]),
        names=[found.names[k] for k in rows],
        text=None if found.text is None else [found.text[k] for k in rows],
        part=None if found.part is None else found.part[rows].astype(int),
        time=None if found.time is None else found.time[rows],
        symbol=None if found.symbol is None else [found.symbol[k] for k in rows],
        **known,
    )


def _opened(data: bytes, name: str) -> tuple[int, int, int]:
    """Width, height and channels of a picture."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return image.width, image.height, 1 if image.mode in ("1", "L") else 3
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise UserError(f"{name} cannot be read as a picture: repair or remove it") from None


def _shape(width: int, height: int, channels: int) -> tuple[int, int, int]:
    times = min(1.0, LARGEST_SIDE / max(width, height))
    return channels, max(8, round(height * times)), max(8, round(width * times))


def _kept(count: int, size: int) -> np.ndarray:
    return np.arange(0, count, max(1, -(-count * size // MEMORY)))


def _of_store(path: Path, known: dict[str, Any]) -> LabelledPictures:
    store = open_store(path)
    if "label" not in store.index:
        raise UserError(f"'{path}' is a store without labels: nothing can be said of them")
    rows = _kept(len(store), int(np.prod(store.shape)))
    index = store.index.iloc[rows]
    told = index["label"].to_numpy()
    fits = told >= 0
    names = sorted(set(told[fits].tolist()))
    window = known["window"] or store.recipe.get("window")
    return LabelledPictures(
        images=store.read(rows[fits]),
        label=np.searchsorted(names, told[fits]),
        classes=tuple(str(name) for name in names),
        part=_parts(index["split"].to_numpy()[fits]) if "split" in index else None,
        time=to_ms(index["time"])[fits] if "time" in index else None,
        symbol=index["symbol"].astype(str).to_numpy()[fits].tolist() if "symbol" in index else None,
        **known | {"window": window},
    )


def _of_arrays(arrays: dict[str, np.ndarray], name: str, known: dict[str, Any]) -> LabelledPictures:
    lower = {key.lower(): value for key, value in arrays.items()}
    if "x_train" in lower and "x_test" in lower:
        lower = _joined(lower)
    found = {
        meaning: lower[next(a for a in aliases if a in lower)]
        for meaning, aliases in ARRAYS.items()
        if any(a in lower for a in aliases)
    }
    if "images" not in found or "label" not in found:
        raise UserError(f"{name} has the arrays {', '.join(arrays)}: it needs images and labels")
    images, label = _channels_first(found["images"]), found["label"].reshape(-1)
    if len(images) != len(label):
        raise UserError(f"{name} has {len(images)} images and {len(label)} labels: give one label per image")
    classes, numbers = np.unique(_text(label), return_inverse=True)
    rows = _kept(len(images), int(np.prod(images.shape[1:])))
    return LabelledPictures(
        images=images[rows],
        label=numbers[rows],
        classes=tuple(map(str, classes)),
        text=_text(found["text"])[rows].tolist() if "text" in found else None,
        part=_parts(_text(found["part"])[rows]) if "part" in found else None,
        time=to_ms(found["time"])[rows] if "time" in found else None,
        symbol=_text(found["symbol"])[rows].tolist() if "symbol" in found else None,
        **known,
    )


def _joined(lower: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return x_train, y_train, x_test, … as one array each, with their parts."""
    parts = [part for part in ("train", "val", "valid", "test") if f"x_{part}" in lower and f"y_{part}" in lower]
    return {
        "images": np.concatenate([lower[f"x_{part}"] for part in parts]),
        "labels": np.concatenate([lower[f"y_{part}"] for part in parts]),
        "split": np.repeat(parts, [len(lower[f"x_{part}"]) for part in parts]),
    }


def _text(values: np.ndarray) -> np.ndarray:
    return np.array([each.decode() if isinstance(each, bytes) else str(each) for each in values.tolist()])


def _parts(values: np.ndarray) -> np.ndarray | None:
    """Return 0, 1 or 2 for each part's name or number, None if one is unknown."""
    numbers = {str(code): code for code in (0, 1, 2)} | PARTS
    found = [numbers.get(str(value).lower()) for value in values.tolist()]
    return None if None in found else np.array(found)


def _channels_first(images: np.ndarray) -> np.ndarray:
    """Return (n, C, H, W) uint8 of pictures in any usual layout and of any usual range."""
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4:
        raise UserError(
            f"the images have the shape {images.shape}: give (n, height, width) or (n, height, width, channels)"
        )
    if images.shape[1] not in (1, 3, 4) and images.shape[3] in (1, 3, 4):
        images = images.transpose(0, 3, 1, 2)
    images = _bytes_of(images)
    return np.ascontiguousarray(images[:, :3] if images.shape[1] > 3 else images)


def _bytes_of(images: np.ndarray) -> np.ndarray:
    """Return values from 0 to 255 as they are, shares from 0 to 1 and standardised values stretched; uint8."""
    if images.dtype == np.uint8:
        return images
    low, high = float(np.nanmin(images)), float(np.nanmax(images))
    if low < 0:
        images = (images - low) * (255.0 / max(high - low, 1e-12))
    elif high <= 1.0:
        images = images * 255.0
    return np.clip(np.nan_to_num(images), 0, 255).astype(np.uint8)
