"""Small versions of task=simulate: the verdict is true at every horizon."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from candlelab.evaluate import simulation, worlds
from candlelab.evaluate.classification import direction_scores
from candlelab.evaluate.worlds import World

COUNT = 120
EASY, HARD = World(1, 1, 0.0, "plain", two_valued=True), World(5, 1, 0.98, "plain", two_valued=False)
LONG, POOLED = World(24, 1, 0.98, "plain", two_valued=False), World(5, 3, 0.98, "ties", two_valued=False)
RISING, LIVELY = World(1, 2, 0.98, "drift", two_valued=True), World(5, 1, 0.0, "calm and lively", two_valued=False)
CELLS = pytest.mark.parametrize(
    "world",
    [EASY, HARD, LONG, POOLED, RISING, LIVELY],
    ids=["two-valued", "h5", "h24", "ties-3-coins", "drift", "calm and lively"],
)


@cache
def cell(world):
    return simulation.score_worlds(world, count=COUNT, bars=1000, seed=0)


def plausible(share, expected):
    """Whether so many of the worlds may well have been drawn at the expected rate: one test in a thousand fails by luck."""
    low, high = binom.ppf([0.0005, 0.9995], COUNT, expected) / COUNT
    return low <= share <= high


@CELLS
def test_knowing_nothing_is_seldom_called_information(world):
    assert plausible(cell(world).information, 0.025) and cell(world).money < 0.05 and cell(world).beyond < 0.07


@CELLS
@pytest.mark.parametrize("measure", ["direction", "difference", "balanced", "mcc", "accuracy", "log_loss", "sharpe"])
def test_intervals_hold_the_truth_nineteen_times_in_twenty(world, measure):
    assert plausible(cell(world).coverage[measure], 0.95)


@CELLS
@pytest.mark.parametrize("test", ["direction", "accuracy"])
def test_paired_p_values_of_two_know_nothings_are_uniform(world, test):
    assert cell(world).ks[test] > 0.001


@CELLS
def test_the_smallest_edge_is_found_in_80_of_100_worlds(world):
    assert plausible(cell(world).power, 0.81)


def test_intervals_are_no_wider_than_answers_without_memory_deserve():
    """With n/h rows as its worth, a know-nothing model's z would have a standard deviation of 0.45 at horizon 5."""
    world, z = World(5, 1, 0.0, "plain", two_valued=False), []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        sample = worlds.draw_world(world, 600, rng)
        found = direction_scores(simulation.predicted(sample, worlds.lean(sample, 0.0, rng), rng), 0.95)
        half = (found["auroc_direction_high"] - found["auroc_direction_low"]) / 2
        z.append((found["auroc_direction"] - 0.5) / half * 1.96)
    assert np.std(z) == pytest.approx(1.0, abs=0.17)


def test_volatility_is_seldom_called_known_by_answers_that_linger_in_lively_markets():
    lingering = simulation.score_worlds(
        World(1, 2, 0.98, "calm and lively", two_valued=True), count=COUNT, bars=1000, seed=0
    )
    assert plausible(lingering.volatility, 0.025) and plausible(lingering.coverage["accuracy"], 0.95)


@pytest.mark.parametrize("two_valued", [False, True])
def test_a_skill_gives_the_auroc_it_was_made_for(two_valued):
    world = World(1, 1, 0.0, "drift", two_valued)
    rng = np.random.default_rng(0)
    skill = worlds.skill_for(world, 0.58, rng)
    sample = worlds.draw_world(world, 60_000, rng)
    found = direction_scores(simulation.predicted(sample, worlds.lean(sample, skill, rng), rng), 0.95)
    assert found["auroc_direction"] == pytest.approx(0.58, abs=0.008)


def test_coarse_ticks_leave_a_quarter_of_the_moves_at_zero():
    sample = worlds.draw_world(World(5, 2, 0.0, "ties", two_valued=False), 3000, np.random.default_rng(0))
    assert np.mean(sample.label < 0) == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_answers_have_the_memory_and_spread_they_were_made_with(memory):
    made = worlds.remembered(1, 40_000, memory, 0.0, np.random.default_rng(0))[0]
    assert np.corrcoef(made[1:], made[:-1])[0, 1] == pytest.approx(memory, abs=0.02) and made.std() == pytest.approx(
        1, abs=0.05
    )
