"""Worlds of which one part of a picture carries the gain: their truth at the mechanism, and the ladder trained on them."""

from itertools import combinations

import numpy as np
import pytest

from candlelab.config import ConfigError, build, compose
from candlelab.data.source.planted import WORLDS, Planted, leans, prices_of
from candlelab.pipeline.studies import planted_ladder
from candlelab.pipeline.studies.planted_ladder import WORLD_OF, jobs_of_world, named_part

WINDOW = 5
QUIET = ("task=simulate_ladder", "trainer=cpu", "trainer.progress=none")
SETTINGS = ["data.window=5", "data.source.bars=500", "data.source.auroc=0.65", "model.epochs=1"]
LADDER = ["_logistic_image", "_cnn_small_jkx"]


def world(name, bars=20_000):
    source = Planted(seed=1, bars=bars, volatility=0.005, world=name, auroc=0.65, feature_window=WINDOW)
    tape = source.fetch(["PLANTED"], "1h", None, None)
    lean = leans(WORLDS.index(name), *prices_of(tape), tape.position, WINDOW)
    return tape, lean


def signs(tape):
    """(N, 3): the colours of a bar and the two before it."""
    colour = np.sign(tape.close - tape.open)
    return np.stack([np.roll(colour, age) for age in range(3)], 1)


def test_height_is_a_line_in_numbers_scaled_by_the_window():
    tape, lean = world("height")
    window = np.lib.stride_tricks.sliding_window_view
    top, bottom = window(tape.high, WINDOW).max(1)[1:], window(tape.low, WINDOW).min(1)[1:]
    assert lean[WINDOW:] == pytest.approx(1 - 2 * (tape.close[WINDOW:] - bottom) / (top - bottom))


def test_height_is_lost_in_raw_numbers():
    tape, lean = world("height")
    known = np.isfinite(lean)
    assert all(abs(np.corrcoef(column[known], lean[known])[0, 1]) < 0.05 for column in prices_of(tape)[:4])


@pytest.mark.parametrize(("name", "count"), [("order", 2), ("colours", 3)])
def test_fewer_colours_than_the_rule_multiplies_say_nothing(name, count):
    tape, lean = world(name)
    known, colour = np.isfinite(lean), signs(tape)
    for fewer in range(1, count):
        for some in combinations(range(3), fewer):
            assert abs(np.mean(colour[known][:, some].prod(1) * lean[known])) < 0.03


@pytest.mark.parametrize(("name", "which"), [("order", (0, 2)), ("colours", (0, 1, 2))])
def test_the_colours_that_the_rule_multiplies_say_all(name, which):
    tape, lean = world(name, bars=2000)
    known = np.isfinite(lean)
    assert np.array_equal(signs(tape)[known][:, which].prod(1), lean[known])


def test_a_job_has_the_world_of_its_truth_and_its_seed(tmp_path):
    cfg = compose(*QUIET, f"outputs={tmp_path}")
    (job,) = jobs_of_world(cfg, "geometry", 7, ["_logistic_raw"], SETTINGS)
    assert (job.data.source.world, job.data.source.seed, job.seed) == ("colours", 7, 7)
    assert set(WORLD_OF.values()) <= set(WORLDS)


def test_a_truth_that_has_no_world_is_refused(tmp_path):
    cfg = compose(*QUIET, "task.truths=[colour]", f"outputs={tmp_path}")
    with pytest.raises(ConfigError, match="give truths out of scaling, capacity, geometry, nothing"):
        build(cfg, "task", cfg)


def test_what_is_trained_is_not_trained_again(tmp_path, monkeypatch):
    cfg = compose(*QUIET, f"outputs={tmp_path}")
    jobs = jobs_of_world(cfg, "nothing", 0, LADDER, SETTINGS)
    first = named_part(jobs, tmp_path / "world", "nothing", 0)
    monkeypatch.delattr(planted_ladder, "prepare")
    again = named_part(jobs, tmp_path / "world", "nothing", 0)
    assert again == first and len(first.found.areas) == len(LADDER) + 1


@pytest.mark.slow
@pytest.mark.parametrize("truth", WORLD_OF)
def test_trained_models_name_the_part_that_was_planted(tmp_path, truth):
    words = (*QUIET, f"task.truths=[{truth}]", "task.seeds=[3]", f"outputs={tmp_path}")
    cfg = compose(*words)
    assert build(cfg, "task", cfg) == [{"truth": truth, "right": 1, "seeds": 1}]
    assert f"| {truth} | {WORLD_OF[truth]} | 1 of 1 |" in (tmp_path / "ladder" / "ladder.md").read_text()
