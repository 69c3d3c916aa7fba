"""Made-up chart patterns: each has its shape, and nothing but the shape tells them apart."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.neighbors import KNeighborsClassifier

from candlelab.config import compose
from candlelab.data.label.pattern import PatternName
from candlelab.data.source.chart_shapes import NAMES, PATTERNS
from candlelab.data.source.patterns import Patterns
from candlelab.render.candles import CandleChart

SETTINGS = {"seed": 0, "samples": 200, "window": 60, "history": 5, "difficulty": 0.4, "none": False}


def samples(**changes):
    source = Patterns(**SETTINGS | changes)
    return source, source.fetch([], "1h", None, None)


@cache
def many():
    """4000 samples, with rows (n, 60), classes (n,) and time order."""
    _, candles = samples(samples=4000)
    ends = np.flatnonzero(candles.position == 64)
    ends = ends[np.argsort(candles.time[ends])]
    return candles, ends[:, None] + np.arange(-59, 1), candles.symbol[ends]


def nearest_neighbour_accuracy(features, classes):
    features = np.asarray(features, float).reshape(len(classes), -1)
    features = (features - features.mean(0)) / features.std(0)
    train = slice(0, len(classes) * 3 // 4)
    test = slice(train.stop, None)
    return KNeighborsClassifier(1).fit(features[train], classes[train]).score(features[test], classes[test])


@cache
def charts():
    """Mean of each colour channel of a chart of every sample, (n, 3)."""
    recipe = yaml.safe_load((Path(__file__).parents[2] / "conf" / "render" / "candles.yaml").read_text())
    settings = {name: value for name, value in recipe.items() if name not in ("defaults", "_target_")}
    renderer = CandleChart(**settings | {"window": 60, "height": 64, "width": 64, "storage": None})
    candles, rows, _ = many()
    return np.concatenate([renderer.draw(candles, part).mean((2, 3)) for part in np.array_split(rows[:, -1], 8)])


def test_same_seed_gives_the_same_samples_and_more_begin_alike():
    (_, few), (_, again), (_, more) = samples(samples=20), samples(samples=20), samples(samples=40)
    first = np.isin(more.time, few.time)
    assert np.array_equal(few.close, again.close)
    assert np.array_equal(np.sort(few.close), np.sort(more.close[first]))


def test_every_block_of_samples_is_balanced():
    _, _, classes = many()
    assert all((np.bincount(block, minlength=10) == 1).all() for block in classes.reshape(-1, 10))


def test_each_sample_is_one_segment_of_its_class():
    _, candles = samples(none=True)
    assert candles.segment[-1] == 199 and candles.position.max() == 64 and candles.symbols == NAMES


def test_bars_of_a_sample_follow_each_other():
    candles, rows, _ = many()
    assert np.array_equal(candles.open[rows[:, 1:]], candles.close[rows[:, :-1]])


def test_label_names_the_pattern_at_the_last_bar_only():
    _, candles = samples()
    rule = PatternName(none=False)
    labels = rule(candles, 60)
    ends = np.flatnonzero(labels.label >= 0)
    assert (rule.kind, len(ends)) == ("recognition", 200) and (candles.position[ends] == 64).all()
    assert np.array_equal(labels.label[ends], candles.symbol[ends]) and np.array_equal(labels.label_end[ends], ends)


def test_label_refuses_a_market():
    from candlelab.data.source.simulated import Simulated

    market = Simulated(seed=0, bars=99, volatility=0.01, edge=0.0, feature="sequence", feature_window=4).fetch(
        ["SIM"], "1h", None, None
    )
    with pytest.raises(ValueError, match="data/source=patterns"):
        PatternName(none=False)(market, 60)


def test_textbook_directions_belong_to_their_patterns():
    rule = PatternName(none=True)
    bullish = {name for name, way in zip(rule.classes, rule.directions, strict=True) if way > 0}
    assert bullish == {"double_bottom", "ascending_triangle", "cup_and_handle", "bullish_flag", "breakout"}


@pytest.mark.parametrize("pattern", PATTERNS, ids=NAMES)
def test_knots_run_from_start_to_end_within_the_height(pattern):
    for seed in range(50):
        shape = pattern(np.random.default_rng(seed))
        assert shape.time[0] == 0 and np.isclose(shape.time[-1], 1) and (np.diff(shape.time) > 0).all()
        assert shape.height.min() == 0 and shape.height.max() == 1 and (shape.volume > 0).all()
        assert len(shape.time) == len(shape.height) == len(shape.volume)


def test_head_and_shoulders_has_a_head_between_two_shoulders():
    for seed in range(50):
        _, left, trough, head, other, right, end = PATTERNS[0](np.random.default_rng(seed)).height
        assert head > max(left, right) > max(trough, other) and end < max(trough, other)
        assert abs(left - right) < 0.2


def test_triangles_converge_on_their_level_side():
    for seed in range(50):
        height = PATTERNS[3](np.random.default_rng(seed)).height
        bottoms, tops = height[height < 0.88], height[height > 0.88]
        assert (np.diff(bottoms) > 0).all() and np.ptp(tops) < 0.1


def test_redraw_brings_new_samples_of_the_same_classes_and_leaves_the_others_alone():
    source, candles = samples()
    before = candles.close.copy()
    ends = np.flatnonzero(candles.position == 64)[::2]
    source.redraw(candles, ends, epoch=1)
    touched = np.isin(candles.segment, candles.segment[ends])
    assert (
        np.array_equal(candles.close[~touched], before[~touched]) and (candles.close[touched] != before[touched]).all()
    )
    candles.check()
    source.redraw(candles, ends, epoch=0)
    assert np.array_equal(candles.close, before)


@pytest.mark.parametrize("colours", [slice(0, 3), None], ids=["mean colour", "image mean"])
def test_mean_of_the_picture_does_not_tell_the_pattern(colours):
    features = charts()[:, colours] if colours else charts().mean(1)
    assert abs(nearest_neighbour_accuracy(features, many()[2]) - 0.1) < 0.05


def test_last_return_does_not_tell_the_pattern():
    candles, rows, classes = many()
    last = candles.close[rows[:, -1]] / candles.close[rows[:, -2]]
    assert abs(nearest_neighbour_accuracy(last, classes) - 0.1) < 0.05


def test_total_volume_does_not_tell_the_pattern():
    candles, rows, classes = many()
    assert abs(nearest_neighbour_accuracy(candles.volume[rows].sum(1), classes) - 0.1) < 0.05


def test_net_move_and_range_do_not_tell_the_pattern():
    candles, rows, classes = many()
    net = np.log(candles.close[rows[:, -1]] / candles.open[rows[:, 0]])
    span = np.log(candles.high[rows].max(1) / candles.low[rows].min(1))
    assert abs(nearest_neighbour_accuracy(np.stack([net, span], 1), classes) - 0.1) < 0.05


def test_the_whole_shape_does_tell_the_pattern():
    candles, rows, classes = many()
    path = np.log(candles.close[rows])
    path = (path - path.min(1, keepdims=True)) / np.ptp(path, axis=1)[:, None]
    assert nearest_neighbour_accuracy(path, classes) > 0.6


def test_difficulty_drowns_the_shape():
    found = []
    for difficulty in (0.0, 0.5, 1.0):
        _, candles = samples(samples=1500, difficulty=difficulty)
        ends = np.flatnonzero(candles.position == 64)
        ends = ends[np.argsort(candles.time[ends])]
        path = np.log(candles.close[ends[:, None] + np.arange(-59, 1)])
        path = (path - path.min(1, keepdims=True)) / np.ptp(path, axis=1)[:, None]
        found.append(nearest_neighbour_accuracy(path, candles.symbol[ends]))
    assert found[0] > found[1] + 0.1 > found[2] + 0.2


def test_symbols_choose_patterns():
    candles = Patterns(**SETTINGS).fetch(["double_top", "breakout"], "1h", None, None)
    assert set(candles.symbol.tolist()) == {NAMES.index("double_top"), NAMES.index("breakout")}


def test_symbol_that_is_no_pattern_is_refused():
    with pytest.raises(ValueError, match=r"data\.symbols"):
        Patterns(**SETTINGS).fetch(["BTCUSDT"], "1h", None, None)


@pytest.mark.parametrize("broken", [{"difficulty": 1.5}, {"window": 10}, {"samples": 0}, {"history": -1}])
def test_settings_out_of_range_are_refused(broken):
    with pytest.raises(ValueError, match="set"):
        Patterns(**SETTINGS | broken)


@pytest.mark.parametrize("experiment", ["patterns", "cryptoai_patterns"])
def test_the_presets_know_windows_without_a_pattern(experiment):
    cfg = compose(f"experiment={experiment}", "pretrained=false")
    assert cfg.data.source.none is True and cfg.data.label.none is True
