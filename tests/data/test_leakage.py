"""Leakage controls on the whole pipeline, each with a deliberately broken twin that it catches."""

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch

from candlelab.config import build, compose
from candlelab.data.baseline_inputs import last_classes
from candlelab.data.batches import pixel_statistics
from candlelab.data.label.direction import Direction
from candlelab.data.label.three_class import ThreeClass
from candlelab.data.scaling import Standard
from candlelab.data.split.chronological import Chronological

OVERRIDES = (*tiny.TINY, "data.source.bars=900", "data/indicators=classic")
COLUMNS = ("open", "high", "low", "close", "volume")


class Given:
    """A source that hands out the bars it was given."""

    def __init__(self, candles):
        self.candles = candles

    def fetch(self, symbols, interval, start, end):
        return self.candles


def pipeline(candles=None, **parts):
    """The data module of the tiny run, over other bars and with other parts where given."""
    cfg = compose(*OVERRIDES)
    data = build(cfg, "data", build(cfg, "render"))
    data = data.having(reads=("image", "series", "caption"))
    for name, part in parts.items():
        setattr(data, name, part)
    if candles is not None:
        data.source = Given(candles)
    return data


@pytest.fixture(scope="module")
def honest():
    return pipeline()


def rewritten(candles, first, factor):
    """The same tape with every bar from row `first` on multiplied, volumes too."""
    changed = {name: getattr(candles, name).copy() for name in COLUMNS}
    for column in changed.values():
        column[first:] *= factor * np.random.default_rng(0).lognormal(0, 0.05)
    return replace(candles, **changed)


def inputs(data, samples):
    batch = data.assemble(torch.as_tensor(samples))
    return (
        batch["image"],
        batch["caption"],
        torch.from_numpy(data.indicators(data.prepared.candles)[data.prepared.ends[samples]]),
    )


def same_inputs(one, two, cut):
    samples = np.flatnonzero(one.prepared.ends < cut)[::7]
    return all(torch.equal(a, b) for a, b in zip(inputs(one, samples), inputs(two, samples)))


def same_labels(one, two, cut):
    known = one.prepared.labels.label_end[one.prepared.ends] < cut
    rows = one.prepared.ends[known & (one.prepared.ends < cut)]
    return np.array_equal(one.prepared.labels.label[rows], two.prepared.labels.label[rows])


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e4])
def test_rewriting_the_future_changes_no_input_and_no_known_label(honest, factor):
    other = pipeline(rewritten(honest.prepared.candles, 600, factor))
    assert same_inputs(honest, other, 600) and same_labels(honest, other, 600)


def test_cutting_the_future_off_changes_no_input_and_no_known_label(honest):
    other = pipeline(honest.prepared.candles.select(slice(0, 600)))
    assert same_inputs(honest, other, 500)
    assert np.array_equal(honest.prepared.labels.label[:590], other.prepared.labels.label[:590])


class PeekingLabel(Direction):
    """A label of horizon 5 that claims to be known after one bar."""

    def __call__(self, candles, window):
        made = Direction(horizon=5, ties="drop")(candles, window)
        return replace(made, label_end=np.where(made.label_end >= 0, np.arange(len(candles)) + 1, -1))


def test_a_label_that_looks_further_than_it_says_is_caught(honest):
    broken = [
        pipeline(tape, label=PeekingLabel(horizon=1, ties="drop"))
        for tape in (honest.prepared.candles, rewritten(honest.prepared.candles, 600, 1.5))
    ]
    assert not same_labels(*broken, 600)


def fitted(data):
    """Everything that is fitted on data, as numbers."""
    _ = data.series
    mean, std = pixel_statistics(data)
    scaler = data.scaling.to_dict()
    return np.concatenate([scaler["centre"], scaler["scale"], mean, std, data.class_counts])


def after_training(data):
    """The first row that no training window or label touches."""
    ends = data.prepared.ends[data.samples("train")]
    return int(data.prepared.labels.label_end[ends].max()) + 1


def test_validation_and_test_rows_change_nothing_that_is_fitted(honest):
    other = pipeline(rewritten(honest.prepared.candles, after_training(honest), 3.0))
    assert np.array_equal(fitted(honest), fitted(other))


class GreedyScaler(Standard):
    """Ignores which rows it is given and fits on all it can reach."""

    everything = None

    def fit(self, values):
        return super().fit(self.everything)


def test_a_scaler_fitted_on_all_rows_is_caught(honest):
    found = []
    for tape in (honest.prepared.candles, rewritten(honest.prepared.candles, after_training(honest), 3.0)):
        greedy = GreedyScaler(clip=None)
        data = pipeline(tape, scaling=greedy)
        greedy.everything = data.indicators(tape)
        found.append(fitted(data))
    assert not np.array_equal(*found)


def overlapping(data):
    """How many label intervals of training and validation reach into the next part."""
    made = data.prepared
    count = 0
    for earlier, later in (("train", "validation"), ("validation", "test")):
        start = made.ends[data.samples(later)].min()
        count += int((made.labels.label_end[made.ends[data.samples(earlier)]] >= start).sum())
    return count


def test_no_label_of_an_earlier_part_reaches_into_a_later_one():
    assert overlapping(pipeline(label=Direction(horizon=5, ties="drop"))) == 0


def test_no_chart_occurs_in_two_parts(honest):
    seen = [
        {chart.tobytes() for chart in honest.charts(honest.prepared.ends[honest.samples(part)])}
        for part in ("train", "validation", "test")
    ]
    assert not (seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2])


class RowSplit(Chronological):
    """Cuts the rows in order and purges nothing."""

    def __call__(self, candles, end, label_end, first_row):
        return np.repeat(
            np.array([0, 1, 2], np.int8),
            [len(end) * 7 // 10, len(end) // 10, len(end) - len(end) * 7 // 10 - len(end) // 10],
        )


def test_a_split_without_purge_is_caught():
    settings = {
        "train": 0.7,
        "validation": 0.15,
        "validation_start": None,
        "test_start": None,
        "purge": "label",
        "embargo": 0,
    }
    assert overlapping(pipeline(label=Direction(horizon=5, ties="drop"), split=RowSplit(**settings))) > 0


def test_moves_across_a_gap_are_never_seen(honest):
    tape = honest.prepared.candles
    holed = pipeline(tape.select(np.r_[0:400, 420:900]))
    made = holed.prepared
    first = made.ends - holed.window - holed.warmup + 1
    assert (made.candles.segment[first] == made.candles.segment[made.labels.label_end[made.ends]]).all()


def three_classes():
    return pipeline(label=ThreeClass(horizon=3, threshold=0.5, unit="sigma"))


def test_last_class_is_the_label_rule_on_the_bars_just_seen():
    data = three_classes()
    ends = data.prepared.ends[10:200]
    close, sigma = data.prepared.candles.close, data.prepared.labels.sigma
    moved, theta = close[ends] / close[ends - 3] - 1, 0.5 * sigma[ends - 3]
    assert (
        last_classes(data.prepared, ends, data.label) == np.where(moved > theta, 2, np.where(moved < -theta, 0, 1))
    ).all()
    assert set(last_classes(data.prepared, ends, data.label)) == {0, 1, 2}


def test_last_class_knows_nothing_of_the_future():
    honest = three_classes()
    cut = 600
    other = pipeline(rewritten(honest.prepared.candles, cut, 3.0), label=honest.label)
    ends = np.arange(100, cut)
    assert (last_classes(honest.prepared, ends, honest.label) == last_classes(other.prepared, ends, other.label)).all()
