"""Position rules: sizes and holding times follow from validation alone, and cost what they change."""

import numpy as np
import pytest
from score_cases import evaluation, predictions, score

from candlelab.core.errors import UserError
from candlelab.evaluate import backtest, ledger
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.rule.hysteresis import Hysteresis
from candlelab.evaluate.rule.proportional import Proportional
from candlelab.evaluate.threshold.curve import Choice, Curve, Trades
from candlelab.export.rule import left_out_of_signals

HOUR = 3_600_000
NONE = Curve(np.empty(0), np.empty(0), np.empty(0, int))
SIZED = Proportional(steps=4, quantiles=[0.5, 1.0])
HOLDING = Hysteresis(exits=[1.0, 0.0], holds=[1, 3])


def trades(score, direction, gain=None, *, chains=1) -> Trades:
    n = len(score)
    chain = np.repeat(np.arange(chains), n // chains)
    rows = Rows(np.arange(n) * HOUR, chain, np.zeros(n, int), 1, "1h")
    returns = np.zeros(n) if gain is None else np.asarray(gain, float)
    return Trades(np.asarray(score, float), np.asarray(direction, np.int8), returns, rows, 0.001)


def test_a_position_grows_in_steps_up_to_the_whole_one():
    could = trades([0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [1, 1, -1, 1, 1, -1])
    assert SIZED.positions(could, 0.5, {"full": 0.8}).tolist() == [0, 0.25, -0.5, 0.75, 1, -1]


def test_a_position_is_held_until_its_score_falls_below_the_exit():
    could = trades([0.7, 0.55, 0.55, 0.4, 0.7], [1, 1, 1, 1, -1])
    assert HOLDING.positions(could, 0.6, {"exit": 0.5, "hold": 1}).tolist() == [1, 1, 1, 0, -1]


def test_a_position_is_held_for_the_horizon_whatever_comes():
    could = trades([0.7, 0.7, 0.1, 0.1, 0.1], [1, -1, 0, 1, 1])
    assert HOLDING.positions(could, 0.6, {"exit": 0.6, "hold": 3}).tolist() == [1, 1, 1, 0, 0]


def test_every_chain_begins_flat():
    could = trades([0.7, 0.5, 0.5, 0.5], [1, 1, 1, 1], chains=2)
    assert HOLDING.positions(could, 0.6, {"exit": 0.0, "hold": 1}).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("rule", (SIZED, HOLDING))
def test_no_threshold_holds_nothing(rule):
    could = trades([0.7, 0.5], [1, -1])
    settled = rule.settled(Choice(None, None, 0, 5, NONE), could, floor=0.5)
    assert not rule.positions(could, settled.threshold, settled.held).any()


def test_the_pair_that_earns_most_on_validation_is_chosen_and_every_pair_counts():
    could = trades(
        [0.7, 0.1, 0.1, 0.7, 0.1, 0.1, 0.0], [1, 0, 0, 1, 0, 0, 0], [0.01, 0.02, 0.01, 0.01, 0.02, 0.01, -0.2]
    )
    choice = HOLDING.settled(Choice(0.6, 0.1, 2, 5, NONE), could, floor=0.0)
    assert dict(choice.held) == {"exit": 0.6, "hold": 3.0} and choice.candidates == 5 + 4
    assert choice.threshold == 0.6 and choice.sharpe == pytest.approx(choice.best)


def test_where_no_candidate_earns_nothing_is_traded():
    could = trades([0.7, 0.1, 0.7, 0.1], [1, 1, -1, 1], [-0.01, -0.03, 0.02, 0.01])
    choice = SIZED.settled(Choice(0.6, 0.1, 2, 5, NONE), could, floor=0.0)
    assert choice.threshold is None and choice.best < 0


def test_a_trade_of_changing_size_pays_for_each_change():
    could = trades([1, 1, 1, 0], [1, 1, 1, 0], [0.01, 0.01, 0.01, 0.0])
    made = ledger.trade_list(np.array([0.5, 1.0, 0.25, 0.0]), could, ("A",))
    assert made["fee"].tolist() == pytest.approx([0.001 * (0.5 + 0.5 + 0.75 + 0.25)]) and made["bars"].tolist() == [3]


def test_changing_the_size_opens_no_position():
    could = trades([1] * 4, [1] * 4)
    made = backtest.run_backtest(np.array([0.5, 1.0, -0.5, 0.0]), could.bar_return, could.rows, 0.001)
    assert made.entries == 2 and made.turnover.sum() == pytest.approx(0.5 + 0.5 + 1.5 + 0.5)


@pytest.mark.parametrize("rule", (SIZED, HOLDING), ids=("proportional", "hysteresis"))
def test_test_rows_do_not_change_what_a_rule_chose(rule):
    table = predictions(edge=0.3)
    flipped = table.copy()
    flipped.loc[flipped["split"] == "test", "bar_return"] *= -1
    one, two = (score(each, rule=rule).threshold for each in (table, flipped))
    assert one["held"] == two["held"] and one["threshold"] == two["threshold"] and one["position"] == two["position"]


def test_a_spread_costs_half_of_it_per_change():
    assert evaluation(fee_bps=2.0, spread_bps=6.0).cost == pytest.approx(5e-4)


def test_funding_is_paid_by_who_is_long():
    table = predictions(edge=0.3)
    free, paid = (score(table, funding_bps=bps).metrics for bps in (0.0, 8.0))
    lost = free["baseline/buy_and_hold/return_net_pct"] - paid["baseline/buy_and_hold/return_net_pct"]
    hours = free["test/bars"]
    assert lost > 0 and np.log1p(
        -lost / 100 / (1 + free["baseline/buy_and_hold/return_net_pct"] / 100)
    ) == pytest.approx(-hours * 1e-4, rel=0.05)


@pytest.mark.parametrize(
    "make", (lambda: Proportional(steps=1, quantiles=[1]), lambda: Hysteresis(exits=[2], holds=[1]))
)
def test_rules_refuse_what_makes_no_sense(make):
    with pytest.raises(UserError):
        make()


def test_signals_of_a_sized_run_say_what_they_leave_out():
    (told,) = left_out_of_signals(score(predictions(), rule=SIZED).threshold)
    assert "evaluate/rule=proportional" in told and left_out_of_signals(score(predictions()).threshold) == []
