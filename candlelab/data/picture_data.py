"""Data set of given pictures: other people's charts and labels in place of bars."""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from array_api_compat import is_torch_array

from candlelab.core.agreement import GIVEN
from candlelab.core.candles import Candles
from candlelab.core.contracts import Caption, Indicators, Renderer, Scaling, Split, StorageLike
from candlelab.core.errors import UserError
from candlelab.core.interval import infer_interval
from candlelab.core.local import Place
from candlelab.data.label.given import Given
from candlelab.data.pictures import PARTS as NAMES
from candlelab.data.pictures import PictureSet, decode
from candlelab.data.prepared import Prepared
from candlelab.data.samples import SampleSet
from candlelab.data.source.images import Images
from candlelab.data.split.parts import filled, sampled

DAY = 86_400_000
THUMBNAIL = (1, 8, 8)
TOLD = 0.98  # share of texts from which a word gives its class away


class GivenRenderer:
    """Stands where a chart's renderer does: pictures of one size, read instead of drawn."""

    warmup = 0
    two_colours = False
    pictures: PictureSet
    shape: tuple[int, int, int]
    window: int
    storage: StorageLike

    def __init__(self, pictures: PictureSet, renderer: Renderer):
        self.pictures, self.shape, self.window, self.storage = pictures, renderer.shape, 1, renderer.storage

    def draw(self, candles: Candles, ends: Any) -> Any:
        """Return the pictures at some rows, brought to one size; uint8 (B, C, H, W), the kind of array `ends` is."""
        if not is_torch_array(ends):
            return read_pictures(self.pictures, np.asarray(ends), self.shape)
        import torch

        return torch.from_numpy(self.draw(candles, ends.cpu().numpy())).to(ends.device)

    def recipe(self) -> dict[str, Any]:
        """Return what made the pixels; plain values."""
        return {"style": GIVEN, "shape": list(self.shape)}


class PictureData(SampleSet):
    """The samples of a set of labelled pictures; settings that speak of bars (window, stride, interval, …) have no say.

    Parts are those of the set where it has all three, else cut by time, and where no time is known by the order of the files.
    What cannot be known of such a set is printed and kept in the data card.
    Raises UserError without a source of pictures, and for a net that reads numbers.
    """

    def __init__(
        self,
        renderer: Renderer | None,
        *,
        source: Images,
        label: Given,
        split: Split,
        indicators: Indicators,
        scaling: Scaling,
        caption: Caption,
        symbols: list[str],
        interval: str | list[str],
        start: str | None,
        end: str | None,
        resample: str | None,
        thin: float,
        window: int,
        stride: int,
        max_samples: int | None,
        batch_size: int | Literal["auto"],
        seed: int,
        memory: Literal["auto", "mapped", "ram"],
        scratch: Place,
    ):
        super().__init__(
            renderer,
            source=source,
            label=label,
            split=split,
            indicators=indicators,
            scaling=scaling,
            caption=caption,
            symbols=symbols,
            interval=interval,
            start=start,
            end=end,
            resample=resample,
            thin=thin,
            window=window,
            stride=stride,
            max_samples=max_samples,
            batch_size=batch_size,
            seed=seed,
            memory=memory,
            scratch=scratch,
        )
        if not isinstance(source, Images) or not isinstance(label, Given):
            raise UserError("data=pictures goes with data/source=images and data/label=given: leave both as they are")
        self.path, self.pictures = source.path, source.pictures
        self.label = label.of(self.pictures)
        self.renderer = GivenRenderer(self.pictures, renderer) if renderer is not None else None
        self.caption = GivenCaption(self.pictures, self.caption.length)

    @property
    def warmup(self) -> int:
        """No bar is needed before a picture."""
        return 0

    @cached_property
    def hashes(self) -> list[str]:
        """A hash of the bytes of every picture."""
        return [hashlib.blake2b(self.pictures.read(k), digest_size=16).hexdigest() for k in range(len(self.pictures))]

    @cached_property
    def prepared(self) -> Prepared:
        """One row per picture, its label and its part; the same picture never stands in two parts."""
        candles, ends = tape_of(self.pictures, np.arange(len(self.pictures))), np.arange(len(self.pictures))
        labels = self.label(candles, 1)
        told = self.pictures.three_parts
        settled = told is not None or self.split.dated
        if self.max_samples is not None and not settled:
            ends = np.sort(np.argsort(candles.time, kind="stable")[-self.max_samples :])
        part = self.split(candles, ends, ends, ends) if told is None else told[ends].copy()
        if self.max_samples is not None and settled:
            kept = sampled(part, candles.time[ends], self.max_samples)
            ends, part = ends[kept], part[kept]
        dealt = self.pictures.time is None and told is None and lacks_a_class(part, labels.label[ends])
        if dealt:  # the files lie sorted by class
            candles = tape_of(self.pictures, np.argsort(np.argsort(self.hashes)))
            part = self.split(candles, ends, ends, ends)
        repeated = repeats([self.hashes[k] for k in ends], part)
        part[repeated] = -1
        warnings = doubts_of(self.pictures, part[part >= 0], int(repeated.sum()), self.label, dealt)
        for line in warnings:
            print(f"{self.path}: {line}", file=sys.stderr)
        return Prepared(candles, labels, ends, filled(part), self.source, tuple(warnings))

    @cached_property
    def fingerprint(self) -> str:
        """Return 16 hex digits of every picture, its label and its part."""
        made = self.prepared
        digest = hashlib.sha256("|".join((*self.label.classes, *self.hashes, *(self.pictures.text or ()))).encode())
        for column in (made.labels.label, made.labels.forward_return, made.ends, made.part):
            digest.update(np.ascontiguousarray(column).data)
        return digest.hexdigest()[:16]

    @property
    def series(self) -> np.ndarray:
        """Raise UserError: pictures have no numbers."""
        raise UserError("the net reads numbers, and data=pictures has none: choose a model that reads images")

    def features(self, samples: np.ndarray) -> dict[str, np.ndarray]:
        """Return the pictures as thumbnails of 64 grey numbers, for the baselines; nothing is known of a last bar."""
        ends = self.prepared.ends[samples]
        numbers = read_pictures(self.pictures, ends, THUMBNAIL).reshape(len(ends), -1) / 255.0
        return {
            "numbers": numbers,
            "last_class": np.full(len(ends), -1),
            "volatility": np.zeros((len(ends), 2)),
            "label": self.prepared.labels.label[ends],
        }

    def rows(self, part: str) -> pd.DataFrame:
        """Return what predictions.parquet says of each picture: a position earns the return up to the next close."""
        known = self.prepared.labels.forward_return[self.prepared.ends[self.traded(part)]]
        return super().rows(part).assign(bar_return=np.nan_to_num(known))

    def describe(self) -> dict[str, Any]:
        """Return the data card, with what cannot be known of such a set."""
        _ = self.prepared
        return super().describe() | {
            "warnings": list(self.prepared.warnings),
            "time_order": "known" if self.pictures.time is not None else "unknown",
        }


class GivenCaption:
    """The texts that came with pictures."""

    warmup = 0

    def __init__(self, pictures: PictureSet, length: int):
        self._text = pictures.text
        self.length: int = length

    def __call__(self, candles: Candles, ends: np.ndarray, window: int) -> list[str]:
        """One text per picture; raises UserError if the set has none."""
        if self._text is None:
            raise UserError(
                "the net reads captions, and the set has no column text: choose a model that reads images alone"
            )
        return [self._text[k] for k in ends]


def lacks_a_class(part: np.ndarray, label: np.ndarray) -> bool:
    """Return whether a part of the split lacks a class that the set has."""
    return any(set(label[part == code]) != set(label) for code in (0, 1, 2))


def tape_of(pictures: PictureSet, place: np.ndarray) -> Candles:
    """Return one bar per picture, each a segment of its own; where no time is known they stand a day apart, at their `place` (n,)."""
    count = len(pictures)
    names = pictures.symbol or ["PICTURE"] * count
    symbols = tuple(sorted(set(names)))
    code = np.array([symbols.index(name) for name in names], np.int32)
    time = place.astype(np.int64) * DAY if pictures.time is None else pictures.time
    price = np.where(pictures.close > 0, pictures.close, 1.0)
    return Candles(
        symbols=symbols,
        intervals=(step_of(code, time),) * len(symbols),
        symbol=code,
        time=time,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=np.zeros(count),
        segment=np.arange(count, dtype=np.int32),
    )


def step_of(code: np.ndarray, time: np.ndarray) -> str:
    """Return the commonest time from one picture to the next as an interval; a day where it is none."""
    try:
        return infer_interval(code, time)
    except UserError:
        return "1d"


def read_pictures(pictures: PictureSet, rows: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return some pictures in one shape, read and decoded on all cores; uint8 (B, C, H, W)."""
    images = np.empty((len(rows), *shape), np.uint8)

    def one(k: int) -> None:
        images[k] = decode(pictures.read(int(rows[k])), shape, pictures.names[rows[k]])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(one, range(len(rows))):
            pass
    return images


def repeats(hashes: list[str], part: np.ndarray) -> np.ndarray:
    """Return which pictures stand in a later part too, (n,) bool: a test picture that was trained on tells nothing."""
    latest: dict[str, int] = {}
    for name, place in zip(hashes, part.tolist(), strict=True):
        latest[name] = max(latest.get(name, -1), place)
    return np.array([latest[name] > place >= 0 for name, place in zip(hashes, part.tolist(), strict=True)])


def doubts_of(pictures: PictureSet, part: np.ndarray, repeated: int, label: Any, dealt: bool) -> list[str]:
    """Return, in sentences, what cannot be known of a set of pictures or is wrong with it."""
    said = []
    if pictures.time is None:
        said.append(
            "nothing is known of the order of these pictures in time: neighbours may share bars between training and test, so that "
            "scores can be too good; a column time would cut them by date"
        )
    if dealt:
        said.append("the files lie sorted by class, so pictures were dealt out to the parts by a hash of their bytes")
    if pictures.three_parts is not None:
        sizes = ", ".join(f"{name} {int((part == NAMES[name]).sum())}" for name in ("train", "validation", "test"))
        said.append(f"the parts are those of the set ({sizes}): whether they follow each other in time is not checked")
    if repeated:
        said.append(
            f"{repeated} pictures stand in a later part too, byte for byte: they were taken out of the earlier one"
        )
    if label.kind == "recognition":
        said.append(
            "labels are taken as given, as names of what is drawn: data.label.kind=forecast if they tell what came after"
        )
    if np.isfinite(pictures.next_close).any() and np.isnan(label.forward_return).all():
        said.append(
            "next_close is given without the close of the last bar, so that no return and no forecast can be learnt from it"
        )
    if told := words_that_tell(pictures):
        said.append(
            f"the texts name the label ('{told[0]}' stands only beside {told[1]}): a net that reads them need not look at a picture"
        )
    return said


def words_that_tell(pictures: PictureSet) -> tuple[str, str] | None:
    """Return a word that stands in nearly every text of one class and in hardly any other, and that class; None if there is none."""
    if pictures.text is None:
        return None
    sizes: Counter[int] = Counter(pictures.label.tolist())
    seen: Counter[tuple[str, int]] = Counter()
    for words, label in zip(pictures.text, pictures.label.tolist(), strict=True):
        seen.update((word, label) for word in set(words.lower().replace(",", " ").replace(":", " ").split()))
    totals: Counter[str] = Counter()
    for (word, _), count in seen.items():
        totals[word] += count
    for (word, label), count in sorted(seen.items(), key=lambda item: -item[1]):
        if count >= TOLD * sizes[label] and count >= TOLD * totals[word] and count >= 5:
            return word, pictures.classes[label]
    return None
