"""Scores of a whole predictions table."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from score_cases import evaluation, predictions, score
from sklearn.metrics import roc_auc_score

from candlelab.core.errors import UserError
from candlelab.evaluate.threshold.exact import Exact
from candlelab.evaluate.threshold.fixed import Fixed
from candlelab.evaluate.threshold.grid import Grid

PROMISED = [
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "mcc",
    "auroc",
    "auprc",
    "brier",
    "ece",
    "n",
    "n_eff",
    "sharpe_net",
    "psr",
    "turnover",
    "max_drawdown_pct",
    "log_loss",
    "auroc_direction",
    "breakeven_accuracy",
    "smallest_accuracy",
]


@pytest.fixture(scope="module", params=[2, 3])
def scored(request):
    table = predictions(edge=0.3, classes=request.param, symbols=2)
    return table, score(table)


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_metric_is_there_for_both_splits(scored, name):
    assert scored[1].metrics[f"test/{name}"] is not None and f"val/{name}" in scored[1].metrics


def test_metrics_and_threshold_are_plain_json(scored):
    said = [scored[1].metrics, scored[1].threshold]
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_baselines_are_scored_on_the_same_rows(scored):
    table, found = scored
    rows = table[(table["model"] == "reversal") & (table["split"] == "test")]
    p = rows[[name for name in rows if name.startswith("p_")]].to_numpy()
    area = roc_auc_score(rows["label"], p[:, 1] if p.shape[1] == 2 else p / p.sum(1, keepdims=True), multi_class="ovr")
    assert found.metrics["baseline/reversal/accuracy"] == pytest.approx((p.argmax(1) == rows["label"]).mean())
    assert found.metrics["baseline/reversal/auroc"] == pytest.approx(area)


def test_categories_score_like_words(scored):
    table, found = scored
    assert score(table.astype(dict.fromkeys(["model", "symbol", "split"], "category"))).metrics == found.metrics


def test_the_order_of_the_rows_does_not_matter(scored):
    table, found = scored
    assert score(table.sample(frac=1, random_state=0)).metrics == found.metrics


def test_test_rows_do_not_move_the_threshold():
    table = predictions(edge=0.3)
    other = table.copy()
    test = other["split"] == "test"
    other.loc[test, "bar_return"] = -other.loc[test, "bar_return"]
    assert score(other).threshold["threshold"] == score(table).threshold["threshold"]


def test_fees_only_change_the_money(scored):
    table, found = scored
    free = score(table, fee_bps=0.0)
    assert free.metrics["test/accuracy_low"] == found.metrics["test/accuracy_low"]
    assert free.metrics["test/sharpe_net"] > found.metrics["test/sharpe_net"]


def test_buy_and_hold_and_always_flat_have_money_only(scored):
    metrics = scored[1].metrics
    assert (
        metrics["baseline/buy_and_hold/sharpe_net"] is not None and metrics["baseline/always_flat/return_net_pct"] == 0
    )
    assert metrics["baseline/always_flat/sharpe_net"] is None and "baseline/buy_and_hold/accuracy" not in metrics


def test_recognition_has_no_money_at_all():
    found = score(predictions(edge=3.0), kind="recognition", horizon=0)
    words = json.dumps([found.metrics, found.verdict.lines(), sorted(found.curves)]).lower()
    assert (
        not re.search("sharpe|backtest|predict(?!ed_share)|psr|turnover|equity|threshold", words)
        and found.threshold["rule"] == "abstain"
    )


def test_the_way_to_the_best_possible_accuracy_is_measured():
    metrics = score(predictions(edge=0.3), bayes=0.62).metrics
    assert metrics["bayes/accuracy"] == 0.62
    assert metrics["bayes/reached"] == pytest.approx((metrics["test/accuracy"] - 0.5) / 0.12)


def test_several_symbols_get_a_row_each(scored):
    assert list(scored[1].per_symbol.index) == ["S0", "S1"] and (scored[1].per_symbol["n"] == 1000).all()


def test_without_validation_nothing_is_traded():
    table = predictions(edge=0.3)
    found = score(table[table["split"] == "test"])
    assert (
        found.threshold["threshold"] is None
        and found.metrics["test/sharpe_net"] is None
        and found.metrics["val/n"] == 0
    )


def test_a_model_without_test_rows_is_left_out():
    table = predictions(edge=0.3)
    kept = table[(table["model"] != "reversal") | (table["split"] == "validation")]
    assert not any("reversal" in name for name in score(kept).metrics)


def test_rows_without_a_label_are_traded_but_not_scored():
    table = predictions(edge=0.3)
    table.loc[table["time"] % 7_200_000 == 0, "label"] = -1
    metrics = score(table).metrics
    assert (
        metrics["test/n"] == 500
        and metrics["test/sharpe_net"] == score(predictions(edge=0.3)).metrics["test/sharpe_net"]
    )


def test_a_forecast_can_be_traded_by_its_size():
    by_size = Exact(score="forecast", min_trades=20, smooth=0.0, n_bootstrap=0)
    found = score(predictions(edge=0.3), threshold=by_size)
    assert found.threshold["threshold"] == pytest.approx(0.001) and found.metrics["test/rank_correlation"] > 0.1


def test_a_few_thresholds_are_told_in_full(scored):
    table, found = scored
    rows = table[(table["model"] == "net") & (table["split"] == "test")]
    last = len([name for name in rows if name.startswith("p_")]) - 1
    told = found.threshold["test_at"][0]
    long = rows[(rows[f"p_{last}"] >= told["threshold"]) & (rows[f"p_{last}"] > rows["p_0"])]
    assert told["long"] == pytest.approx(len(long) / len(rows))
    assert told["precision_long"] == pytest.approx((long["label"] == last).mean())


def test_an_inert_grid_says_so():
    grid = Grid(score="confidence", grid="returns", min_trades=20, smooth=0.0, n_bootstrap=0)
    assert "do nothing" in score(predictions(classes=3), threshold=grid).threshold["warnings"][0]


def test_overlap_widens_the_intervals_of_answers_that_are_held():
    table = predictions(edge=0.3)
    held = {name: np.repeat(table[name].to_numpy()[::5], 5)[: len(table)] for name in ("p_0", "p_1", "label")}
    one, five = score(table).metrics, score(table.assign(**held), horizon=5).metrics
    width = [m["test/auroc_direction_high"] - m["test/auroc_direction_low"] for m in (one, five)]
    assert width[1] / width[0] == pytest.approx(np.sqrt(5), rel=0.15)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns="bar_return"), "lack the columns bar_return"),
        (lambda t: t[t["model"] != "net"], "no test rows of model 'net'"),
        (lambda t: t.iloc[:-1], "stand on different rows"),
        (lambda t: t.assign(p_0=np.nan), "negative or not numbers"),
        (lambda t: pd.concat([t, t]), "a row twice"),
    ],
)
def test_a_table_that_cannot_be_scored_says_why(spoil, message):
    with pytest.raises(ValueError, match=message):
        score(spoil(predictions()))


@pytest.mark.parametrize("wrong", [{"fee_bps": -1.0}, {"confidence_level": 0.4}, {"n_bootstrap": 1}, {"n_bins": 1}])
def test_evaluation_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} was"):
        evaluation(**wrong)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_of_times_changes_no_score(unit):
    table = predictions(edge=0.3, rows=600)
    dated = table.assign(time=pd.to_datetime(table["time"], unit="ms").astype(f"datetime64[{unit}]"))
    assert score(dated).metrics["test/sharpe_net_annual"] == score(table).metrics["test/sharpe_net_annual"]


@pytest.mark.parametrize(("factor", "stride"), [(4, 1), (1, 4), (0.001, 1)])
def test_a_table_whose_commonest_step_is_not_the_interval_is_refused(factor, stride):
    table = predictions(rows=300)
    table = table.assign(time=(table["time"] * factor).astype("int64"))
    with pytest.raises(UserError, match="commonest step"):
        evaluation().score(table, horizon=1, interval="1h", kind="forecast", classes=("down", "up"), stride=stride)


def test_without_an_edge_the_run_stays_flat_and_says_so():
    found = score(predictions(edge=0.0, rows=900), fee_bps=50.0)
    assert found.threshold["threshold"] is None and found.metrics["test/trades"] == 0
    assert "no threshold earns anything after fees on validation" in found.threshold["flat"]
    assert "so nothing is traded" in found.verdict.money.sentence


def held(ties_dropped):
    """Always long at a fixed threshold; 37 of 100 bars do not move and have no label."""
    rng = np.random.default_rng(5)
    table = predictions(rows=6000, baselines=())
    still = np.arange(6000) % 100 < 37
    move = np.where(still, 0.0, rng.normal(0.0006, 0.01, 6000))
    table = table.assign(forward_return=move, bar_return=move, label=np.where(still, -1, move > 0), p_0=0.4, p_1=0.6)
    found = score(table[~still] if ties_dropped else table, threshold=Fixed(score="confidence", value=0.5), fee_bps=0.0)
    return found.metrics["test/sharpe_net_annual"], move[2000:]


def test_unchanged_bars_count_in_the_sharpe_ratio():
    found, move = held(ties_dropped=False)
    assert found == pytest.approx(move.mean() / move.std(ddof=1) * np.sqrt(8760))


def test_rows_left_out_of_the_table_do_not_raise_the_sharpe_ratio():
    found, move = held(ties_dropped=True)
    assert found == pytest.approx(move.mean() / move.std(ddof=1) * np.sqrt(8760), rel=0.02)


def test_37_of_100_bars_unchanged_by_hand():
    """63 of 100 moves of .0865 ± 1 %: mean .0545 %, deviation .7948 %, 93.59 times their ratio 6.42; of the moves alone 8.10."""
    still = np.arange(6000) % 100 < 37
    move = np.where(still, 0.0, 0.00086538 + np.where(np.cumsum(~still) % 2, 0.01, -0.01))
    table = predictions(rows=6000, baselines=()).assign(forward_return=move, bar_return=move, p_0=0.4, p_1=0.6)
    table["label"] = np.where(still, -1, move > 0)
    found = score(table, threshold=Fixed(score="confidence", value=0.5), fee_bps=0.0)
    assert found.metrics["test/sharpe_net_annual"] == pytest.approx(6.42, abs=0.005)
