"""Test months one by one: Experiments I and II on made-up minutes."""

import pandas as pd
import pytest
from omegaconf import OmegaConf

from candlelab import run as runs
from candlelab.config import build, compose, run_folder
from candlelab.pipeline.studies import periods
from candlelab.pipeline.studies.periods import experiment_name, period_words
from candlelab.pipeline.studies.study import write_study

DAY = 86_400_000
JANUARY = 1_704_067_200_000  # 2024-01-01
MINUTES = (
    "data=btc_months",
    "render=candles_plain",
    "model=logistic",
    "data/source=simulated",
    "data.source.bars=530000",
    "data.symbols=[SIM]",
    "data.split.train_days=1",
    "data.split.validation_days=1",
    "data.window=3",
    "trainer.max_epochs=1",
    "trainer.progress=none",
    "evaluate.n_bootstrap=5",
    "evaluate.n_permutations=5",
    "evaluate.threshold.n_bootstrap=2",
    "study=months",
)


def data(*words):
    return OmegaConf.to_container(compose("data=btc_months", "render=candles_plain", *words).data, resolve=True)


def test_test_periods_are_the_first_days_of_their_months():
    found = periods.test_periods(data("data.split.test_days=14"))
    assert list(found) == ["2024-01", "2024-03", "2024-04", "2024-08", "2024-12"]
    assert found["2024-01"] == (JANUARY, JANUARY + 14 * DAY)


def test_two_periods_in_a_month_are_named_by_their_day():
    assert list(periods.test_periods(data("data.split.tests=[2024-01-01,2024-01-20]"))) == ["2024-01-01", "2024-01-20"]


def test_other_splits_name_no_periods():
    assert periods.test_periods(data("data=btc_1h")) == {}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["data/label=window_drift"], "fullimage"),
        (["data/label=window_drift", "data.thin=0.6"], "irregular 60 %"),
        (["data/label=last_candle"], "regular"),
        (["data/label=three_class"], "three_class"),
        (["data.thin=0.8"], "direction irregular 80 %"),
    ],
)
def test_kinds_of_experiment_have_names_of_their_own(words, name):
    assert experiment_name(data(*words)) == name


def test_the_month_is_that_of_the_test_not_of_the_data():
    card = {
        "first": "2018-01-01T00:00:00",
        "last": "2024-12-31T23:00:00",
        "parts": {
            "train": {"first": "2018-01-01T00:00:00", "last": "2023-05-31T23:00:00"},
            "test": {"first": "2024-03-01T00:00:00", "last": "2024-12-31T23:00:00"},
        },
    }
    assert period_words(data("data=btc_1h"), card) == {
        "period": "2018-01-01 to 2024-12-31",
        "month": "2024-03 to 2024-12",
        "trained": "2018-01-01 to 2023-05-31",
    }


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """The leaderboard of one run of Experiment I, its bars and probabilities those of a made-up market."""
    cfg = compose(*MINUTES, f"outputs={tmp_path_factory.mktemp('months')}")
    build(cfg, "task", cfg)
    write_study(run_folder(cfg).parent, cfg)
    return run_folder(cfg), pd.read_csv(run_folder(cfg).parent / "leaderboard.csv", dtype={"Month": str})


def test_the_leaderboard_has_one_row_per_test_month_and_the_pooled_one(board):
    _, table = board
    own = table[table["Role"] != "baseline"]
    months = ["2024-01", "2024-03", "2024-04", "2024-08", "2024-12"]
    assert own["Month"].tolist() == [" ".join(months), *months] and set(own["Period"]) == {"train 1 d, test 1 d"}
    assert own["N"].iloc[0] == own["N"].iloc[1:].sum() and set(own["Trained"]) == {"2024-06-01 to 2024-06-01"}


def test_the_accuracy_of_a_month_is_that_of_its_rows(board):
    folder, table = board
    rows = runs.Run(folder).predictions.query("model == 'net' and split == 'test' and label >= 0")
    august = rows[pd.to_datetime(rows["time"], unit="ms").dt.month == 8]
    right = (august[["p_0", "p_1"]].to_numpy().argmax(1) == august["label"]).mean()
    assert table.set_index("Month").loc["2024-08", "Accuracy"] == pytest.approx(right)


def test_the_reports_show_the_test_periods(board):
    assert "Test periods" in (board[0] / "report.html").read_text()
    assert "Test months" in (board[0].parent / "report.html").read_text()
