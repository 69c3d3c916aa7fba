"""The report of a study compares fairly, names its failures, and claims no more than the rows carry."""

import csv

import numpy as np
import pandas as pd
import pytest
from score_cases import predictions, score

from candlelab.evaluate import pairs, sharpe
from candlelab.evaluate.leaderboard import gather_entries
from candlelab.report.study_report import write_study_report

NETS = {
    "edgenext_xx_small": (1.33e6, 0.52),
    "mobilenetv3_small": (2.55e6, 0.525),
    "ghostnet_100": (5.2e6, 0.515),
    "efficientnet_b0": (5.3e6, 0.53),
    "levit_128s": (7.9e6, 0.51),
    "resnet_50": (25.6e6, 0.528),
    "swin_tiny": (28.3e6, 0.522),
    "convnext_tiny": (29e6, 0.531),
    "vit_base": (86.6e6, 0.519),
    "cnn_1d": (4.2e4, 0.529),
    "logistic": (1.2e3, 0.527),
}


def study(n=1500, data=("BTC",), seeds=(0,), kind="forecast", nets=NETS):
    """Rows and predictions of a made-up study; one run failed."""
    rng = np.random.default_rng(1)
    rows, tables = [], {}
    for name in data:
        label, gain = rng.integers(0, 2, n), rng.normal(0, 0.01, n)
        for model, (size, skill) in nets.items():
            for seed in seeds:
                run = f"{name}-{model}-{seed}"
                net = _table("net", label, gain, skill, rng)
                beside = _table("reversal", label, gain, 0.528, np.random.default_rng(5))
                tables[run] = pd.concat([net, beside], ignore_index=True)
                metrics = figures_of(net, size)
                if kind == "forecast":
                    sharpe = float(rng.normal(0, 0.02))
                    metrics |= {"test/sharpe_net": sharpe, "test/psr": float(0.5 + 8 * sharpe)}
                rows.append(row_of(run, model, name, seed, kind, size) | {"metrics": metrics})
    return [*rows, failed_row(data[0], kind)], tables


def figures_of(net, size):
    """The figures of a made-up run."""
    n = len(net)
    share = float(((net["p_1"] > 0.5) == net["label"]).mean())
    half = 1.96 * (0.25 / n) ** 0.5
    told = {
        "accuracy": (share, share - half, share + half),
        "auroc_direction": (share, share - half, share + half),
        "auroc": (share + 0.01, share - 0.02, share + 0.04),
    }
    ends = {f"test/{name}{end}": v for name, three in told.items() for end, v in zip(("", "_low", "_high"), three)}
    return ends | {
        "test/balanced_accuracy": share,
        "test/f1_macro": share - 0.01,
        "test/mcc": 2 * share - 1,
        "test/auprc": share,
        "test/brier": 0.25,
        "test/ece": 0.02,
        "test/n": n,
        "test/n_eff": float(n),
        "net/parameters": size,
        "net/flops": size * 180,
        "fit/seconds": 20 + size / 1e5,
        "fit/peak_memory_mb": 300 + size / 3e4,
        "latency/p50_ms": 1 + size / 2e6,
        "fit/samples_per_second": 4e9 / (size + 2e6),
        "baseline/reversal/accuracy": 0.528,
        "baseline/reversal/accuracy_low": 0.528 - half,
        "baseline/reversal/accuracy_high": 0.528 + half,
        "baseline/reversal/auroc_direction": 0.528,
        "baseline/majority/auroc_direction": 0.5,
        "baseline/majority/accuracy": 0.503,
        "baseline/majority/auroc": 0.5,
    }


def row_of(run, model, name, seed, kind, size):
    """What the leaderboard is told of a finished run beside its figures."""
    return {
        "run": run,
        "model": model,
        "role": "control" if size < 1e5 else "model",
        "data": name,
        "seed": seed,
        "kind": kind,
        "horizon": 1,
        "interval": "1h",
        "classes": 2,
        "pretrained": size > 1e6,
        "state": "finished",
        "coin": name,
        "window": 30,
    }


def failed_row(name, kind):
    """A run that failed, with a reason that is markup."""
    return {
        "run": "broken",
        "model": "broken_net",
        "data": name,
        "seed": 0,
        "kind": kind,
        "state": "failed",
        "reason": "out of memory <b>at</b> step 3",
        "metrics": {},
    }


def _table(model, label, gain, skill, rng):
    n = len(label)
    answer = np.where(rng.random(n) < skill, label, 1 - label)
    p = 0.5 + (answer - 0.5) * rng.uniform(0.02, 0.2, n)
    return pd.DataFrame(
        {
            "model": model,
            "symbol": "BTC",
            "time": 1_704_067_200_000 + 3_600_000 * np.arange(n),
            "split": "test",
            "label": label,
            "bar_return": gain,
            "forward_return": gain,
            "segment": 0,
            "p_0": 1 - p,
            "p_1": p,
        }
    )


FEW = {name: NETS[name] for name in ("resnet_50", "vit_base", "logistic")}


def written(folder, **settings):
    rows, tables = study(**{"nets": FEW, "n": 400, **settings})
    return write_study_report(folder, rows=rows, predictions_by_run=tables).read_text(encoding="utf-8")


def test_failed_run_is_named_with_its_reason_as_text(tmp_path):
    text = written(tmp_path)
    assert "broken_net" in text and "out of memory &lt;b&gt;at&lt;/b&gt; step 3" in text


def test_leaderboard_csv_starts_with_the_columns_of_hf_benchmark(tmp_path):
    written(tmp_path)
    head, *lines = csv.reader((tmp_path / "leaderboard.csv").open(encoding="utf-8"))
    assert head[:11] == [
        "Coin",
        "Experiment",
        "Window_Size",
        "Period",
        "Month",
        "Model",
        "Accuracy",
        "F1",
        "Recall",
        "AUROC",
        "AUPRC",
    ]
    assert head[11:16] == ["Seed", "N", "N_Eff", "Accuracy_Low", "Accuracy_High"]
    assert [line[5] for line in lines] == ["resnet_50", "vit_base", "logistic", "broken_net", "reversal", "majority"]


def test_study_report_loads_nothing_remote(tmp_path):
    text = written(tmp_path)
    assert "http://" not in text and "https://" not in text and "src=" not in text


def test_coin_flips_are_not_called_better_than_chance(tmp_path):
    text = written(tmp_path, nets={"coin": (1e6, 0.5), "dice": (2e6, 0.5)})
    assert "No model is shown to beat chance" in text


def test_a_clearly_better_model_is_called_ahead(tmp_path):
    assert "strong is ahead" in written(tmp_path, nets={"strong": (1e6, 0.95), "weak": (2e6, 0.6)})


def test_a_leader_behind_a_baseline_says_so(tmp_path):
    text = written(tmp_path, nets={"weak": (1e6, 0.512)}, n=40_000)
    assert "on the same rows it is behind reversal" in text and "No model is shown to beat reversal" in text


def test_control_that_cannot_be_told_apart_is_named_in_the_headline(tmp_path):
    assert "No model is shown to beat logistic" in written(
        tmp_path, nets={"large": (1e6, 0.801), "logistic": (1e3, 0.8)}
    )


def test_several_data_sets_get_mean_ranks_and_one_does_not(tmp_path):
    assert "critical difference" in written(tmp_path / "a", data=("BTC", "ETH"))
    assert "critical difference" not in written(tmp_path / "b")


def test_recognition_study_never_speaks_of_money(tmp_path):
    text = written(tmp_path, kind="recognition").lower()
    assert [word for word in ("sharpe", "backtest", "predict", "advice") if word in text] == []


def test_seeds_keep_the_width_of_the_interval():
    rows = [
        {
            "run": str(seed),
            "model": "net",
            "data": "a",
            "seed": seed,
            "metrics": {
                "test/accuracy": 0.5 + 0.1 * seed,
                "test/accuracy_low": 0.4 + 0.1 * seed,
                "test/accuracy_high": 0.6 + 0.1 * seed,
            },
        }
        for seed in (0, 1)
    ]
    spread = gather_entries(rows)[0].values["accuracy"]
    assert (spread.mean, spread.low, spread.high) == pytest.approx((0.55, 0.45, 0.65)) and spread.sd == pytest.approx(
        0.0707, abs=1e-4
    )


def test_study_without_a_finished_run_says_so(tmp_path):
    with pytest.raises(ValueError, match="no run of this study has finished"):
        write_study_report(
            tmp_path,
            rows=[{"run": "a", "model": "a", "state": "failed", "reason": "x", "metrics": {}}],
            predictions_by_run={},
        )


def test_hostile_model_name_is_shown_as_text(tmp_path):
    text = written(tmp_path, nets={'<img src="x" onerror="y">': (1e6, 0.6), "logistic": (1e3, 0.5)})
    assert "<img" not in text and "&lt;img" in text
    assert "<img" not in (tmp_path / "leaderboard.md").read_text(encoding="utf-8")


def test_the_best_sharpe_is_worth_less_the_more_was_tried():
    runs = [
        {"model": name, "metrics": {"test/sharpe_net": ratio, "test/psr": psr}}
        for name, ratio, psr in (("a", 0.05, 0.95), ("b", 0.01, 0.6), ("c", -0.02, 0.2))
    ]
    few, many = (pairs.deflate(runs, trials, []) for trials in (3, 300))
    assert few.name == "a" and few.above_zero == 0.95
    assert many.above_luck < few.above_luck < few.above_zero


def test_models_are_compared_on_the_rows_they_share():
    rows, tables = study(n=50, nets={"a": (1e6, 1.0), "b": (1e6, 1.0)})
    short = {
        run: table[table["time"] < table["time"].min() + 3_600_000 * 30] if "-a-" in run else table
        for run, table in tables.items()
    }
    assert len(pairs.shared_answers(rows, short, None)[0].parts["b"]) == 30


def test_a_study_of_one_model_gets_its_report(tmp_path):
    assert "alone" in written(tmp_path, nets={"alone": (1e6, 0.6)})


def test_a_control_and_a_baseline_of_one_name_stay_apart(tmp_path):
    assert "reversal (baseline)" in written(tmp_path, nets={"reversal": (1e6, 0.6), "other": (1e6, 0.6)})


def test_runs_with_other_labels_are_not_compared_row_by_row():
    rows, tables = study(n=50, nets={"a": (1e6, 0.6), "b": (1e6, 0.6)})
    sets = pairs.shared_answers([{**row, "experiment": row["model"]} for row in rows], tables, None)
    assert [list(each.parts) for each in sets] == [["a"], ["b"]]


def scored_rows(table, run="a"):
    """A study's row and table of one run that was scored for real."""
    metrics = score(table, fee_bps=1.0).metrics
    row = {
        "run": run,
        "model": run,
        "data": "S0",
        "kind": "forecast",
        "horizon": 1,
        "interval": "1h",
        "classes": 2,
        "metrics": metrics,
    }
    return row, table


@pytest.mark.parametrize(("edge", "word"), [(0.0, "No model is shown to beat chance"), (0.3, "a is ahead")])
def test_leaderboard_and_verdict_say_the_same(tmp_path, edge, word):
    row, table = scored_rows(predictions(edge=edge, seed=3))
    verdict = score(table, fee_bps=1.0).verdict
    text = write_study_report(tmp_path, rows=[row], predictions_by_run={"a": table}).read_text(encoding="utf-8")
    assert word in text and (verdict.information.answer == "yes") == (edge > 0)


def test_right_half_the_time_with_a_good_ranking_is_information_in_both(tmp_path):
    """All answers say up, and the surer ones are right more often: accuracy is the share of up, the AUROC is not chance."""
    table = predictions(edge=0.3, baselines=("reversal",))
    up = np.where(table["model"] == "net", 0.6 + 0.5 * (table["p_1"] - 0.5), table["p_1"])
    row, table = scored_rows(table.assign(p_1=up, p_0=1 - up))
    text = write_study_report(tmp_path, rows=[row], predictions_by_run={"a": table}).read_text(encoding="utf-8")
    assert score(table).verdict.information.answer == "yes" and "shown to beat chance" not in text


def test_thresholds_are_no_trials_of_the_test_rows(tmp_path):
    rows, tables = study(nets=FEW, n=400)
    write_study_report(tmp_path, rows=[{**row, "candidates": 36_000} for row in rows], predictions_by_run=tables)
    lines = list(csv.DictReader((tmp_path / "leaderboard.csv").open(encoding="utf-8")))
    assert {line["Trials"] for line in lines if line["Model"] in FEW} == {"4"}


def test_runs_on_other_bars_are_no_trials():
    runs = [
        {"data": name, "metrics": {"test/sharpe_net": ratio, "test/psr": 0.7}}
        for name in ("a", "b")
        for ratio in (0.01, 0.02, 0.03)
    ]
    assert {trials for _, trials in pairs.deflated_each(runs).values()} == {3}


def test_a_true_sharpe_of_3_survives_being_the_best_of_nine():
    rng, year = np.random.default_rng(0), np.sqrt(8760)
    returns = rng.normal(0, 0.01, (9, 8760)) + np.r_[3.0, np.zeros(8)][:, None] / year * 0.01
    runs = [
        {"model": str(place), "data": "a", "metrics": {"test/sharpe_net": sharpe.sharpe(own), "test/psr": _psr(own)}}
        for place, own in enumerate(returns)
    ]
    assert pairs.deflated_each(runs)[0][0] > 0.8


def _psr(returns):
    return sharpe.probabilistic_sharpe(sharpe.sharpe(returns), len(returns), *sharpe.moments(returns))


def test_more_trials_want_a_longer_record():
    metrics = {"test/psr": 0.95, "test/sharpe_net_annual": 0.05 * np.sqrt(8760), "test/bars": 8760}
    runs = [
        {"model": name, "metrics": metrics | {"test/sharpe_net": ratio}} for name, ratio in (("a", 0.05), ("b", 0.01))
    ]
    few, many = (pairs.deflate(runs, trials, []) for trials in (3, 300))
    assert few.years == pytest.approx(1.0) and few.needed < many.needed


def test_choosing_among_equals_is_backtest_overfitting_and_a_clear_best_is_not():
    rng, time = np.random.default_rng(0), 3_600_000 * np.arange(3000)
    runs = [
        {"model": name, "metrics": {"test/sharpe_net": ratio, "test/psr": 0.9}}
        for name, ratio in zip("ab", (0.05, 0.01))
    ]
    noise = {name: rng.normal(0, 1, 3000) for name in "abc"}
    equal, clear = (pairs.Answers(None, {}, noise | {"c": noise["c"] + best}, time) for best in (0.0, 0.5))
    found = [pairs.deflate(runs, 3, [each]).overfit for each in (equal, clear)]
    assert found[1] == 0.0 < 0.2 < found[0]
