"""Hyperparameter search: a Hydra sweeper on Optuna, ask and tell, that sees nothing of a trial but its validation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from candlelab.config import ConfigError, run_folder, signature
from candlelab.config.search_space import SearchAxis, axes_of
from candlelab.core.errors import UserError
from candlelab.launch.journal import opened
from candlelab.launch.one_job import refused
from candlelab.launch.trials import TABLE, Trial, Trials
from candlelab.launch.validation import SEEN, Outcome, outcome_of

SEALED = "evaluate.sealed"


class OptunaSearch(Sweeper):
    """Asks for trials, has the launcher train them with a sealed test part, and tells Optuna their validation.

    n_trials        of the whole search; a search that was killed goes on, one that is over goes on when this grows.
    batch           trials that are asked for together and run side by side.
    objective       a column of a run's table of epochs that begins with val/.
    seed            of the sampler: a trial depends on it and on the trials before its batch, however often the search was killed.
    startup_trials  random ones before TPE learns, and complete ones before any is pruned.
    warmup_epochs   epochs that every trial may train; None: none is pruned.
    params          the space: setting -> interval(…), tag(log, interval(…)), range(…) or a,b,c.
    Raises UserError for settings out of range.
    """

    config: DictConfig | None
    launcher: Launcher | None

    def __init__(
        self,
        *,
        n_trials: int,
        batch: int,
        objective: str,
        direction: Literal["minimize", "maximize"],
        seed: int,
        startup_trials: int,
        warmup_epochs: int | None,
        params: dict[str, Any],
    ):
        for name, value in (("n_trials", n_trials), ("batch", batch), ("startup_trials", startup_trials)):
            if value < 1:
                raise UserError(f"{name} is {value}; give 1 or more")
        if not objective.startswith(SEEN):
            raise UserError(
                f"objective is '{objective}'; a search looks at validation alone: give a measure that begins with {SEEN}"
            )
        self._n_trials, self._batch, self._objective, self._direction = n_trials, batch, objective, direction
        self._seed, self._startup, self._warmup, self._params = seed, startup_trials, warmup_epochs, dict(params)
        self.config, self.launcher = None, None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Any]:
        """Run the trials that are missing; arguments: the words of the command, Hydra's own left out."""
        fixed, axes = self.space(arguments)
        first = trial_job([*fixed, *(axis.ends()[0] for axis in axes)])
        folder = run_folder(first).parent
        with opened(folder, self._direction, self._asked(first, axes)) as study:
            trials = Trials(study, axes, seed=self._seed, startup=self._startup, warmup=self._warmup)
            while batch := trials.next_batch(self._batch, self._n_trials):
                self._run(trials, batch, fixed)
                trials.write(folder, self._objective)
            trials.write(folder, self._objective)
            print("\n".join(search_words(trials, folder, self._objective)), flush=True)
        return []

    def space(self, arguments: Sequence[str]) -> tuple[list[str], list[SearchAxis]]:
        """Return the words that all trials share, and the axes. Raises ConfigError where nothing is searched or the test would be seen."""
        words = OverridesParser.create().parse_overrides(list(arguments))
        axes = axes_of(self._params, words)
        if not axes:
            raise ConfigError(
                "hydra/sweeper=optuna searches over nothing: give hydra.sweeper.params, or settings with "
                "interval(low,high), range(start,stop,step) or a,b,c"
            )
        if any(word.key_or_group == SEALED and word.value() is not True for word in words):
            raise ConfigError(
                f"{SEALED}: every trial of a search is sealed; leave it out, and score the best with task=unseal"
            )
        return [str(word.input_line) for word in words if not word.is_sweep_override()], axes

    def _run(self, trials: Trials, batch: Sequence[Trial], fixed: Sequence[str]) -> None:
        """Have the launcher run what has no end yet of a batch, then keep how each ended."""
        assert self.launcher is not None
        words = {trial: [*fixed, *trial.words, *_of_trial(trial)] for trial in batch}
        folders = {trial: run_folder(trial_job(words[trial])) for trial in batch}
        left = [trial for trial in batch if self._outcome(trial, folders[trial]) is None]
        if left:
            self.launcher.launch([words[trial] for trial in left], initial_job_idx=left[0].number)
        for trial in batch:
            outcome = self._outcome(trial, folders[trial]) or Outcome("failed", None, (), 0)
            trials.tell(trial, folders[trial], outcome)
            refused.extend([folders[trial].name] if outcome.state == "failed" else [])
            print(self._line(trial, outcome, trials), flush=True)

    def _outcome(self, trial: Trial, folder: Path) -> Outcome | None:
        return outcome_of(folder, self._objective, trial.stop_above)

    def _line(self, trial: Trial, outcome: Outcome, trials: Trials) -> str:
        """Say how a trial ended and which is the best so far."""
        value = "" if outcome.value is None else f", {self._objective} {outcome.value:.4f}"
        best = trials.best()
        so_far = "" if best is None else f"; best so far: trial {best['trial'] + 1} with {best['value']:.4f}"
        return (
            f"trial {trial.number + 1} of {self._n_trials} {outcome.state} after {outcome.epochs} epochs{value}{so_far}"
        )

    def _asked(self, first: DictConfig, axes: Sequence[SearchAxis]) -> str:
        """Return a hash of what all trials of a search share: its space, objective and sampler, and the settings of a run."""
        told = [signature(first), sorted(map(repr, axes)), self._objective, self._direction, self._seed]
        return hashlib.sha256(json.dumps([*told, self._startup, self._warmup]).encode()).hexdigest()[:16]


def trial_job(words: Sequence[str]) -> DictConfig:
    """Return the checked config of one trial."""
    from candlelab.config.command_line import check_overrides

    return check_overrides(list(words))[0]


def _of_trial(trial: Trial) -> list[str]:
    """The words that make a run a trial: its test part stays sealed, and it is pruned by its bounds."""
    told = ",".join("null" if bound is None else repr(bound) for bound in trial.stop_above)
    return [f"{SEALED}=true", *([f"trainer.stop_above=[{told}]"] if told else [])]


def search_words(trials: Trials, folder: Path, objective: str) -> list[str]:
    """Return what a terminal says of a search that is over."""
    rows, best = trials.rows(), trials.best()
    ended = [row["ended"] for row in rows]
    counts = ", ".join(f"{ended.count(state)} {state}" for state in ("complete", "pruned", "failed"))
    lines = ["", f"search {folder.name}: {len(rows)} trials, {counts}"]
    if best is not None:
        values = " ".join(f"{key}={best[key]}" for key in best if "." in key or "/" in key or key == "model")
        lines += [
            f"best by {objective}: {best['value']:.4f}, trial {best['trial'] + 1}: {values}",
            f"score it once on test: python -m candlelab task=unseal task.run={folder / str(best['run'])}",
        ]
    return [*lines, f"table {folder / TABLE}"]
