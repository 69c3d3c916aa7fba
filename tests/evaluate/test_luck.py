"""How lucky: the best of a study among the best of worlds without an edge."""

import numpy as np
import pytest
from scipy.stats import kstest

from candlelab.evaluate.luck import Luck, best_model, luck_of, score_of


def flat(area, half=0.02):
    return {
        "test/auroc_direction": area,
        "test/auroc_direction_low": area - half,
        "test/auroc_direction_high": area + half,
    }


def lucky(score, worlds):
    return Luck("auroc_direction", "net", 0.52, score, tuple(worlds))


def test_p_counts_the_study_as_one_of_the_worlds():
    assert lucky(2.0, [1.0] * 18 + [2.5]).p_value == 2 / 20 and lucky(9.0, [0.0] * 19).p_value == 1 / 20


def test_a_tie_counts_against_the_study():
    assert lucky(1.0, [1.0]).p_value == 1.0


def test_models_are_compared_in_standard_errors():
    name, value, score = best_model({"wide": flat(0.56, 0.06), "narrow": flat(0.54, 0.02)}, "auroc_direction")
    assert (name, value) == ("narrow", 0.54) and score == pytest.approx(0.04 / 0.02 * 1.959964)


def test_a_model_that_trades_nothing_has_shown_nothing():
    assert score_of({"test/sharpe_net_annual": None}, "sharpe_net_annual") == 0.0


def test_both_measures_are_judged():
    found = luck_of({"net": flat(0.55)}, [{"net": flat(0.5)}, {"net": flat(0.51)}])
    assert [each.measure for each in found] == ["auroc_direction", "sharpe_net_annual"] and found[0].p_value == 1 / 3


def test_p_is_uniform_where_the_study_is_a_world_like_the_others():
    rng = np.random.default_rng(0)
    bests = rng.normal(size=(300, 20, 5)).max(2)  # studies, worlds, models
    p = [lucky(scores[0], scores[1:]).p_value for scores in bests]
    assert kstest(np.array(p) - rng.random(300) / 20, "uniform").pvalue > 0.05


def test_the_sentence_says_what_was_beaten():
    assert "best of 19 of 19 worlds" in lucky(9.0, [0.0] * 19).sentence()
