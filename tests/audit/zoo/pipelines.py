"""Pipelines with one planted leak each, and the same pipelines without."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import tiny

from candlelab.audit.rewriting import at_clock
from candlelab.config import build, compose
from candlelab.data.caption import Relative
from candlelab.data.label.body import Body
from candlelab.data.label.direction import Direction
from candlelab.data.label.outcomes import labels_of
from candlelab.data.samples import SampleSet
from candlelab.data.split.chronological import Chronological
from candlelab.pipeline.audits.pipelines import audit_data
from zoo import Clean, Leak

SPLIT = {
    "train": 0.7,
    "validation": 0.15,
    "validation_start": None,
    "test_start": None,
    "purge": "label",
    "embargo": 0,
}


def pipeline(*overrides, **parts):
    """The data module of the tiny run with other parts where given."""
    cfg = compose(*tiny.TINY, "data.source.bars=900", *overrides)
    data = build(cfg, "data", build(cfg, "render"))
    return data.having(**parts), lambda: build(cfg, "data.scaling")


def audited(*overrides, **parts):
    data, scaling = pipeline(*overrides, **parts)
    return audit_data(data, scaling=scaling)


def tape_of(*overrides):
    return pipeline(*overrides)[0].tape


class OfClose:
    """Indicators of the closes by a function of a pandas column, over the whole tape."""

    names = ("planted",)

    def __init__(self, compute, warmup=0):
        self.compute, self.warmup = compute, warmup

    def __call__(self, candles):
        return np.asarray(self.compute(pd.Series(np.log(candles.close))), float)[:, None]


class SegmentWise(OfClose):
    """The same, segment by segment."""

    def __call__(self, candles):
        close = pd.Series(np.log(candles.close))
        return close.groupby(candles.segment).transform(self.compute).to_numpy()[:, None]


class BySymbol:
    """The close against that of the symbol whose bars stand before."""

    names, warmup = ("against the symbol before",), 0

    def __call__(self, candles):
        first = np.minimum.reduceat(candles.close, np.flatnonzero(np.diff(candles.symbol, prepend=-1)))
        return (np.log(candles.close) - np.log(first[np.maximum(candles.symbol - 1, 0)]) * (candles.symbol > 0))[
            :, None
        ]


class BodyForecast(Body):
    """The colour of the window's last candle that calls itself a forecast."""

    kind, horizon = "forecast", 1


class Centred(Direction):
    """The mean of the next bars against the mean of the last ones."""

    def __call__(self, candles, window):
        close = pd.Series(candles.close)
        back = close.rolling(8).mean()
        ahead = close.rolling(self.horizon).mean().shift(-self.horizon)
        forward = (ahead / back - 1).to_numpy()
        return labels_of(candles, np.where(np.isnan(forward), -1, forward > 0).astype(int), forward, self.horizon, 0.0)


class Peeking(Direction):
    """Five bars ahead, and says one."""

    def __call__(self, candles, window):
        made = Direction(horizon=5, ties="drop")(candles, window)
        return replace(made, label_end=np.where(made.label_end >= 0, np.arange(len(candles)) + 1, -1))


class RowSplit(Chronological):
    """Cuts the rows in order and purges nothing."""

    def __call__(self, candles, end, label_end, first_row):
        return np.searchsorted([0.7, 0.85], np.arange(len(end)) / len(end), side="right").astype(np.int8)


class RandomSplit(Chronological):
    """Deals windows out at random, as train_test_split does."""

    def __call__(self, candles, end, label_end, first_row):
        return np.random.default_rng(0).choice(3, len(end), p=[0.7, 0.15, 0.15]).astype(np.int8)


class AllRows(SampleSet):
    """Fits its scaling on everything."""

    def _fitted_on(self):
        return self.prepared.ends


class NextClose(Relative):
    """Says whether the next close is higher."""

    def __call__(self, candles, ends, window):
        following = np.minimum(ends + 1, len(candles) - 1)
        words = np.where(candles.close[following] > candles.close[ends], "up", "down")
        return [f"{text} next {word}" for text, word in zip(super().__call__(candles, ends, window), words)]


class Ahead:
    """A chart whose last candle is the next one."""

    def __init__(self, renderer):
        self.renderer, self.window, self.warmup, self.shape = renderer, renderer.window, renderer.warmup, renderer.shape

    def draw(self, candles, ends):
        return self.renderer.draw(candles, np.minimum(ends + 1, len(candles) - 1))


def scaled_on_everything(_):
    data, scaling = pipeline()
    data.__class__ = AllRows
    return audit_data(data, scaling=scaling)


def drawn_ahead(_):
    data, scaling = pipeline()
    return audit_data(data.having(renderer=Ahead(data.renderer)), scaling=scaling)


def joined_over_a_gap(_):
    tape = tape_of()
    holed = tape.select(np.r_[0:400, 420 : len(tape)])
    return audited(tape=replace(holed, segment=np.zeros(len(holed), np.int32)))


def still_open(_):
    tape = tape_of()
    hour = 3_600_000
    now = int(time.time() * 1000) // hour * hour
    return audited(tape=at_clock(tape, now - int(tape.time[-1])))


def coarse(shift):
    """Four-hour bars whose time is `shift` intervals off."""

    def audit(_):
        data, scaling = pipeline("data.resample=4h", "data.source.bars=3600")
        tape = data.tape
        return audit_data(data.having(tape=at_clock(tape, shift * 4 * 3_600_000)), scaling=scaling)

    return audit


def with_indicators(compute, warmup=0, kind=OfClose):
    return lambda _: audited(indicators=kind(compute, warmup))


TWO = ("data.symbols=[AAA,BBB]", "data.source.bars=600")
LEAKS = [
    Leak(
        "indicator with center",
        with_indicators(lambda c: c.rolling(5, center=True).mean(), 2),
        "look-ahead",
        "data.indicators, planted, SIM at ",
    ),
    Leak(
        "indicator filled backwards",
        with_indicators(lambda c: c.rolling(50).mean().bfill()),
        "look-ahead",
        "data.indicators, planted, SIM at 2020-01-01 0",
    ),
    Leak("mean of the whole history", with_indicators(lambda c: c - c.mean()), "look-ahead", "data.indicators"),
    Leak(
        "shift into the future",
        with_indicators(lambda c: c.diff().shift(-1).fillna(0.0)),
        "look-ahead",
        "data.indicators",
    ),
    Leak(
        "bars left until the end",
        with_indicators(lambda c: pd.Series(np.arange(len(c))[::-1])),
        "look-ahead",
        "data.indicators, planted, SIM at 2020-01-0",
    ),
    Leak(
        "next close after large moves only",
        with_indicators(lambda c: c.shift(-1).where(c.diff().abs() > 0.018, 0.0).fillna(0.0)),
        "look-ahead",
        "data.indicators, planted, SIM at 2020-01-",
    ),
    Leak(
        "warm-up too short",
        with_indicators(lambda c: c.ewm(span=200, adjust=False).mean() - c, 5, SegmentWise),
        "warm-up too short",
        "data.indicators, planted",
    ),
    Leak(
        "indicator over segment borders",
        lambda _: audited(*TWO, indicators=OfClose(lambda c: c.rolling(12).mean().bfill(), 0)),
        "segment border crossed",
        "data.indicators, planted, BBB at 2020-01-01 0",
    ),
    Leak(
        "order of symbols",
        lambda _: audited(*TWO, indicators=BySymbol()),
        "depends on the order of symbols",
        "data.indicators",
    ),
    Leak("resampled too early", coarse(-1), "resampled on the wrong side", "data.resample"),
    Leak("resampled too late", coarse(1), "resampled on the wrong side", "data.resample"),
    Leak(
        "body called a forecast",
        lambda _: audited(label=BodyForecast(threshold=0.0)),
        "label reads its own window",
        "data.label, SIM at",
    ),
    Leak(
        "label centred on the window",
        lambda _: audited(label=Centred(horizon=5, ties="drop")),
        "label reads bars of its own window",
        "data.label, SIM at",
    ),
    Leak(
        "label end too early",
        lambda _: audited(label=Peeking(horizon=1, ties="drop")),
        "label reads further than its label_end",
        "data.label, SIM at",
    ),
    Leak("scaler on all rows", scaled_on_everything, "scaling fitted outside of training", "data.scaling"),
    Leak(
        "purge missing",
        lambda _: audited(label=Direction(horizon=5, ties="drop"), split=RowSplit(**SPLIT)),
        "purge missing",
        "data.split, SIM at 2020-01-2",
    ),
    Leak(
        "random split of windows",
        lambda _: audited(split=RandomSplit(**SPLIT)),
        "purge missing",
        "data.split, SIM at 2020-01-",
    ),
    Leak(
        "caption with a future field",
        lambda _: audited(caption=NextClose(length=64)),
        "look-ahead",
        "data.caption, caption, SIM at",
    ),
    Leak("chart of the next candle", drawn_ahead, "look-ahead", "render, chart, SIM at"),
    Leak("gap inside a segment", joined_over_a_gap, "segment border missing", "candles, SIM at 2020-01-18 12:00"),
    Leak("last bar still open", still_open, "unclosed last bar", "candles, SIM at"),
]

CLEAN = [
    Clean(f"pipeline {name}", lambda _, overrides=overrides: audited(*overrides))
    for name, overrides in {
        "of a random walk": ("data.source.edge=0.0", "data/indicators=classic"),
        "of a planted edge": ("data.source.edge=0.3", "data/indicators=wide"),
        "of two symbols": (*TWO, "data/indicators=minimal"),
        "of coarser bars": ("data.resample=4h", "data.source.bars=3600", "data/label=three_class"),
        "of thinned bars": ("data.thin=0.3", "data/label=balanced"),
        "of barriers": ("data/label=triple_barrier", "data/indicators=bars"),
        "of a sequence edge": ("data.source.feature=sequence", "data.source.feature_window=6", "data/scaling=robust"),
        "of raw bars": ("data/indicators=raw", "data/caption=candlefusion", "data/scaling=minmax"),
        "of walk-forward folds": ("data/split=walk_forward", "data/label=next_return"),
        "of a drawn colour": ("data/label=last_candle",),
        "of years to come": ("data.start=2090-01-01",),
    }.items()
]
