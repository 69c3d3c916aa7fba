"""Ten lines of our own code, each broken by one patch: the audit of the pipeline names what broke."""

from dataclasses import replace

import numpy as np
import pytest
import tiny

from candlelab.config import compose
from candlelab.data import caption, prepared, samples, windows
from candlelab.data.indicators import classic, formulas
from candlelab.data.label import direction, outcomes
from candlelab.data.split import chronological, parts
from candlelab.evaluate import score
from candlelab.market import resample
from candlelab.pipeline.audits import pipelines as audit

COARSE = ("data.resample=4h", "data.source.bars=3600")
TWO = ("data.symbols=[AAA,BBB]",)
CLASSIC = ("data/indicators=classic",)


def purge(patch):
    patch.setattr(chronological, "purged", lambda part, start, stop, *, gap: parts.filled(part))


def scaler_rows(patch):
    patch.setattr(samples.SampleSet, "_fitted_on", lambda data: data.prepared.ends)


def threshold_part(patch):
    chosen = score.Evaluation.chosen

    def on_test(rule, found, **more):
        return chosen(rule, found | {"val": found["test"]}, **more)

    patch.setattr(score.Evaluation, "chosen", on_test)


def label_end(patch):
    honest = outcomes.labels_of

    def early(candles, label, forward, horizon, theta):
        made = honest(candles, label, forward, horizon, theta)
        return replace(made, label_end=np.where(made.label_end >= 0, np.arange(len(label)) + 1, -1))

    patch.setattr(direction, "labels_of", early)


def warm_up(patch):
    made = classic.Classic.__init__

    def short(self, **settings):
        made(self, **settings)
        self.warmup = 40

    patch.setattr(classic.Classic, "__init__", short)


def resample_side(patch):
    honest = resample.floor_open
    patch.setattr(resample, "floor_open", lambda time, interval: honest(time, interval) - 4 * 3_600_000)


def caption_field(patch):
    honest = caption.relative_levels
    patch.setattr(
        caption, "relative_levels", lambda c, ends, window: honest(c, np.minimum(ends + 1, len(c) - 1), window)
    )


def indicator_window(patch):
    honest = formulas.volatility
    patch.setattr(classic, "volatility", lambda close, bars: np.append(honest(close, bars)[3:], np.zeros(3)))


def segment_border(patch):
    honest = windows.valid_ends
    patch.setattr(
        prepared, "valid_ends", lambda tape, **asked: honest(replace(tape, segment=tape.segment * 0), **asked)
    )


def last_bar(patch):
    patch.setattr(resample, "next_open", lambda time, interval: time)


BROKEN = {
    purge: (("data.label.horizon=5",), "purge missing", "data.split"),
    scaler_rows: ((), "scaling fitted outside of training", "data.scaling"),
    threshold_part: ((), "threshold chosen on test", "evaluate.threshold"),
    label_end: (("data.label.horizon=5",), "label reads further than its label_end", "data.label"),
    warm_up: (CLASSIC, "warm-up too short", "data.indicators"),
    resample_side: (COARSE, "resampled on the wrong side", "data.resample"),
    caption_field: ((), "look-ahead", "data.caption"),
    indicator_window: (CLASSIC, "look-ahead", "data.indicators"),
    segment_border: (TWO, "window across a segment border", "windows, BBB"),
    last_bar: (("data.resample=4h", "data.source.bars=3598"), "unclosed last bar", "candles, SIM"),
}


@pytest.mark.parametrize("line", BROKEN, ids=lambda line: line.__name__)
def test_one_broken_line_of_ours_is_named(line, monkeypatch):
    overrides, name, place = BROKEN[line]
    line(monkeypatch)
    found = audit.audit_pipeline(compose(*tiny.TINY, "data.source.bars=900", *overrides)).leaks
    assert any(each.name == name and place in each.place for each in found), found
