"""Predictions that were made elsewhere get the verdict that a run of our own gets, and none if they know the future."""

import numpy as np
import pandas as pd
import pytest
import tiny

import candlelab
from candlelab.config import build, compose, run_folder
from candlelab.core.errors import UserError
from candlelab.pipeline.judging.alignment import knows_next_bar

QUICK = {"n_bootstrap": 2, "n_permutations": 2}


@pytest.fixture(scope="module")
def candles():
    cfg = compose("data=simulated", "data.source.bars=1500")
    return build(cfg, "data.source").fetch(["SIM"], "1h", 1_577_836_800_000, None)


def noise(candles, seed, first=700):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"time": candles.time[first:], "p_up": rng.random(len(candles) - first)})


def knowing(candles, delay, first=700):
    """Answers that follow the bar before the one they are dated by; delay 1: that bar itself."""
    step = np.append(0.0, np.diff(np.log(candles.close)))
    rng = np.random.default_rng(0)
    p = 1 / (1 + np.exp(60 * (step + 0.002 * rng.standard_normal(len(step)))))
    return pd.DataFrame({"time": candles.time[first : -1 - delay], "p_up": p[first + delay : -1]})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run on a simulated market, and the words that made its data."""
    outputs = tmp_path_factory.mktemp("judged")
    cfg = compose(*tiny.LOGISTIC, f"outputs={outputs}")
    build(cfg, "task", cfg)
    return candlelab.load_run(run_folder(cfg))


def judged(run, file, *words):
    cfg = compose(*tiny.LOGISTIC, f"outputs={run.folder.parents[1]}", "task=judge", f"task.predictions={file}", *words)
    return build(cfg, "task", cfg)


SCORED = ("test/", "val/", "baseline/", "versus/", "bayes/")


def test_a_run_s_own_predictions_give_its_verdict_to_the_digit(run, tmp_path):
    run.predictions[run.predictions.model == "net"].to_parquet(tmp_path / "own.parquet")
    made = judged(run, tmp_path / "own.parquet")
    own = {name: value for name, value in run.metrics.items() if name.startswith(SCORED)}
    assert {name: made.metrics[name] for name in own} == own and len(own) > 100


def test_as_a_plain_csv_they_give_the_same_answers(run, tmp_path):
    net = run.predictions[run.predictions.model == "net"]
    table = net[["symbol", "time", "p_1"]].rename(columns={"p_1": "p_up"})
    table.to_csv(tmp_path / "own.csv", index=False)
    start = pd.Timestamp(net[net.split == "test"].time.min(), unit="ms").isoformat()
    made = judged(run, tmp_path / "own.csv", f"task.test_start='{start}'")
    assert made.metrics["test/auroc_direction"] == run.metrics["test/auroc_direction"]
    assert made.verdict.beyond_baseline == build_answer(run.verdict["beyond_baseline"])


def build_answer(tree):
    from candlelab.evaluate.verdict import Answer

    return Answer(**tree)


def test_the_report_is_written_beside_its_numbers(run, tmp_path):
    run.predictions[run.predictions.model == "net"].to_parquet(tmp_path / "page.parquet")
    judged(run, tmp_path / "page.parquet")
    (folder,) = (run.folder.parents[1] / "judged").glob("page-*")
    assert {"report.html", "metrics.json", "verdict.json", "predictions.parquet"} <= {p.name for p in folder.iterdir()}


def test_a_run_s_table_shifted_by_one_bar_is_refused_with_the_bar(run, tmp_path):
    net = run.predictions[run.predictions.model == "net"]
    net.assign(time=net.time - 3_600_000).to_parquet(tmp_path / "shifted.parquet")
    first = str(pd.Timestamp(net.time.min() - 3_600_000, unit="ms"))[:16]
    with pytest.raises(UserError, match=f"look into the future: what stands at SIM {first} has the"):
        judged(run, tmp_path / "shifted.parquet")


def test_probabilities_alone_that_know_the_next_bar_are_refused_with_the_bar(candles):
    with pytest.raises(UserError, match=r"look into the future.*the first such bar is SIM 2020-01-30 \d\d:00"):
        candlelab.judge(knowing(candles, 1), candles, **QUICK)


@pytest.mark.parametrize(("shift", "refused"), [(0, False), (1, True)])
def test_a_slow_average_gives_a_shift_of_one_bar_away_by_what_is_new_in_it(candles, shift, refused):
    ratio = pd.Series(candles.close).pipe(lambda c: c.rolling(10).mean() / c.rolling(40).mean()).to_numpy()
    score = 40 * (ratio - 1)[700 + shift : len(candles) - 1]
    rows = np.arange(700, 700 + len(score))
    said = knows_next_bar(candles, rows, score, {"none": np.zeros(len(rows))}, None)
    assert ("what is new in them tells the direction" in (said or "")) is refused


def test_the_same_answers_dated_rightly_are_judged(candles):
    assert candlelab.judge(knowing(candles, 0), candles, **QUICK).verdict.kind == "forecast"


def test_opens_that_are_said_to_be_closes_are_refused(candles):
    table = knowing(candles, 0)
    with pytest.raises(UserError, match="look into the future"):
        candlelab.judge(table, candles, times="close", **QUICK)


@pytest.mark.slow
def test_of_thirty_tables_of_noise_at_most_two_hear_yes(candles, monkeypatch):
    monkeypatch.setattr(
        "candlelab.pipeline.judging.judged.baseline_rows", lambda data, seed: {}
    )  # they answer another question
    answers = [candlelab.judge(noise(candles, seed), candles, **QUICK).verdict.information.answer for seed in range(30)]
    assert answers.count("yes") <= 2


@pytest.mark.parametrize("kind", ["signal", "forecast", "freqtrade", "positions", "kronos", "qlib"])
def test_every_kind_of_table_is_read(candles, kind):
    rng, rows = np.random.default_rng(1), np.arange(700, 1490)
    when = pd.to_datetime(candles.time[rows], unit="ms")
    side = rng.integers(-1, 2, len(rows))
    tables = {
        "signal": pd.DataFrame({"date": when, "signal": side}),
        "forecast": pd.DataFrame({"timestamp": when, "forecast": 0.001 * side}),
        "freqtrade": pd.DataFrame(
            {"pair": "SIM/USDT:USDT", "open_date": when[:-3:9], "close_date": when[3::9], "is_short": False}
        ),
        "positions": pd.Series(side, index=when, name="position"),
        "kronos": pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), candles.close[rows - 1]), index=when),
        "qlib": pd.DataFrame({"datetime": when, "instrument": "SIM", "score": rng.random(len(rows))}),
    }
    table = tables[kind].to_frame() if kind == "positions" else tables[kind]
    if kind == "freqtrade":
        table["pair"] = "SIM"
    made = candlelab.judge(table, candles, **QUICK)
    assert made.metrics["test/n"] > 100 and "read as" in made.notes[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.assign(p_up=2.0), "must lie in 0 to 1"),
        (lambda t: t.assign(time=t.time + 60_000), "no bar opens at"),
        (lambda t: t.assign(time=t.time + 3_599_999), "say that the times are closes"),
        (lambda t: t.assign(symbol="ETH"), "of which there are no bars"),
        (lambda t: t.rename(columns={"p_up": "up"}), "if it is a probability, name it p_up"),
        (lambda t: pd.concat([t, t]), "two predictions stand at"),
        (lambda t: t.iloc[:0], "has no rows"),
        (lambda t: t.assign(p_up="much"), "give numbers"),
    ],
)
def test_a_table_that_cannot_be_judged_says_why(candles, change, said):
    with pytest.raises(UserError, match=said):
        candlelab.judge(change(noise(candles, 0)), candles, **QUICK)


def test_closes_a_millisecond_early_are_closes(candles):
    table = noise(candles, 0)
    made = candlelab.judge(table.assign(time=table.time + 3_599_999), candles, times="close", **QUICK)
    assert made.metrics["test/auroc"] == candlelab.judge(table, candles, **QUICK).metrics["test/auroc"]


def test_a_pickle_is_never_read(candles, tmp_path):
    (tmp_path / "p.pkl").write_bytes(b"cos\nsystem\n")
    with pytest.raises(UserError, match="write the table as csv or parquet"):
        candlelab.judge(tmp_path / "p.pkl", candles)


def test_a_judgement_shows_itself_and_its_figures(candles):
    made = candlelab.judge(noise(candles, 0), candles, **QUICK)
    assert "Information beyond chance?" in made._repr_html_() and "<svg" in made.calibration().document()


def test_a_bare_verdict_knows_its_figures(candles):
    verdict = candlelab.judge(noise(candles, 0), candles, **QUICK).verdict
    assert "<svg" in verdict.equity().document() and "Information beyond chance?" in verdict._repr_html_()


def test_a_wrong_setting_says_what_is_right(candles):
    with pytest.raises(UserError, match="did you mean 'fee_bps'"):
        candlelab.judge(noise(candles, 0), candles, fee_bp=5.0)
