"""The verdict of a study: one record says what its run says, seeds are averaged, and regimes stand apart."""

from dataclasses import replace

import numpy as np
import pytest
from score_cases import CLASSES, evaluation, predictions, score

from candlelab.evaluate.study_verdict import (
    StudyVerdict,
    Tried,
    all_counted,
    judge_records,
    mean_metrics,
    regimes_of,
    thirds,
)
from candlelab.evaluate.table import Task, split_parts

ONE = Tried(1, 1, 1)
TASK = Task(1, "1h", "forecast", CLASSES[2])


@pytest.fixture(scope="module")
def seeds():
    """Scores of the same rows by three nets: two that see the edge, one that is coarser."""
    table = predictions(edge=0.4, rows=1200)
    own = table["model"] == "net"
    tables = []
    for seed in range(3):
        sure = table["p_1"] + np.random.default_rng(seed).normal(0, 0.1 * seed, len(table)) * own
        tables.append(table.assign(p_0=1 - sure.clip(0.01, 0.99), p_1=sure.clip(0.01, 0.99)))
    return [score(each) for each in tables]


def judged(scores, tried=ONE, **more):
    described = evaluation().describe()
    flat = [each.metrics for each in scores]
    return judge_records(flat, tried, task=TASK, settings=described, threshold=scores[0].threshold, **more)


def test_one_record_has_the_answers_of_its_run(seeds):
    _, found = judged(seeds[:1])
    own = seeds[0].verdict
    assert (found.beyond_baseline, found.money, found.smallest_edge) == (
        own.beyond_baseline,
        own.money,
        own.smallest_edge,
    )
    assert (found.information.answer, found.information.value) == (own.information.answer, own.information.value)


def test_seeds_are_averaged_and_the_best_is_not_taken(seeds):
    _, found = judged(seeds, Tried(1, 3, 1))
    areas = [each.metrics["test/auroc_direction"] for each in seeds]
    assert found.information.value == pytest.approx(np.mean(areas)) and found.information.value < max(areas)


def test_the_spread_of_the_seeds_is_said(seeds):
    _, found = judged(seeds, Tried(1, 3, 1))
    areas = [each.metrics["test/auroc_direction"] for each in seeds]
    assert f"from {min(areas):.3f} to {max(areas):.3f}" in found.information.sentence


def test_the_same_seed_once_more_changes_no_number(seeds):
    once, twice = mean_metrics([seeds[0].metrics]), mean_metrics([seeds[0].metrics] * 2)
    assert once == twice == seeds[0].metrics


def test_the_interval_of_the_mean_is_no_wider_than_the_widest_seed(seeds):
    means, _ = judged(seeds, Tried(1, 3, 1))
    widths = [each.metrics["test/auroc_direction_high"] - each.metrics["test/auroc_direction_low"] for each in seeds]
    width = means["test/auroc_direction_high"] - means["test/auroc_direction_low"]
    assert min(widths) <= width <= max(widths)


@pytest.mark.parametrize(
    ("tried", "wanted"),
    [
        (Tried(1, 1, 1), "other walk-forward periods and other seeds"),
        (Tried(5, 1, 1), "other seeds"),
        (Tried(1, 3, 1), "other walk-forward periods"),
    ],
)
def test_a_study_asks_only_for_what_it_has_not_tried(seeds, tried, wanted):
    assert wanted in judged(seeds, tried)[1].missing_for_trust


def test_folds_and_seeds_both_tried_are_asked_for_no_more(seeds):
    assert not any("seeds" in each for each in judged(seeds, Tried(5, 3, 1))[1].missing_for_trust)


def test_silence_is_said_to_mean_little_where_few_nets_could_have_seen(seeds):
    blind = score(predictions(edge=0.0, rows=1200, seed=5))
    found = judged([blind], sees=[True, False, False])[1]
    assert (
        "1 of 3 nets would have found an edge" in found.information.sentence and found.instrument.answer == "not shown"
    )


def test_regimes_are_years_and_thirds_of_volatility():
    table = predictions(edge=0.4, rows=2 * 8760)
    table["sigma"] = 0.01 + 1e-6 * (table["time"] // 3_600_000 % 999)
    found = regimes_of(split_parts(table, TASK)["test"]["net"], 0.95)
    assert list(found) == ["1970", "1971", "calmest third", "middle third", "liveliest third"]


def test_an_edge_that_only_lively_times_have_is_seen_there_alone():
    table = predictions(edge=0.0, rows=3000)
    hour = table["time"] // 3_600_000
    table["sigma"] = 0.01 * (1 + hour % 3) + 1e-7 * hour
    known = (table["model"] == "net") & (hour % 3 == 2)
    table.loc[known, "p_1"] = np.where(table["label"][known] == 1, 0.6, 0.4)
    table["p_0"] = 1 - table["p_1"]
    found = regimes_of(split_parts(table, TASK)["test"]["net"], 0.95)
    assert (
        found["liveliest third"]["auroc_direction"] > 0.98
        and abs(found["calmest third"]["auroc_direction"] - 0.5) < 0.1
    )


def test_thirds_are_of_each_symbols_own_volatility():
    sigma = np.concatenate([np.arange(1, 10), 100 * np.arange(1, 10)])
    assert thirds(sigma, np.repeat([0, 1], 9)).tolist() == 2 * [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_years_without_enough_rows_are_left_out():
    part = split_parts(predictions(rows=90), TASK)["test"]["net"]
    assert "1970" in regimes_of(part, 0.95) and not regimes_of(part.take(np.arange(60) < 40), 0.95)


def test_missing_folds_are_named_first(seeds):
    tried = replace(Tried(3, 1, 1), missing=("3 of 5 folds",))
    assert judged(seeds[:1], tried)[1].missing_for_trust[0] == "3 of 5 folds"


def area(value, half):
    ends = {"": value, "_low": value - half, "_high": value + half}
    return {f"test/auroc_direction{end}": number for end, number in ends.items()}


def study_of(seeds, means):
    """A study whose models all say what the first seed says, each with means of its own."""
    first = judged(seeds[:1])[1]
    return [StudyVerdict(f"net {k}", "", ONE, each, [], first, {}) for k, each in enumerate(means)]


def test_one_lucky_model_of_many_is_not_shown(seeds):
    lucky = study_of(seeds, [area(0.521, 0.02), *[area(0.5, 0.02)] * 9])
    assert (
        lucky[0].verdict.information.answer == "yes" and all_counted(lucky)[0].verdict.information.answer == "not shown"
    )


def test_a_clear_result_survives_the_counting_of_ten_models(seeds):
    clear = study_of(seeds, [area(0.56, 0.02), *[area(0.5, 0.02)] * 9])
    assert all_counted(clear)[0] == clear[0]


def test_a_study_of_one_model_is_not_corrected(seeds):
    alone = study_of(seeds, [area(0.521, 0.02)])
    assert all_counted(alone) == alone
