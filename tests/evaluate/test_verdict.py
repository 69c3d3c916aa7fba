"""The verdict says what the intervals carry and no more."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from score_cases import CLASSES, evaluation, predictions, score

from candlelab.evaluate.instrument import Instrument
from candlelab.evaluate.table import Task
from candlelab.evaluate.threshold.fixed import Fixed
from candlelab.evaluate.verdict import missing_evidence, side_of


def reversal_market(rows=6000, seed=0):
    """Hours whose direction turns 53 % of the time, with moves too small for 10 bp; the net is reversal itself."""
    rng = np.random.default_rng(seed)
    turn = rng.random(rows) < 0.53
    up = np.cumsum(turn) % 2
    move = (2 * up - 1) * np.abs(rng.normal(0, 0.003, rows))
    side = 1 - np.r_[0, up[:-1]]
    table = pd.DataFrame(
        {
            "symbol": "BTC",
            "time": 3_600_000 * np.arange(rows),
            "split": np.where(np.arange(rows) < rows // 3, "validation", "test"),
            "label": up,
            "forward_return": move,
            "bar_return": move,
            "sigma": 0.003,
            "segment": 0,
            "forecast": np.nan,
            "p_1": np.where(side == 1, 0.53, 0.47),
        }
    ).assign(p_0=lambda t: 1 - t["p_1"])
    return pd.concat([table.assign(model=model) for model in ("net", "reversal")])


def volatility_table():
    """A net that knows calm from wild bars, and nothing of direction."""
    table = predictions(classes=3, rows=3000)
    wild = np.random.default_rng(1).random(3000) < 0.5
    move = np.where(wild, 2.0, 0.3) * np.random.default_rng(2).normal(0, 0.01, 3000)
    frame = table.assign(
        forward_return=np.tile(move, 3),
        bar_return=np.tile(move, 3),
        label=np.tile(np.digitize(move, [-0.005, 0.005]), 3),
    )
    net = (frame["model"] == "net").to_numpy()
    for column, value in (("p_0", 0.35), ("p_1", 0.30), ("p_2", 0.35)):
        frame.loc[net, column] = np.where(wild, value, {"p_1": 0.8}.get(column, 0.1))
    return frame


def test_noise_is_inside_the_chance_band_and_says_so():
    found = score(predictions(seed=3)).verdict
    assert found.information.answer == "not shown" and "inside the band" in found.information.sentence
    assert found.beyond_baseline.answer == "not shown" and found.money.answer != "yes"


def test_a_clear_edge_is_three_times_yes():
    found = score(predictions(edge=0.3), fee_bps=1.0).verdict
    assert [a.answer for a in (found.information, found.beyond_baseline, found.money)] == ["yes"] * 3


def test_reversal_is_right_53_percent_and_loses_money():
    found = score(reversal_market(), threshold=Fixed(score="confidence", value=0.5)).verdict
    assert found.information.answer == "yes" and re.search(r"right on 5[2-4]\.\d %", found.information.sentence)
    assert found.money.answer == "no" and found.money.high < 0
    assert "reversal knows something of direction and loses money after fees" in found.beyond_baseline.sentence


def test_a_net_no_better_than_its_baseline_is_not_beyond_it():
    found = score(reversal_market()).verdict
    assert found.beyond_baseline.answer == "not shown" and found.beyond_baseline.value == 0


def test_a_net_worse_than_a_baseline_hears_no():
    table = predictions(edge=0.5)
    swap = {"net": "reversal", "reversal": "net"}
    found = score(table.assign(model=table["model"].replace(swap))).verdict
    assert found.beyond_baseline.answer == "no" and "against reversal" in found.beyond_baseline.sentence


def test_knowing_volatility_is_not_called_knowing_direction():
    found = score(volatility_table()).verdict
    assert found.information.answer == "volatility only" and found.information.sentence.startswith(
        "Only how much prices move"
    )
    assert found.volatility.answer == "yes" and "not direction" in found.volatility.sentence


def test_an_answer_rests_on_the_number_it_shows():
    found = score(volatility_table())
    assert (
        found.verdict.information.value == found.metrics["test/auroc_move"] and found.verdict.information.chance == 0.5
    )


def test_too_good_on_real_bars_is_a_suspicion():
    assert "look for a leak" in score(predictions(edge=0.6)).verdict.suspicions[0]


def test_a_simulated_edge_is_no_suspicion_until_it_beats_the_best_possible():
    table = predictions(edge=0.6)
    assert score(table, bayes=0.73).verdict.suspicions == ()
    assert "more than the best possible 60.0 %" in score(table, bayes=0.60).verdict.suspicions[0]


def test_a_baseline_that_is_too_good_is_a_suspicion_too():
    table = predictions(edge=0.6)
    swap = {"net": "reversal", "reversal": "net"}
    assert (
        "reversal tells up from down" in score(table.assign(model=table["model"].replace(swap))).verdict.suspicions[0]
    )


def test_recognition_says_what_it_is():
    found = score(predictions(edge=3.0), kind="recognition", horizon=0).verdict
    assert found.kind == "recognition" and found.money is None and "This is recognition" in found.information.sentence


@pytest.mark.parametrize("kind", ["forecast", "recognition"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_verdict_has_five_lines(kind, classes):
    lines = score(predictions(classes=classes), kind=kind, horizon=int(kind == "forecast")).verdict.lines()
    assert len(lines) == 5 and all(line.endswith(".") and "\n" not in line and "nan" not in line for line in lines)


def test_few_rows_ask_for_more():
    found = score(predictions(rows=300)).verdict
    assert found.missing_for_trust[0].startswith("more test rows")


def test_three_right_rows_are_no_information():
    table = predictions(edge=50.0, rows=6, baselines=())
    assert score(table[table["split"] == "test"].iloc[:4]).verdict.information.answer != "yes"


def test_a_net_that_always_says_the_same_is_told_so():
    constant = predictions().assign(p_0=0.45, p_1=0.55)
    assert any("answers up on every row" in text for text in score(constant).verdict.missing_for_trust)


def test_no_baseline_is_said():
    assert "no baseline" in score(predictions(baselines=())).verdict.beyond_baseline.sentence


def test_no_labelled_test_row_is_survived():
    found = score(predictions().assign(label=-1)).verdict
    assert found.information.sentence == "No test row has a label." and len(found.lines()) == 5


def test_one_class_in_the_test_rows_is_not_available_but_survived():
    table = predictions()
    found = score(table.assign(label=1))
    assert found.metrics["test/auroc"] is None and found.verdict.information.answer == "not shown"


def test_assumed_costs_are_named():
    settings = {"fee_bps": 10.0, "slippage_bps": 2.0}
    found = (
        evaluation(**settings)
        .score(predictions(), horizon=1, interval="1h", kind="forecast", classes=CLASSES[2])
        .verdict
    )
    assert "12 bp" in found.money.question and not any("0 bp assumed" in text for text in found.missing_for_trust)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.501, 0.52, "yes"),
        (0.49, 0.52, "not shown"),
        (0.49, 0.505, "no"),
        (0.4, 0.49, "no"),
        (np.nan, np.nan, "not shown"),
    ],
)
def test_the_interval_decides(low, high, word):
    assert side_of(low, high, 0.5, 0.51) == word


def test_suspicions_replace_the_last_line():
    found = replace(score(predictions()).verdict, suspicions=("a leak",))
    assert found.lines()[-1] == "Suspect: a leak."


@pytest.mark.slow
def test_noise_is_seldom_called_information():
    quick = {"n_bootstrap": 2, "n_permutations": 2}
    answers = [score(predictions(rows=600, seed=seed, baselines=()), **quick).verdict for seed in range(60)]
    assert sum(each.information.answer == "yes" for each in answers) <= 5
    assert sum(each.money.answer == "yes" for each in answers) <= 5


def bull_market(rows=6000, seed=0):
    """Hours with a buy-and-hold Sharpe ratio of about 3 a year; the net always says up."""
    table = predictions(rows=rows, seed=seed, baselines=("majority",))
    move = np.tile(np.random.default_rng(seed + 100).normal(0.0006, 0.01, rows), 2)
    sure = np.random.default_rng(seed).uniform(0.51, 0.56, len(table))
    return table.assign(forward_return=move, bar_return=move, label=(move > 0).astype(int), p_1=sure, p_0=1 - sure)


def test_holding_in_a_rising_market_is_not_money():
    found = score(bull_market(rows=18_000), fee_bps=1.0)
    assert found.metrics["test/sharpe_net_annual_low"] > 0
    assert found.verdict.money.answer == "not shown" and "holding" in found.verdict.money.sentence


def test_money_beyond_holding_is_yes_in_a_rising_market_too():
    rising = predictions(edge=0.3, rows=6000)
    rising = rising.assign(bar_return=rising["bar_return"] + 0.0006)
    assert score(rising, fee_bps=1.0).verdict.money.answer == "yes"


def test_nothing_traded_is_not_shown():
    table = predictions(edge=0.3)
    found = score(table[table["split"] == "test"]).verdict.money
    assert found.answer == "not shown" and "nothing is traded" in found.sentence


def test_money_says_how_much_is_traded_and_how_often_that_is_right():
    found = score(predictions(edge=0.3), fee_bps=1.0)
    said = found.verdict.money.sentence
    assert f"right on {100 * found.metrics['test/traded_right']:.1f} % of those that moved" in said
    assert found.metrics["test/traded_right"] > found.metrics["test/traded_breakeven"]


def three_classes(seed=0, rows=3000):
    """A net that knows direction beside a baseline that knows only calm from lively."""
    rng = np.random.default_rng(seed)
    lively, lean = rng.random(rows) < 0.5, rng.normal(size=rows)
    move = np.where(lively, 2.0, 0.3) * 0.01 * (0.6 * lean + rng.normal(size=rows))
    label = np.digitize(move, [-0.005, 0.005])
    up = 1 / (1 + np.exp(-lean))
    calm = np.where(lively, 0.3, 0.8)
    models = {
        "net": (0.7 * (1 - up), np.full(rows, 0.3), 0.7 * up),
        "volatility": ((1 - calm) / 2, calm, (1 - calm) / 2),
    }
    one = predictions(classes=3, rows=rows, baselines=()).assign(label=label, forward_return=move, bar_return=move)
    return pd.concat([one.assign(model=name, **{f"p_{k}": p[k] for k in range(3)}) for name, p in models.items()])


def test_direction_is_beyond_a_rival_that_knows_only_volatility():
    found = score(three_classes())
    assert found.metrics["versus/volatility/auroc"] < 0
    assert found.verdict.information.answer == found.verdict.beyond_baseline.answer == "yes"


def test_calm_hours_are_no_direction_where_ties_count_as_down():
    rng = np.random.default_rng(0)
    calm = rng.random(9000) < 0.3
    move = np.where(calm & (rng.random(9000) < 0.5), 0.0, rng.normal(0, 0.01, 9000))
    p = np.where(calm, 0.4, 0.55)
    table = predictions(rows=9000, baselines=())
    table = table.assign(forward_return=move, bar_return=move, label=(move > 0).astype(int), p_0=1 - p, p_1=p)
    found = score(table)
    assert found.metrics["test/auroc_low"] > 0.5 and found.verdict.information.answer != "yes"


def test_one_answer_gets_no_chance_band_but_its_share():
    constant = predictions(seed=2).assign(p_0=0.45, p_1=0.55)
    assert "which is the share of up, its only answer" in score(constant).verdict.information.sentence


def test_bars_and_not_rows_of_all_symbols_are_held_against_the_record_needed():
    found = score(predictions(edge=0.3, symbols=4))
    own = found.models.loc["net"].to_dict() | {"min_track_record": 2000.0}
    assert own["n"] == 4000 and own["bars"] == 1000
    told = list(
        missing_evidence(
            own, {"threshold": 0.5}, Task(1, "1h", "forecast", ("down", "up")), {"slippage_bps": 1.0, "spread_bps": 0.0}
        )
    )
    assert any(text.startswith("a longer record (2,000 bars") for text in told)


def test_a_suspicion_asks_for_a_lower_bound():
    few = predictions(edge=0.25, rows=450, seed=1)
    found = score(few)
    assert found.metrics["test/auroc_direction"] > 0.60 > found.metrics["test/auroc_direction_low"]
    assert not any("tells up from down" in text for text in found.verdict.suspicions)


def test_earnings_that_the_labels_cannot_explain_are_a_suspicion():
    table = predictions(edge=0.03, rows=3000)
    signal = np.where(table["p_1"] > table["p_0"], 1, -1)
    edited = table.assign(bar_return=np.where(table["model"] == "net", signal, 1) * table["bar_return"].abs())
    honest, found = (score(each, threshold=Fixed(score="confidence", value=0.5)) for each in (table, edited))
    assert not any("bar_return" in words for words in honest.verdict.suspicions)
    assert any("times what labels right so often can earn" in words for words in found.verdict.suspicions)


def test_a_strong_honest_edge_is_no_suspicion_about_returns():
    found = score(predictions(edge=0.5, rows=3000), threshold=Fixed(score="confidence", value=0.5))
    assert found.metrics["test/sharpe_net_annual"] > 5 and found.metrics["test/gross_over_explained"] < 1.5


def silent(instrument):
    """The verdict on a net that knows nothing, with what was found out about it."""
    rng = np.random.default_rng(0)
    table = reversal_market(2000)
    table.loc[table.model == "net", "p_1"] = 0.5 + 0.01 * rng.standard_normal(2000)
    table["p_0"] = 1 - table["p_1"]
    return evaluation().score(
        table, horizon=1, interval="1h", kind="forecast", classes=("down", "up"), instrument=instrument
    )


@pytest.mark.parametrize(
    ("instrument", "word", "says"),
    [
        (Instrument((), 0.53, 0.59, 0.6, 0.25), "yes", "would have found an edge of 59.0 %"),
        (Instrument(("channel 1 of the charts is blank",), None, None, None, 0.0), "no", "its silence means nothing"),
        (None, "not shown", "Nobody tested"),
    ],
)
def test_the_first_answer_says_what_silence_is_worth(instrument, word, says):
    verdict = silent(instrument).verdict
    assert verdict.instrument.answer == word
    assert says in verdict.information.sentence and says in verdict.lines()[0]


def test_a_net_that_found_something_is_not_called_blind():
    found = (
        evaluation()
        .score(
            reversal_market(),
            horizon=1,
            interval="1h",
            kind="forecast",
            classes=("down", "up"),
            instrument=Instrument((), 0.53, 0.59, 0.0, 0.25),
        )
        .verdict
    )
    assert found.information.answer == found.instrument.answer == "yes" and "silence" not in found.information.sentence
