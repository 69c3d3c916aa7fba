"""A page scores a run as the backtest does, at any fee and threshold."""

from dataclasses import replace

import numpy as np
import pytest
from explorer_cases import HOUR, TASK, WARMUP, WINDOW, market, predictions, rows_told, settings
from page_scripts import in_node, needs_node

from candlelab.evaluate import backtest, ledger
from candlelab.evaluate.rule.hysteresis import Hysteresis
from candlelab.evaluate.rule.proportional import Proportional
from candlelab.evaluate.rule.threshold import Threshold
from candlelab.report.explorer.content import facts_of, pack_bars, pack_rows, shown_of
from candlelab.report.explorer.packed import Pack

NAMES = ("unpack", "scoring", "run", "scores")
SCORE = """async ({ facts, text, fee, threshold }) => {
  const run = candlelab.run.runOf(facts, await candlelab.unpack.columns(facts.columns, text));
  const made = candlelab.run.netOf(run, -1, fee, threshold), rule = candlelab.run.ruleOf(run, -1, fee, "reversal");
  const hold = candlelab.run.ruleOf(run, -1, fee, "buy_and_hold");
  return { signal: made.signal, net: made.net, equity: made.equity, drawdown: made.maxDrawdown, sharpe: made.sharpe, entries: made.entries,
    exposure: made.exposure, trades: made.trades.map((t) => [t.side, t.gross, t.fee, t.net]), rule: rule.net, hold: hold.net };
}"""
MARKETS = {
    "one symbol": (market(400), 1),
    "two symbols, a gap, every other bar": (market(400, names=("AUSDT", "BUSDT"), gap=(300, 301)), 2),
    "no decimals": (market(300, digits=14), 1),
}
RULES = {
    "threshold": Threshold(),
    "hysteresis": Hysteresis(exits=[0.5], holds=[3]),
    "proportional": Proportional(steps=4, quantiles=[0.75]),
}


def page_of(candles, table, chosen, stride=1):
    """Facts and columns of a page, and the rows they stem from."""
    task = replace(TASK, stride=stride)
    made, pack = rows_told(table, chosen, task), Pack()
    shown = shown_of(candles, made.part, before=WINDOW + WARMUP - 1, after=made.part.rows.step)
    pack_bars(pack, candles, shown.bars)
    pack_rows(pack, candles, made, shown, chosen)
    return {"facts": facts_of(made, shown, chosen, task) | {"columns": pack.index}, "text": pack.text}, made


def both(candles, stride, rule, fee, shift, **costs):
    """What the page finds at a fee and a threshold, and what the evaluation does."""
    chosen = settings(rule, **costs)
    told, made = page_of(candles, predictions(candles, stride=stride), chosen, stride)
    threshold = None if made.threshold["threshold"] is None else made.threshold["threshold"] + shift
    found = in_node(SCORE, told | {"fee": fee, "threshold": threshold}, *NAMES)
    other = settings(rule, **(costs | {"fee_bps": fee}))
    could = other.trades(made.part)
    signal = other.positions(made.part, could, threshold, made.threshold["held"])
    return found, signal, could, made, other.cost


@needs_node
def test_a_page_reads_rounded_prices_by_the_scale_of_each_symbol():
    pack, cheap = Pack(), np.random.default_rng(0).uniform(1e-8, 2e-8, 50)
    pack.rounded("x", np.append(cheap * 1e14, cheap), [50, 100])
    code = "async ({ index, text }) => Array.from((await candlelab.unpack.columns(index, text)).x)"
    found = np.array(in_node(code, {"index": pack.index, "text": pack.text}, "unpack"))
    assert np.abs(found / np.append(cheap * 1e14, cheap) - 1).max() < 2e-9


@needs_node
def test_prices_are_shown_to_six_digits_however_small():
    code = "(prices) => prices.map(candlelab.words.decimals)"
    assert in_node(code, [1.2e6, 63_000.5, 1.25, 0.00012, 1.2e-8, 0.0], "words") == [2, 2, 5, 9, 13, 5]


@needs_node
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", MARKETS)
def test_a_page_earns_what_the_backtest_earns(name, rule):
    found, signal, could, _, cost = both(*MARKETS[name], RULES[rule], 3.5, 0.013, spread_bps=2.0, funding_bps=1.0)
    expected = backtest.run_backtest(signal, could.bar_return, could.rows, cost)
    assert expected.entries > 3 and np.array_equal(found["signal"], signal)
    assert np.allclose(found["net"], expected.net, rtol=0, atol=1e-12)
    assert np.allclose(found["equity"], expected.equity, rtol=0, atol=1e-9)
    told = (found["sharpe"], found["drawdown"], found["entries"], found["exposure"])
    other = (expected.sharpe, backtest.max_drawdown(expected.net), expected.entries, expected.exposure)
    assert told == pytest.approx(other, abs=1e-9)


@needs_node
@pytest.mark.parametrize("rule", RULES)
def test_a_page_lists_the_trades_of_the_ledger(rule):
    found, signal, could, made, _ = both(*MARKETS["two symbols, a gap, every other bar"], RULES[rule], 10.0, 0.0)
    listed = ledger.trade_list(signal, could, made.part.ground.symbols)
    own = np.array([trade[1:] for trade in found["trades"]])
    theirs = listed[["gross", "fee", "net"]].to_numpy(float)
    order = [np.lexsort(table.round(12).T) for table in (own, theirs)]
    assert len(listed) > 3 and np.allclose(own[order[0]], theirs[order[1]], rtol=0, atol=1e-9)


@needs_node
def test_a_page_holds_what_simple_rules_held():
    found, _, could, made, cost = both(*MARKETS["one symbol"], Threshold(), 10.0, 0.0)
    rule = backtest.run_backtest(made.held["reversal"], could.bar_return, could.rows, cost)
    hold = backtest.run_backtest(np.ones(len(could.rows)), could.bar_return, could.rows, cost)
    assert np.allclose(found["rule"], rule.net, atol=1e-12) and np.allclose(found["hold"], hold.net, atol=1e-12)


class OnlyLong(Threshold):
    """A rule of another package."""

    def positions(self, could, threshold, held):
        return np.maximum(super().positions(could, threshold, held), 0)


@needs_node
def test_a_rule_that_the_page_does_not_know_keeps_what_it_held():
    found, signal, _, _, _ = both(*MARKETS["one symbol"], OnlyLong(), 3.0, 0.0)
    assert set(signal) == {0, 1} and np.array_equal(found["signal"], signal)


@needs_node
def test_folds_with_thresholds_of_their_own_are_scored_at_those():
    table = predictions(market(400))
    table["settled_threshold"] = np.where(table.time % (48 * HOUR) < 24 * HOUR, 0.6, np.inf)
    told, made = page_of(market(400), table, settings())
    could = settings().trades(made.part)
    found = in_node(SCORE, told | {"fee": 10.0, "threshold": 0.0}, *NAMES)
    assert 0 < np.abs(found["signal"]).sum() == np.abs(settings().positions(made.part, could, 0.0, {})).sum()


def test_a_whole_position_that_is_never_reached_is_not_told():
    made = rows_told(predictions(market(400)), settings(RULES["proportional"]))
    made = replace(made, threshold=made.threshold | {"threshold": None, "held": {"full": np.inf}})
    shown = shown_of(market(400), made.part, before=0, after=1)
    assert facts_of(made, shown, settings(RULES["proportional"]), TASK)["held"] == {"steps": 4}


@needs_node
def test_a_page_without_a_threshold_trades_nothing():
    told, _ = page_of(market(400), predictions(market(400)), settings())
    found = in_node(SCORE, told | {"fee": 10.0, "threshold": None}, *NAMES)
    assert found["entries"] == 0 and found["sharpe"] is None and set(found["net"]) == {0}
