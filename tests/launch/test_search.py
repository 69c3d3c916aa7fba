"""A search as its files show it: the trials that are asked for, what is seen of them, and what a kill leaves. The launcher is a made-up one."""

import csv
import json
import subprocess
import sys

import pytest
import tiny

from candlelab.config import ConfigError, plugins, run_folder
from candlelab.config.command_line import check_overrides
from candlelab.core.trial_ledger import read_ledger
from candlelab.launch.journal import JOURNAL
from candlelab.launch.search import OptunaSearch, trial_job
from candlelab.launch.validation import median_bounds, outcome_of, validation_rows

pandas = pytest.importorskip("pandas")
optuna = pytest.importorskip("optuna")
SPACE = {"model.optimizer.lr": "tag(log,interval(0.001,1.0))", "model.batch_size": "16,32"}
SETTINGS = {
    "n_trials": 6,
    "batch": 2,
    "objective": "val/loss",
    "direction": "minimize",
    "seed": 3,
    "startup_trials": 2,
    "warmup_epochs": 1,
    "params": SPACE,
}


class Killed(BaseException):
    """What ends a process at once."""


class MadeUpTraining:
    """Writes the table of epochs that a run would: its loss falls towards (lr - 0.1)². Ends the process before some of its jobs."""

    def __init__(self, die_before=()):
        self.die_before, self.launched = set(die_before), []

    def launch(self, jobs, initial_job_idx):
        for number, words in enumerate(jobs, initial_job_idx):
            if number in self.die_before:
                self.die_before.remove(number)
                raise Killed
            self.launched.append(number)
            train(trial_job(words))


def train(job):
    folder, far = run_folder(job), (job.model.optimizer.lr - 0.1) ** 2
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"epoch": e, "val/loss": far + 1 / (e + 1), "test/loss": -far} for e in range(4)]
    for epoch in range(len(rows)):
        bound = (job.trainer.stop_above or [])[epoch : epoch + 1]
        table(folder, rows[: epoch + 1])
        if bound and bound[0] is not None and validation_mean(folder) > bound[0]:
            return
    (folder / "sealed.json").write_text("{}")


def validation_mean(folder):
    return outcome_of(folder, "val/loss", [0.0]).losses[-1]


def table(folder, rows):
    with open(folder / "metrics.csv", "w", newline="") as file:
        written = csv.DictWriter(file, list(rows[0]))
        written.writeheader()
        written.writerows(rows)


def search(outputs, launcher, **settings):
    """One process of a search: all that it keeps is in the files."""
    sweeper = OptunaSearch(**(SETTINGS | settings))
    sweeper.launcher = launcher
    sweeper.sweep(["hydra/sweeper=optuna", *tiny.LOGISTIC, f"outputs={outputs}"])
    return (outputs / "default" / "trials.csv").read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that nothing interrupts, and its folder."""
    outputs = tmp_path_factory.mktemp("whole")
    return search(outputs, MadeUpTraining()), outputs / "default"


def test_a_killed_search_ends_with_the_trials_of_an_uninterrupted_one(whole, tmp_path):
    launcher = MadeUpTraining(die_before=(1, 4, 5))
    for _ in range(3):
        with pytest.raises(Killed):
            search(tmp_path, launcher)
        with open(tmp_path / "default" / JOURNAL, "ab") as journal:
            journal.write(b'{"op_code": 4, "wor')  # the line at which a kill -9 came
    assert search(tmp_path, launcher) == whole[0]
    assert launcher.launched == list(range(6)), "no trial that had ended is run again"


def test_a_search_that_is_over_goes_on_when_more_trials_are_asked_for(whole):
    before, launcher = whole[0], MadeUpTraining()
    more = search(whole[1].parent, launcher, n_trials=7)
    assert launcher.launched == [6] and more.startswith(before)


def test_another_search_is_refused_in_the_folder_of_one(whole):
    with pytest.raises(ConfigError, match="begun with other settings"):
        search(whole[1].parent, MadeUpTraining(), seed=4)


def test_every_trial_is_counted_in_the_ledger_once(whole):
    counted = [entry["run"] for entry in read_ledger(whole[1].parent).entries if entry["state"] == "searched"]
    assert len(set(counted)) == len(counted) == len({path.parent for path in whole[1].glob("*/metrics.csv")})


def test_bad_trials_are_pruned_and_never_the_best(whole):
    told = json.loads((whole[1] / "search.json").read_text())
    assert told["pruned"] > 0 and told["best"]["ended"] == "complete" and told["best"]["epochs"] == 4


def test_no_test_metric_reaches_the_objective(tmp_path):
    """The same validation beside opposite test metrics: what a search sees of the two runs is equal, and names no test."""
    seen = []
    for name, test in (("good", 0.01), ("bad", 99.0)):
        folder = tmp_path / name
        folder.mkdir()
        table(folder, [{"epoch": 0, "val/loss": 0.6, "train/loss": test, "test/loss": test}])
        for file in ("metrics.json", "sealed.json", "verdict.json", "predictions.parquet"):
            (folder / file).write_text(json.dumps({"test/loss": test, "val/loss": test}))
        seen.append((outcome_of(folder, "val/loss", []), validation_rows(folder)))
    assert seen[0] == seen[1] and seen[0][0].value == 0.6 and set(seen[0][1][0]) == {"val/loss"}


def test_the_journal_of_a_search_names_no_test_metric(whole):
    assert "test/" not in (whole[1] / JOURNAL).read_text()


@pytest.mark.parametrize("word", ["hydra.sweeper.objective=test/accuracy", "hydra.sweeper.objective=train/loss"])
def test_an_objective_other_than_validation_is_refused(word):
    with pytest.raises(ConfigError, match="validation alone"):
        check_overrides(["sweep=search_lstm", word])


def test_a_trial_that_would_see_the_test_is_refused():
    with pytest.raises(ConfigError, match="every trial of a search is sealed"):
        OptunaSearch(**SETTINGS).space(["evaluate.sealed=false"])


def test_a_space_is_checked_at_its_ends():
    with pytest.raises(ConfigError, match=r"model\.net\.sizs: unknown setting.*\n?.*sizes"):
        check_overrides(["sweep=search_lstm", "model.net.sizs=interval(1,2)", "model.batch_size=32"])


def test_bounds_are_the_medians_of_the_complete_trials():
    complete = [{0: 3.0, 1: 2.0}, {0: 1.0, 1: 1.0, 2: 0.5}, {0: 2.0, 1: 4.0}]
    assert median_bounds(complete, startup=3, warmup=1) == [None, 2.0, 0.5]
    assert median_bounds(complete, startup=4, warmup=1) == median_bounds(complete, startup=3, warmup=None) == []


def test_a_search_without_optuna_says_what_to_install(monkeypatch):
    monkeypatch.setattr(plugins, "find_spec", lambda name: None)
    for words in (["hydra/sweeper=optuna"], ["sweep=search_lstm"]):
        with pytest.raises(
            ConfigError, match=r"^hydra/sweeper=optuna is not installed: pip install 'candlelab\[optuna\]'$"
        ):
            check_overrides(words)


def killed_search(outputs, kills):
    """The real command, killed -9 while its trials train, and again until it ends; the table of trials, and the times of its starts."""
    words = [w for w in tiny.LOGISTIC if not w.startswith("trainer.max_epochs")]
    words += ["trainer.max_epochs=4", f"outputs={outputs}", *(f"{key}={value}" for key, value in SPACE.items())]
    command = [sys.executable, "-m", "candlelab", "-m", "hydra/sweeper=optuna", *words]
    for left in range(kills, -1, -1):
        process = subprocess.Popen(command, cwd=tiny.ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        heard = 0
        for line in process.stdout:
            heard += line.startswith("run ")
            if left and heard > 5:  # in the sixth trial of this start
                process.kill()
        process.wait()
    return (outputs / "default" / "trials.csv").read_text()


@pytest.mark.slow
def test_a_search_of_twenty_trials_killed_three_times_finds_the_same_best(tmp_path):
    found = killed_search(tmp_path / "killed", 3)
    assert found == killed_search(tmp_path / "whole", 0) and len(found.splitlines()) == 21
    for path in (tmp_path / "whole").rglob("*.parquet"):
        assert set(pandas.read_parquet(path)["split"]) == {"validation"}, "no trial has said anything of its test rows"
