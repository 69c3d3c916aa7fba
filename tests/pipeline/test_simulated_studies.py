"""Small versions of task=simulate_studies: p-values of the best of many, and the limit of detection of a simple model."""

import numpy as np
import pytest
import tiny

from candlelab.config import build, compose
from candlelab.core.errors import UserError
from candlelab.evaluate.sensitivity import all_monotone
from candlelab.pipeline.studies import planted_edges
from candlelab.pipeline.studies.simulated_studies import limits, null_studies, smallest_edge


def test_nothing_is_found_in_most_studies_of_nothing():
    found = null_studies(studies=12, worlds=4, bars=1200, windows=[2, 4], seed=5)
    assert found.said_yes <= 0.25 and 0.2 <= np.mean(found.p_values) <= 0.95


def test_edges_are_found_the_more_often_the_larger_they_are():
    found = limits(worlds=8, times=[0.2, 1, 3], bars=1500, window=2, seed=0)
    assert all_monotone([found]) and found.found[0] < found.found[2] == 8


@pytest.mark.slow
def test_p_values_are_uniform_where_nothing_is_to_be_found():
    found = null_studies(studies=60, worlds=9, bars=1500, windows=[2, 4], seed=0)
    assert found.uniform > 0.01 and found.said_yes <= 0.1


@pytest.mark.slow
def test_logistic_regression_finds_nearly_what_the_rows_could_show():
    found = limits(worlds=40, times=[0.5, 0.75, 1, 1.25, 1.5, 2], bars=3000, window=2, seed=0)
    assert found.limit / found.smallest < 1.4


def recipe(outputs, *words):
    return compose(*tiny.LOGISTIC, "data.source.bars=3000", "study=s", f"outputs={outputs}", *words)


def test_the_theory_of_a_rule_that_always_leans_is_its_own_edge(tmp_path):
    found = planted_edges.theory_of(recipe(tmp_path), tmp_path / "s", "reversal")
    assert found.slope == pytest.approx(1.0, abs=0.02) and found.edge(found.smallest) == pytest.approx(
        found.smallest, abs=0.003
    )


def test_theory_agrees_with_the_simulation_on_rows_alike():
    rows = 0.15 * 2900
    assert smallest_edge(3000, 0) == pytest.approx(
        2.80 * np.sqrt(1 / (4 * rows)), rel=0.12
    )  # (1.96 + 0.84) standard errors


def test_a_label_without_a_future_has_no_theory(tmp_path):
    drawn = recipe(tmp_path, "data/label=last_candle")
    with pytest.raises(UserError, match="choose others with"):
        planted_edges.theory_of(drawn, tmp_path / "s", "reversal")


def test_the_same_world_has_the_same_job_whatever_the_size_of_others(tmp_path):
    jobs = [planted_edges.edge_job(recipe(tmp_path), tmp_path / "s", "order", 0.12, world) for world in (0, 1, 0)]
    assert jobs[0] == jobs[2] != jobs[1] and jobs[0].data.source.source == recipe(tmp_path).data.source


@pytest.mark.slow
def test_the_command_writes_what_was_found_and_goes_on_where_it_stopped(tmp_path, capsys):
    words = (*tiny.LOGISTIC, "task=sensitivity", "task.rules=[reversal]", "task.times=[5]", "task.worlds=1", "study=s")
    for _ in range(2):
        cfg = compose(*words, f"outputs={tmp_path}")
        (told,) = build(cfg, "task", cfg)
    assert told["worlds"] == (1,) and (tmp_path / "s" / "sensitivity.json").is_file()
    assert capsys.readouterr().out.count("Information beyond chance?") == 1
