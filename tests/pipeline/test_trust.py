"""What was found in the bars stands in a run's card, report and verdict; edited predictions are not scored."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from candlelab import run as runs
from candlelab.config import build, compose, run_folder
from candlelab.core.errors import UserError
from candlelab.pipeline.scores.trust import check_predictions, doubts, findings_of

QUICK = (
    "data=btc_1h",
    "data/source=file",
    "data.symbols=[BTCUSDT]",
    "data.start=null",
    "data.end=null",
    "data.window=4",
    "model=logistic",
    "data/indicators=bars",
    "data/scaling=none",
    "trainer.max_epochs=1",
    "trainer.progress=none",
    "evaluate.n_bootstrap=10",
    "evaluate.n_permutations=10",
    "evaluate.threshold.n_bootstrap=3",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run on bars of which twelve were interpolated."""
    folder = tmp_path_factory.mktemp("trust")
    rng = np.random.default_rng(0)
    close = (40_000 * np.exp(np.cumsum(rng.normal(0, 0.005, 900)))).round(2)
    opens = np.append(close[0], close[:-1])
    frame = pd.DataFrame(
        {
            "open_time": 1_704_067_200_000 + 3_600_000 * np.arange(900),
            "open": opens,
            "high": np.maximum(opens, close) + 3,
            "low": np.minimum(opens, close) - 3,
            "close": close,
            "volume": rng.lognormal(3, 1, 900),
        }
    )
    holes = [300 + 40 * k + j for k in range(4) for j in range(3)]
    frame.loc[holes, ["open", "high", "low", "close", "volume"]] = np.nan
    frame.interpolate().to_csv(folder / "BTCUSDT_1h.csv", index=False)
    cfg = compose(*QUICK, f"data.source.path={folder / 'BTCUSDT_1h.csv'}", f"outputs={folder}")
    build(cfg, "task", cfg)
    return runs.Run(run_folder(cfg))


def test_the_card_names_what_is_wrong_with_the_bars(run):
    found, *_ = [each for each in run.card["quality"] if each["shakes"]]
    assert (found["kind"], found["bars"], found["first"]) == ("linearly interpolated bars", 12, "2024-01-13 12:00")


def test_the_verdict_misses_whole_bars(run):
    missing = json.loads((run.folder / "verdict.json").read_text())["missing_for_trust"]
    assert missing[0].startswith(
        "sound bars: 12 linearly interpolated bars of BTCUSDT (1.3 %, the first at 2024-01-13 12:00)"
    )


def test_the_report_shows_what_was_found(run):
    page = (run.folder / "report.html").read_text()
    assert "What was found in the bars." in page and "linearly interpolated bars" in page


def test_a_recognition_run_has_no_doubts_about_returns(run):
    assert doubts(run.card | {"kind": "recognition"}) == ()


def test_predictions_as_written_are_believed(run):
    assert check_predictions(run) is None


def test_a_report_on_edited_predictions_is_refused(run, tmp_path):
    """Also where no manifest tells that the file is another."""
    folder = tmp_path / run.folder.name
    shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns(runs.MANIFEST))
    edited = run.predictions.assign(
        bar_return=lambda rows: np.where(rows["split"] == "test", rows["bar_return"].abs(), rows["bar_return"])
    )
    edited.to_parquet(folder / runs.PREDICTIONS, index=False)
    cfg = compose("task=report", f"task.run={folder}")
    with pytest.raises(UserError, match="bar_return does not lead"):
        build(cfg, "task", cfg)


def test_between_made_up_windows_nothing_is_missing():
    cfg = compose("experiment=patterns", "data.source.samples=44")
    assert findings_of(build(cfg, "data", build(cfg, "render"))) == []
