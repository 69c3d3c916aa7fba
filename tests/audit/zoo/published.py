"""The data sets that three published systems would have made, from their presets and a simulated market, with their own parts."""

from dataclasses import replace

import numpy as np

from candlelab.config import compose
from zoo import Leak
from zoo.sets import audited, charts_of, dealt

MARKET = (
    "data/source=simulated",
    "data.source.bars=1500",
    "data.source.edge=0.0",
    "data/split=chronological",
    "data.symbols=[SIM]",
    "data.start=null",
    "data.end=null",
)
SMALL = ("render.width=64", "render.height=64")
INKS = ("#00ff00", "#ff0000", "#00ffff", "#ffff00", "#ffa500", "#00bfff", "#7fff00", "#ff4500", "#ffffff", "#ffd700", "#c0c0c0")  # fmt: skip


def candlefusion():
    """Body of the last candle, told in the text; train_test_split over windows that share 29 of 30 candles."""
    return dealt(charts_of(compose("experiment=candlefusion", *MARKET, "render.width=120", "render.height=90")))


def hf_benchmark(kind):
    """Colour of the last candle, or drift of the window, in 64 by 64 pixels; a random subset, the first 80 % of it to train."""
    pictures = charts_of(compose(f"experiment={kind}", *MARKET, *SMALL))
    place = np.random.default_rng(0).permutation(len(pictures)) / len(pictures)
    return replace(pictures, part=np.where(place < 0.8, 0, 2))


def cryptoai():
    """Ten patterns on black, each in its own colour; 80 of 100 to train, from the same generator."""
    asked = ("data.source.samples=1100", "data/split=chronological", *SMALL)
    pictures = charts_of(compose("experiment=cryptoai_patterns", *asked))
    drawn = (pictures.images != pictures.images[:, :, :1, :1]).any(1)
    inks = np.array([[int(ink[k : k + 2], 16) for k in (1, 3, 5)] for ink in INKS], np.uint8)
    images = np.where(drawn[:, None], inks[pictures.label][:, :, None, None], 0).astype(np.uint8)
    return replace(dealt(pictures), images=images, time=None, symbol=None, text=None)


PUBLISHED = [
    Leak("CandleFusion: label in the text", lambda _: audited(candlefusion()), "label readable from the text", "text, chart_"),
    Leak("CandleFusion: random split", lambda _: audited(candlefusion()), "windows overlap across parts", "part, 2020-01-0"),
    Leak("HF Benchmark regular", lambda _: audited(hf_benchmark("regular")), "label readable from the last candle", "images, chart_"),
    Leak("HF Benchmark fullimage", lambda _: audited(hf_benchmark("fullimage")), "label readable from the drawn window's drift", "images, chart_"),
    Leak("HF Benchmark irregular", lambda _: audited(hf_benchmark("irregular")), "label readable from the drawn window's drift", "images, chart_"),
    Leak("HF Benchmark: random subset", lambda _: audited(hf_benchmark("regular")), "windows overlap across parts", "part, 2020-01-01"),
    Leak("CryptoAI Patterns: mean colour", lambda _: audited(cryptoai()), "label readable from the mean colour", "images, chart_"),
    Leak("CryptoAI Patterns: class colours", lambda _: audited(cryptoai()), "class colours", "images, head"),
]  # fmt: skip
