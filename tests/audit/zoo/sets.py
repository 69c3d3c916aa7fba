"""Sets of labelled charts with one planted leak each, and honest ones."""

from dataclasses import replace

import numpy as np
import tiny

from candlelab.audit.pictures import LabelledPictures
from candlelab.audit.sets import audit_labelled
from candlelab.config import build, compose
from zoo import Clean, Leak

CHARTS = (
    *tiny.TINY,
    "data.source.bars=900",
    "data.window=12",
)
PLAIN = ("render=candles_plain", "render.height=48", "render.width=48")


def charts(*overrides):
    """Charts of a simulated market cut by time, labelled by what came next."""
    style = () if any(word.startswith("render=") for word in overrides) else PLAIN
    return charts_of(compose(*CHARTS, *style, *overrides))


def charts_of(cfg):
    """The charts of a config with everything that a published set says of them."""
    data = build(cfg, "data", build(cfg, "render"))
    made = data.prepared
    known = np.flatnonzero((made.labels.label[made.ends] >= 0) & (made.part >= 0))
    ends = made.ends[known]
    return LabelledPictures(
        images=data.charts(ends),
        label=made.labels.label[ends],
        classes=data.label.classes,
        names=[f"chart_{k:05d}.png" for k in known],
        text=data.caption(made.candles, ends, data.window),
        part=made.part[known].astype(int),
        time=made.candles.time[ends],
        symbol=[made.candles.symbols[code] for code in made.candles.symbol[ends]],
        window=data.window,
        horizon=max(1, data.label.horizon),
    )


def audited(pictures):
    return audit_labelled(pictures, "charts")


def dealt(pictures, seed=0):
    """The same pictures in parts at random, as train_test_split deals them."""
    part = np.random.default_rng(seed).choice(3, len(pictures), p=[0.7, 0.1, 0.2])
    return replace(pictures, part=part)


def painted(pictures, colours):
    """White paper becomes a colour of the class."""
    images = pictures.images.copy()
    paper = (images >= 250).all(1)
    for label, colour in enumerate(colours):
        mine = pictures.label == label
        images[mine] = np.where(paper[mine][:, None], np.array(colour, np.uint8)[:, None, None], images[mine])
    return replace(pictures, images=images)


def in_ink_of_the_class(pictures):
    """Every class is drawn with an ink of its own, the same amount of it."""
    images = pictures.images.copy()
    inks = ((200, 30, 30), (30, 30, 200), (30, 200, 30))
    drawn = (images != images[:, :, :1, :1]).any(1)
    for label in range(len(pictures.classes)):
        mine = pictures.label == label
        images[mine] = np.where(drawn[mine][:, None], np.array(inks[label], np.uint8)[:, None, None], images[mine])
    return replace(pictures, images=images)


def marked(pictures):
    """The next move is drawn as one more candle on the right."""
    images = pictures.images.copy()
    up = pictures.label == 1
    images[..., -4:] = 255
    images[up, :, 8:20, -3:-1] = 20
    images[~up, :, 28:40, -3:-1] = 20
    return replace(pictures, images=images)


def sized(pictures):
    return replace(pictures, size=np.where(pictures.label[:, None] == 1, (48, 48), (48, 49)))


def weighed(pictures):
    noise = np.random.default_rng(0).integers(0, 40, len(pictures))
    return replace(pictures, weight=1000 + 60 * pictures.label + noise)


def named_by_class(pictures):
    return replace(pictures, names=[f"{'bull' if label else 'bear'}_{k}.png" for k, label in enumerate(pictures.label)])


def sorted_by_class(pictures):
    order = np.argsort(pictures.label, kind="stable")
    return replace(picked(pictures, order), time=None, part=None, symbol=None)


def picked(pictures, rows):
    fields = {name: getattr(pictures, name) for name in ("images", "label", "names", "text", "part", "time", "symbol")}
    return replace(pictures, **{k: None if v is None else [v[i] for i in rows] if isinstance(v, list) else v[rows] for k, v in fields.items()})  # fmt: skip


def told_in_words(pictures):
    words = [
        f"{text} outlook {'bullish' if label else 'bearish'}" for text, label in zip(pictures.text, pictures.label)
    ]
    return replace(pictures, text=words)


def doubled(pictures):
    """A tenth of the test stands in training too."""
    test = np.flatnonzero(pictures.part == 2)[::10]
    more = picked(pictures, np.r_[np.arange(len(pictures)), test])
    part = more.part.copy()
    part[len(pictures) :] = 0
    return replace(more, part=part, time=None)


def nearly_doubled(pictures):
    made = doubled(pictures)
    images = made.images.copy()
    images[len(pictures) :, :, 0, 0] ^= 64
    return replace(made, images=images)


def torn(pictures):
    """A tenth of the pictures stands twice, with other labels."""
    rows = np.arange(0, len(pictures), 10)
    more = picked(pictures, np.r_[np.arange(len(pictures)), rows])
    label = more.label.copy()
    label[len(pictures) :] = 1 - label[len(pictures) :]
    return replace(more, label=label)


def backwards(pictures):
    """Tested on what came before the training."""
    return replace(pictures, part=2 - pictures.part)


def unbalanced(pictures):
    gone = (pictures.part == 0) & (pictures.label == 1) & (np.arange(len(pictures)) % 4 > 0)
    return picked(pictures, np.flatnonzero(~gone))


def blank(pictures):
    images = pictures.images.copy()
    images[::20] = 255
    return replace(pictures, images=images)


def leak(title, plant, name, place, *overrides):
    return Leak(title, lambda _: audited(plant(charts(*overrides))), name, place)


LEAKS = [
    leak("one more candle is drawn", marked, "label readable from the last candle", "images, chart_00"),
    leak("recognition of the last candle", lambda p: p, "label readable from the last candle", "images, chart_00", "data/label=last_candle"),
    leak("recognition of the drift", lambda p: p, "label readable from the drawn window's drift", "images, chart_00", "data/label=window_drift"),
    leak("paper of the class", lambda p: painted(p, ((255, 250, 250), (250, 250, 255))), "label readable from the mean colour", "images"),
    leak("ink of the class", in_ink_of_the_class, "class colours", "images, down"),
    leak("size of the class", sized, "label readable from the size", "size, chart_00"),
    leak("weight of the class", weighed, "label readable from the file size", "file size, chart_00"),
    leak("name of the class", named_by_class, "label readable from the file name", "file name, b"),
    leak("files sorted by class", sorted_by_class, "label readable from the order", "order, files 1 to"),
    leak("answer in the caption", told_in_words, "label readable from the text", "' stands only beside "),
    leak("test pictures in training", doubled, "exact duplicates across parts", "part, chart_00"),
    leak("nearly the same pictures in training", nearly_doubled, "near duplicates across parts", "part, chart_00"),
    leak("windows dealt at random", dealt, "windows overlap across parts", "part, 2020-01-"),
    leak("windows dealt at random, times unknown", lambda p: replace(dealt(p), time=None), "windows overlap across parts", "part, chart_00"),
    leak("other labels on the same picture", torn, "labels disagree on identical pictures", "label, chart_00"),
    leak("tested on the past", backwards, "parts not in the order of time", "part, 2020-01-28"),
    leak("classes in other shares", unbalanced, "classes in other shares", "part, "),
    leak("blank pictures", blank, "constant pictures", "images, chart_00"),
]  # fmt: skip

CLEAN = [
    Clean(f"charts {name}", lambda _, overrides=overrides: audited(charts(*overrides)))
    for name, overrides in {
        "of a random walk": ("data.source.edge=0.0",),
        "of a planted edge": ("data.source.edge=0.3",),
        "of a smaller edge": ("data.source.edge=0.1", "data.source.seed=5"),
        "of three classes": ("data/label=three_class", "data.source.edge=0.0"),
        "five bars ahead": ("data.label.horizon=5", "data.source.edge=0.0"),
        "of the grey style": ("render=jkx_i5", "data.window=5", "data.source.edge=0.2"),
    }.items()
]
