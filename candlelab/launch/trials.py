"""Trials of a search: the next ones to run, how each ended, and the table of all of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from candlelab.config.search_space import SearchAxis
from candlelab.core.files import write_json, write_text
from candlelab.core.trial_ledger import SEARCHED, append_trial, read_ledger
from candlelab.launch.validation import Outcome, median_bounds

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

TABLE, SUMMARY = "trials.csv", "search.json"  # beside the journal
STOP_ABOVE, FOLDER, ENDED = "stop_above", "run", "ended"  # attributes of a trial
SEEDS, STEP = 2**32, 1_000_003


@dataclass(frozen=True)
class Trial:
    """One trial: its number from 0, the overrides of its values, and the bounds above which its validation loss prunes it."""

    number: int
    words: tuple[str, ...]
    stop_above: tuple[float | None, ...]


class Trials:
    """The trials of a study that Optuna keeps.

    A trial is written down whole, with its values and bounds, before it runs, and drawn by a sampler with a seed of its own: a
    search that was killed goes on with the same trial, and asks for the same ones afterwards.
    """

    study: optuna.Study
    axes: list[SearchAxis]

    def __init__(self, study: optuna.Study, axes: Sequence[SearchAxis], *, seed: int, startup: int, warmup: int | None):
        self.study, self.axes = study, list(axes)
        self._seed, self._startup, self._warmup = seed, startup, warmup

    def next_batch(self, size: int, total: int) -> list[Trial]:
        """Return the trials to run now: those that were asked for and have no end yet, filled up to a batch; [] when all are over.

        Batches begin at the multiples of `size`, so that a search that was killed asks for the same trials.
        """
        known = self._all()
        first = min([*(trial.number for trial in known if not trial.state.is_finished()), len(known)])
        end = min(total, (first // size + 1) * size)
        for number in range(len(known), end):
            self._ask(number)
        return [self._read(trial) for trial in self._all()[first:end] if not trial.state.is_finished()]

    def tell(self, trial: Trial, folder: Path, outcome: Outcome) -> None:
        """Keep how a trial ended, in the study and in the ledger of trials of its outputs."""
        from optuna.trial import TrialState

        _count(folder, trial)
        states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
        key, kept = self._all()[trial.number]._trial_id, self.study._storage  # the study itself has no word for these
        for epoch, loss in enumerate(outcome.losses):
            kept.set_trial_intermediate_value(key, epoch, loss)
        kept.set_trial_user_attr(key, FOLDER, folder.name)
        kept.set_trial_user_attr(key, ENDED, outcome.state)
        self.study.tell(trial.number, outcome.value, state=states[outcome.state])

    def rows(self) -> list[dict[str, Any]]:
        """Return the table: number, run, how it ended, epochs, value, and the values of the space."""
        return [
            {
                "trial": trial.number,
                "run": trial.user_attrs.get(FOLDER),
                "ended": trial.user_attrs.get(ENDED, "running"),
                "epochs": len(trial.intermediate_values),
                "value": trial.value if trial.user_attrs.get(ENDED) == "complete" else None,
                **trial.params,
            }
            for trial in self._all()
        ]

    def best(self) -> dict[str, Any] | None:
        """Return the row of the best complete trial; of equal ones the first, None without one."""
        complete = [row for row in self.rows() if row["value"] is not None]
        sign = 1 if self.study.direction.name == "MINIMIZE" else -1
        return min(complete, key=lambda row: sign * row["value"], default=None)

    def write(self, folder: Path, objective: str) -> None:
        """Write the table of trials and the summary of the search into a study's folder."""
        rows, memory = self.rows(), io.StringIO(newline="")
        table = csv.DictWriter(memory, list(dict.fromkeys(name for row in rows for name in row)))
        table.writeheader()
        table.writerows(rows)
        write_text(folder / TABLE, memory.getvalue())
        ended = [row["ended"] for row in rows]
        counts = {state: ended.count(state) for state in ("complete", "pruned", "failed")}
        write_json(folder / SUMMARY, {"objective": objective, "trials": len(rows), **counts, "best": self.best()})

    def _all(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _ask(self, number: int) -> None:
        """Draw the values of a trial in memory, then write it down at once: a kill leaves all of it or nothing."""
        from optuna.trial import TrialState, create_trial

        space, losses = self._space(), [t.intermediate_values for t in self._all() if t.state == TrialState.COMPLETE]
        trial = create_trial(
            state=TrialState.RUNNING,
            params=self._drawn(number, space),
            distributions=space,
            user_attrs={STOP_ABOVE: median_bounds(losses, startup=self._startup, warmup=self._warmup)},
        )
        self.study.add_trial(trial)

    def _drawn(self, number: int, space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """Return the values of trial `number`, which the trials before it and the seed decide."""
        import optuna

        seed = (self._seed * STEP + number) % SEEDS
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=self._startup, constant_liar=True)
        memory = optuna.create_study(sampler=sampler, direction=self.study.direction)
        memory.add_trials(self._all())
        return memory.ask(space).params

    def _space(self) -> dict[str, BaseDistribution]:
        """Return the axes as Optuna knows them."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        made: dict[str, BaseDistribution] = {}
        for axis in self.axes:
            if axis.choices:
                made[axis.key] = CategoricalDistribution(axis.choices)
            elif axis.whole:
                step = 1 if axis.step is None else int(axis.step)
                made[axis.key] = IntDistribution(int(axis.low), int(axis.high), log=axis.log, step=step)
            else:
                made[axis.key] = FloatDistribution(axis.low, axis.high, log=axis.log, step=axis.step)
        return made

    def _read(self, trial: FrozenTrial) -> Trial:
        words = tuple(axis.word(trial.params[axis.key]) for axis in self.axes)
        return Trial(trial.number, words, tuple(trial.user_attrs[STOP_ABOVE]))


def _count(folder: Path, trial: Trial) -> None:
    """Count a trial in the ledger of its outputs, once."""
    outputs, name = folder.absolute().parents[1], {"study": folder.parent.name, "run": folder.name, "state": SEARCHED}
    if not any(name.items() <= entry.items() for entry in read_ledger(outputs).entries):
        append_trial(outputs, name | {"trial": trial.number})
