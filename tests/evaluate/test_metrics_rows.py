"""Effective sample size and intervals."""

import numpy as np
import pandas as pd
import pytest

from candlelab.evaluate import intervals, mean_error, metrics
from candlelab.evaluate.classification import Predicted, classify
from candlelab.evaluate.rows import Rows, average_uniqueness

HOUR = 3_600_000


def rows_of(symbols, per_symbol, *, horizon=1, stride=1):
    frame = pd.DataFrame(
        {
            "symbol": np.repeat([f"S{k}" for k in range(symbols)], per_symbol),
            "segment": 0,
            "time": np.tile(HOUR * stride * np.arange(per_symbol), symbols),
        }
    )
    return Rows.of(frame, horizon=horizon, interval="1h")


def test_uniqueness_of_the_worked_intervals():
    first, last = np.array([0, 1, 2, 5]), np.array([2, 3, 3, 6])
    assert average_uniqueness(first, last) == pytest.approx([0.6111, 0.4444, 0.4167, 1.0], abs=5e-5)


@pytest.mark.parametrize(
    ("horizon", "stride", "worth"), [(1, 1, 1.0), (5, 1, 1 / 5), (20, 1, 1 / 20), (4, 2, 1 / 2), (3, 5, 1.0)]
)
def test_overlapping_labels_are_worth_n_over_h(horizon, stride, worth):
    rows = rows_of(1, 4000, horizon=horizon, stride=stride)
    assert rows.independent / 4000 == pytest.approx(worth, rel=0.01)


def test_a_symbol_and_its_copy_are_worth_one():
    right = np.random.default_rng(0).integers(0, 2, 2000).astype(float)
    assert rows_of(2, 2000).effective_size(np.tile(right, 2)) == pytest.approx(2000, rel=0.05)


def test_unrelated_symbols_are_worth_all_rows():
    right = np.random.default_rng(0).integers(0, 2, 30_000).astype(float)
    assert rows_of(3, 10_000).effective_size(right) == pytest.approx(30_000, rel=0.03)


def test_effective_size_never_exceeds_the_rows():
    assert rows_of(1, 500).effective_size(np.arange(500) % 2.0) == pytest.approx(500)


def test_overlap_makes_no_difference_where_answers_have_no_memory():
    rng = np.random.default_rng(0)
    right = np.sign(np.convolve(rng.normal(size=6004), np.ones(5), "valid")) * rng.choice([-1, 1], 6000)
    assert rows_of(1, 6000, horizon=5).effective_size(right) == pytest.approx(6000, rel=0.06)


def test_answers_held_over_the_horizon_count_once_a_horizon():
    right = np.repeat(np.random.default_rng(0).choice([0.0, 1.0], 2000), 5)
    assert rows_of(1, 10_000, horizon=5).effective_size(right) == pytest.approx(2000, rel=0.15)


def test_a_coin_under_two_names_labelled_a_bar_apart_counts_once():
    right = np.random.default_rng(0).choice([0.0, 1.0], 5001)
    twice = np.r_[right[1:], right[:-1]]
    assert rows_of(2, 5000).effective_size(twice) == pytest.approx(5000, rel=0.05)


def test_lags_are_bars_and_not_rows():
    rows, right = rows_of(1, 9000, horizon=3), np.repeat(np.random.default_rng(0).choice([0.0, 1.0], 3000), 3)
    keep = np.arange(9000) % 3 != 1
    assert rows.take(keep).effective_size(right[keep]) == pytest.approx(3000, rel=0.1)


def test_calm_and_lively_times_widen_what_lasts_as_long():
    rng = np.random.default_rng(0)
    lively = np.repeat(rng.random(60) < 0.5, 50)
    rows, label, said = (
        rows_of(1, 3000),
        rng.random(3000) < np.where(lively, 0.8, 0.2),
        np.repeat(rng.normal(size=60), 50),
    )
    parts = metrics.auroc_parts(label, said)
    cosines = mean_error.cosines_for(3000, mean_error.lasting_time(said, rows))
    assert mean_error.of_lasting_mean(parts, rows, cosines).error > 3 * mean_error.error_of_mean(parts, rows).error


def test_few_values_that_vary_leave_few_degrees_of_freedom():
    few = np.zeros(1000)
    few[:4] = 1.0
    assert (
        mean_error.error_of_mean(few, rows_of(1, 1000)).freedom
        < 9
        < 900
        < mean_error.error_of_mean(np.arange(1000) % 2.0, rows_of(1, 1000)).freedom
    )


def test_recognition_labels_do_not_overlap():
    assert rows_of(1, 300, horizon=0).independent == 300


def test_rows_out_of_order_are_refused():
    frame = pd.DataFrame({"symbol": ["A", "A"], "segment": 0, "time": [HOUR, HOUR]})
    with pytest.raises(ValueError, match="a row twice"):
        Rows.of(frame, horizon=1, interval="1h")


def test_strided_rows_have_fewer_bars_a_year():
    assert rows_of(1, 100, stride=2).per_year == pytest.approx(4380)


def test_reversal_on_a_year_of_hours_has_the_published_interval():
    assert intervals.wilson(0.531, 8760, 0.95) == pytest.approx((0.520, 0.541), abs=1e-3)


def test_majors_that_move_together_count_like_fewer(shared):
    parts = []
    for path in sorted((shared / "clean").glob("*_1h.csv.gz")):
        bars = pd.read_csv(path).assign(symbol=path.name.split("_")[0], segment=0)
        move = bars["close"].pct_change()
        bars["right"] = (np.sign(move.shift(1)) != np.sign(move)).astype(float)
        parts.append(bars.iloc[2:].assign(time=np.arange(2, len(bars)) * HOUR))
    frame = pd.concat(parts, ignore_index=True)
    worth = Rows.of(frame, horizon=1, interval="1h").effective_size(frame["right"].to_numpy()) / len(frame)
    assert worth == pytest.approx(12_380 / 29_827, abs=0.08)


@pytest.mark.parametrize(
    "name", ["accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc", "auprc", "brier", "log_loss", "ece"]
)
def test_every_interval_holds_its_value(name):
    rng = np.random.default_rng(0)
    p = rng.dirichlet([3, 4, 3], 900)
    none = np.full(900, np.nan)
    given = Predicted(rng.integers(0, 3, 900), p, none, none, none, rows_of(3, 300, horizon=2))
    found = classify(given, ("down", "neutral", "up"), confidence_level=0.95, n_bins=10, n_bootstrap=100, seed=0)
    assert found[name + "_low"] < found[name] < found[name + "_high"]


def test_intervals_of_noise_hold_chance_nineteen_times_in_twenty():
    rng, inside = np.random.default_rng(0), []
    for _ in range(200):
        up, score = rng.random(400) < 0.5, rng.normal(size=400)
        low, high = intervals.of_auroc(up, score, rows_of(1, 400), 0.95)
        inside.append(low < 0.5 < high)
    assert 0.91 <= np.mean(inside) <= 0.99


def _memory_from_all_lags(values):
    size = len(values)
    products = np.correlate(values - values.mean(), values - values.mean(), "full")[size - 1 :]
    time = 2 * np.cumsum(products / products[0]) - 1
    enough = np.flatnonzero(np.arange(size) >= 5 * time)
    return max(time[enough[0]] if len(enough) else time.max(), 1.0)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, 0.99, 0.9999])
def test_short_and_long_memories_are_those_of_all_lags(memory):
    noise, values = np.random.default_rng(2).normal(size=2000), np.zeros(2000)
    for k in range(1, 2000):
        values[k] = memory * values[k - 1] + noise[k]
    assert mean_error.integrated_time([values]) == pytest.approx(_memory_from_all_lags(values), rel=1e-9)
