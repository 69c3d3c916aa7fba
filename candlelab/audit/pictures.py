"""Data set audit: from which part of a labelled picture, or of what lies beside it, can the label be read?

A small model is trained on one part alone (the last candle, the colours, the size, the name, the text …) and tested on pictures
that come later; beside it stands one that sees the whole picture.
Dimensions: n pictures, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import re
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from candlelab.audit.record import AuditFinding
from candlelab.evaluate.intervals import wilson

READABLE = 0.9  # balanced share of right answers that no honest forecast reaches
BESIDE = 0.05  # above chance, from which what is no picture tells the label
FEWEST = 60  # pictures of which some are tested
MOST = 4000  # pictures that are looked at
GRID = 12  # cells a side of the whole picture
SHADES = 8  # levels of a colour
NUMBERS = 12  # of a text that are read


@dataclass(frozen=True)
class LabelledPictures:
    """A set of pictures as arrays; None where a set does not say.

    images    (n, C, H, W) uint8, brought to one size.
    label     (n,) int; classes their names.
    size      (n, 2) width and height as they were; weight (n,) bytes of each file.
    names     of the files; text (n,) captions.
    part      (n,) 0 train, 1 validation, 2 test; time (n,) ms UTC of the last bar; symbol (n,).
    window, horizon   bars in a picture, and bars the label looks ahead.
    """

    images: np.ndarray
    label: np.ndarray
    classes: tuple[str, ...]
    size: np.ndarray | None = None
    weight: np.ndarray | None = None
    names: Sequence[str] | None = None
    text: Sequence[str] | None = None
    part: np.ndarray | None = None
    time: np.ndarray | None = None
    symbol: Sequence[str] | None = None
    window: int | None = None
    horizon: int | None = None

    def __len__(self) -> int:
        return len(self.label)

    @cached_property
    def order(self) -> np.ndarray:
        """Picture numbers in time, where it is known, else as the files stand; (n,)."""
        return np.arange(len(self)) if self.time is None else np.argsort(self.time, kind="stable")

    @cached_property
    def learned(self) -> tuple[np.ndarray, np.ndarray]:
        """Picture numbers to learn from and to test on: the set's own parts, else every class's first 70 % and last 25 %."""
        if self.part is not None and min((self.part == 0).sum(), (self.part == 2).sum()) >= FEWEST // 3:
            train, test = np.flatnonzero(self.part == 0), np.flatnonzero(self.part == 2)
        else:
            train, test = self._in_order()
        return _thinned(train, MOST), _thinned(test, MOST // 2)

    def _in_order(self) -> tuple[np.ndarray, np.ndarray]:
        early, late = [], []
        for label in range(len(self.classes)):  # class by class: files may be sorted by class
            own = self.order[self.label[self.order] == label]
            early.append(own[: int(0.7 * len(own))])
            late.append(own[int(0.75 * len(own)) :])
        return np.sort(np.concatenate(early)), np.sort(np.concatenate(late))

    @cached_property
    def inked(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last column of each picture that is not one colour from top to bottom, (n,) each."""
        changes = (self.images != self.images[:, :, :1]).any((1, 2))
        changes[~changes.any(1)] = True
        return changes.argmax(1), self.images.shape[3] - 1 - changes[:, ::-1].argmax(1)

    @cached_property
    def ink(self) -> tuple[int, int]:
        """First and last column that is drawn on in some picture."""
        return int(self.inked[0].min()), int(self.inked[1].max())

    @property
    def candle(self) -> int:
        """Columns of the last candle: the drawn width over the window, a twelfth of it where that is not known."""
        first, last = self.ink
        return max(1, round((last + 1 - first) / (self.window or 12)))


def _thinned(numbers: np.ndarray, most: int) -> np.ndarray:
    return numbers[:: max(1, -(-len(numbers) // most))]


@dataclass(frozen=True)
class Readable:
    """How well a label can be read from one part: balanced share of right answers, its interval, and chance."""

    part: str
    value: float
    low: float
    high: float
    chance: float
    tested: int


def read_from(pictures: LabelledPictures, part: str, features: np.ndarray) -> Readable:
    """Return how well a small model reads the label from features (n, F): trees, or a linear model where that is better on training rows kept apart."""
    train, test = pictures.learned
    cut = int(0.8 * len(train))
    order = np.random.default_rng(0).permutation(train)
    kept, apart = order[:cut], order[cut:]
    models = [_trees(), _linear()]
    scores = [_balanced(model, features, pictures.label, kept, apart) for model in models]
    model = models[int(np.argmax(scores))]
    value = _balanced(model, features, pictures.label, train, test)
    present = len(np.unique(pictures.label[test]))
    low, high = wilson(value, float(len(test)), 0.95)
    return Readable(part, value, float(low), float(high), 1.0 / max(1, present), len(test))


def _trees():
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=15, max_bins=64, early_stopping=False, random_state=0
    )


def _linear():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))


def _balanced(model, features: np.ndarray, label: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    if len(np.unique(label[train])) < 2 or not len(test):
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a small model need not converge to be right
        said = model.fit(features[train], label[train]).predict(features[test])
    return float(np.mean([np.mean(said[label[test] == k] == k) for k in np.unique(label[test])]))


def coarse(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return mean values of cells of pictures, (n, C * height * width) float32."""
    count, channels, rows, columns = images.shape
    row = np.minimum(np.arange(rows) * height // rows, height - 1)
    column = np.minimum(np.arange(columns) * width // columns, width - 1)
    sums = np.zeros((count, channels, height, columns), np.float32)
    for k in range(height):
        if (row == k).any():
            sums[:, :, k] = images[:, :, row == k].mean(2, dtype=np.float32)
    cells = np.zeros((count, channels, height, width), np.float32)
    for k in range(width):
        if (column == k).any():
            cells[..., k] = sums[..., column == k].mean(-1)
    return cells.reshape(count, -1)


def last_candle(pictures: LabelledPictures) -> np.ndarray:
    """Return the pixels of the last candle, in cells of a few rows, with its own colours."""
    strip = strip_at(pictures.images, pictures.inked[1] + 1 - pictures.candle, pictures.candle)
    return np.concatenate([coarse(strip, GRID, 2), palette_shares(strip), _extent(strip)], 1)


def without_last_candle(pictures: LabelledPictures) -> np.ndarray:
    """Return the picture up to the last candle in cells."""
    images = pictures.images.copy()
    columns = np.arange(images.shape[3])
    gone = columns >= pictures.inked[1][:, None] + 1 - pictures.candle
    return coarse(np.where(gone[:, None, None], images[..., :1], images), GRID, GRID)


def strip_at(images: np.ndarray, first: np.ndarray, width: int) -> np.ndarray:
    """Return the `width` columns of each picture from its own first one on; (n, C, H, width)."""
    columns = np.clip(first[:, None] + np.arange(width), 0, images.shape[3] - 1)
    return np.take_along_axis(images, columns[:, None, None], axis=3)


def whole(pictures: LabelledPictures) -> np.ndarray:
    """Return the whole picture in cells, with its ends, its colours and its last candle."""
    return np.concatenate(
        [coarse(pictures.images, GRID, GRID), drift(pictures), last_candle(pictures), mean_colour(pictures)], 1
    )


def mean_colour(pictures: LabelledPictures) -> np.ndarray:
    """Return the mean of each channel, (n, C)."""
    return pictures.images.mean((2, 3), dtype=np.float32)


def colours(pictures: LabelledPictures) -> np.ndarray:
    """Return the share of each colour of a coarse palette, wherever it stands; (n, SHADES + …)."""
    return palette_shares(pictures.images)


def palette_shares(images: np.ndarray) -> np.ndarray:
    """Share of each of 64 colours (of 8 greys), and which of them occur at all."""
    levels = (images >> 6).astype(np.int32) if images.shape[1] >= 3 else (images[:, :1] >> 5).astype(np.int32)
    code = levels[:, 0] if images.shape[1] < 3 else levels[:, 0] * 16 + levels[:, 1] * 4 + levels[:, 2]
    count = 64 if images.shape[1] >= 3 else SHADES
    flat = code.reshape(len(images), -1) + count * np.arange(len(images))[:, None]
    share = np.bincount(flat.ravel(), minlength=count * len(images)).reshape(len(images), count)
    return (share / max(1, code[0].size)).astype(np.float32)


def drift(pictures: LabelledPictures) -> np.ndarray:
    """Return where the first and the last candle are drawn, their colours and the gaps between them; (n, F)."""
    first, last = pictures.inked
    strips = [strip_at(pictures.images, start, pictures.candle) for start in (first, last + 1 - pictures.candle)]
    one, two = (_extent(strip) for strip in strips)
    gaps = (two[:, :, None] - one[:, None, :]).reshape(len(one), -1)
    tints = [strip.mean((2, 3), dtype=np.float32) for strip in strips]
    return np.concatenate([one, two, gaps, *tints], 1).astype(np.float32)


def _extent(strip: np.ndarray) -> np.ndarray:
    """Top, bottom and mean row of what is drawn, and of each kind of ink that is not the commonest; (n, 6)."""
    grey = strip.astype(np.int32).sum(1)
    paper = np.array([np.bincount(each.ravel()).argmax() for each in grey])
    inked = (grey != paper[:, None, None]).sum(2)
    rows = np.arange(strip.shape[2])
    any_ink = inked > 0
    body = inked >= np.maximum(1, inked.max(1, keepdims=True) * 0.6)
    return np.concatenate([_span(any_ink, rows), _span(body, rows)], 1)


def _span(mask: np.ndarray, rows: np.ndarray) -> np.ndarray:
    height = mask.shape[1]
    top = np.where(mask.any(1), mask.argmax(1), height / 2)
    bottom = np.where(mask.any(1), height - 1 - mask[:, ::-1].argmax(1), height / 2)
    middle = (mask * rows).sum(1) / np.maximum(1, mask.sum(1))
    return np.stack([top, bottom, middle], 1)


def in_the_picture(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield the parts of the picture from which the label can be read as no forecast can, the best of them first."""
    parts = (
        ("mean colour", mean_colour, "the mean colour of the picture"),
        ("last candle", last_candle, "the last candle"),
        ("drawn window's drift", drift, "where the first and the last candle are drawn"),
        ("colours", colours, "the colours that occur, wherever they stand"),
    )
    told = [(read_from(pictures, name, features(pictures)), words) for name, features, words in parts]
    told = [(found, words) for found, words in told if found.low >= READABLE and found.value > found.chance + 0.2]
    for found, words in sorted(
        told, key=lambda each: -each[0].value
    ):  # the smallest part first where several are as good
        rest = None
        if found.part == "last candle":
            rest = read_from(pictures, "rest", without_last_candle(pictures))
        yield _readable(pictures, found, words, rest)
    if not told:
        everything = read_from(pictures, "whole picture", whole(pictures))
        if everything.low >= READABLE:
            yield _readable(pictures, everything, "the picture as a whole", None)


def _readable(pictures: LabelledPictures, found: Readable, words: str, rest: Readable | None) -> AuditFinding:
    beside = f", {rest.value:.1%} without it" if rest is not None else ""
    return AuditFinding(
        f"label readable from the {found.part}",
        "leak",
        f"images, {_name(pictures, int(pictures.learned[1][0]))}",
        f"a small model that sees only {words} names {found.value:.1%} of the labels of {found.tested:,} later pictures "
        f"({found.low:.1%} to {found.high:.1%}, chance {found.chance:.1%}{beside})",
        "the label is drawn inside the picture: call it recognition, or label what comes after the last bar that is drawn",
        value=found.value,
        low=found.low,
        high=found.high,
        chance=found.chance if rest is None else rest.value,
        pictures=_examples(pictures),
    )


def _name(pictures: LabelledPictures, number: int) -> str:
    return f"picture {number}" if pictures.names is None else str(pictures.names[number])


def _examples(pictures: LabelledPictures) -> tuple[tuple[np.ndarray, str], ...]:
    """Two pictures of each of the first four classes."""
    found = []
    for label, name in list(enumerate(pictures.classes))[:4]:
        found += [
            (pictures.images[k][:3] if pictures.images.shape[1] >= 3 else pictures.images[k][:1], name)
            for k in np.flatnonzero(pictures.label == label)[:2]
        ]
    return tuple(found)


def beside_the_picture(pictures: LabelledPictures) -> Iterator[AuditFinding]:
    """Yield what lies beside the pixels and tells the label: size, weight, name or text."""
    asked: list[tuple[str, np.ndarray | None, str]] = [
        ("size", pictures.size, "bring all pictures to one size before they are published"),
        ("file size", pictures.weight, "store the pixels without compression, or in one store"),
        ("file name", _letters(pictures.names), "name files by a number that knows nothing of the class"),
        ("text", _words(pictures), "take the words of the answer out of the caption"),
    ]
    for name, values, cure in asked:
        if values is None:
            continue
        features = np.asarray(values, np.float32)
        found = read_from(pictures, name, features.reshape(len(features), -1))
        least = READABLE if name in ("text", "file size") else found.chance + BESIDE
        if found.low >= least:
            yield AuditFinding(
                f"label readable from the {name}",
                "leak",
                f"{name}, {_name(pictures, int(pictures.learned[1][0]))}{_telling(pictures, name)}",
                f"a small model that sees only the {name} names {found.value:.1%} of the labels of {found.tested:,} later pictures "
                f"({found.low:.1%} to {found.high:.1%}, chance {found.chance:.1%})",
                cure,
                value=found.value,
                low=found.low,
                high=found.high,
                chance=found.chance,
            )


def _hashed(texts: Sequence[str], size: int) -> np.ndarray:
    """Counts of words and numbers of texts in `size` buckets, (n, size)."""
    out = np.zeros((len(texts), size), np.float32)
    for k, text in enumerate(texts):
        for word in re.findall(r"[a-z]+|\d+\.?\d*|[-+]", str(text).lower()):
            out[k, zlib.crc32(word.encode()) % size] += 1
    return out


def _letters(names: Sequence[str] | None) -> np.ndarray | None:
    """Words of file names without their folders and numbers."""
    if names is None:
        return None
    return _hashed([re.sub(r"\d+", " ", str(name).rsplit("/", 1)[-1]) for name in names], 64)


def _words(pictures: LabelledPictures) -> np.ndarray | None:
    """Words of the texts, and the numbers in them one by one: a change of 0.72 % tells a class as well as a word does."""
    if pictures.text is None:
        return None
    return np.concatenate([_hashed(pictures.text, 256), _numbers_in(pictures.text)], 1)


def _numbers_in(texts: Sequence[str]) -> np.ndarray:
    """The first NUMBERS numbers of each text, 0 where there are fewer; (n, NUMBERS)."""
    out = np.zeros((len(texts), NUMBERS), np.float32)
    for k, text in enumerate(texts):
        found = re.findall(r"-?\d+\.?\d*", str(text))[:NUMBERS]
        out[k, : len(found)] = [float(number) for number in found]
    return out


def _telling(pictures: LabelledPictures, name: str) -> str:
    """The word of the texts that stands beside one class alone, if there is one."""
    word = telling_word(pictures) if name == "text" else None
    return f", '{word[0]}' stands only beside {word[1]}" if word else ""


def telling_word(pictures: LabelledPictures) -> tuple[str, str] | None:
    """Return a word that stands in nearly all texts of a class and in hardly another, and the class."""
    seen: Counter[tuple[str, int]] = Counter()
    total: Counter[str] = Counter()
    for text, label in zip(pictures.text or (), pictures.label.tolist(), strict=False):
        words = set(str(text).lower().replace(",", " ").replace(":", " ").split())
        seen.update((word, label) for word in words)
        total.update(words)
    sizes = np.bincount(pictures.label, minlength=len(pictures.classes))
    for (word, label), count in seen.most_common():
        if count >= 0.95 * sizes[label] and count >= 0.95 * total[word] and count >= 5:
            return word, pictures.classes[label]
    return None
