"""Board of a sweep: one table of all its jobs on a terminal, a line per job that starts or ends elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from omegaconf import DictConfig
from rich.console import Console
from rich.live import Live
from rich.table import Table

from candlelab.config import run_folder
from candlelab.core.run_log import duration
from candlelab.launch.side_by_side import last_words

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
SHOWN = 30  # rows of the table; those that run come first
ORDER = (RUNNING, FAILED, WAITING, DONE)


class Board:
    """What is known of every job: where it runs, since when, and the newest line of its log."""

    def __init__(self, jobs: Sequence[DictConfig], console: Console | None = None) -> None:
        self._jobs = list(jobs)
        self._states = [WAITING] * len(self._jobs)
        self._where = [""] * len(self._jobs)
        self._since = [0.0] * len(self._jobs)
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self.show()
            self._live.stop()

    def started(self, number: int, where: str) -> None:
        """Note that a job runs, and where in words."""
        self._states[number], self._where[number], self._since[number] = RUNNING, where, time.monotonic()
        self._say(number, f"starts on {where}")

    def waits(self, number: int, why: str) -> None:
        """Note that a job has to be started again."""
        self._states[number], self._where[number] = WAITING, ""
        self._say(number, why)

    def ended(self, number: int, *, reason: str | None) -> None:
        """Note that a job has ended; reason: why it failed, None where it did not."""
        self._states[number] = DONE if reason is None else FAILED
        spent = duration(time.monotonic() - self._since[number])
        self._say(number, f"done in {spent}" if reason is None else f"failed: {reason}")

    def show(self) -> None:
        """Draw the table anew."""
        if self._live is not None:
            self._live.update(self.table(), refresh=True)

    def table(self) -> Table:
        """Return the table, of at most SHOWN jobs."""
        counts = Counter(self._states)
        title = ", ".join(f"{counts[state]} {state}" for state in (DONE, RUNNING, WAITING, FAILED) if counts[state])
        made = Table("job", "state", "on", "time", "last words", title=f"{len(self._jobs)} jobs: {title}")
        order = sorted(range(len(self._jobs)), key=lambda number: (ORDER.index(self._states[number]), number))
        for number in order[:SHOWN]:
            state = self._states[number]
            spent = duration(time.monotonic() - self._since[number]) if state == RUNNING else ""
            words = last_words(self._jobs[number]) if state == RUNNING else ""
            made.add_row(self._name(number), state, self._where[number], spent, words)
        return made

    def _name(self, number: int) -> str:
        return run_folder(self._jobs[number]).name

    def _say(self, number: int, words: str) -> None:
        if self._live is None:
            ended = sum(state in (DONE, FAILED) for state in self._states)
            print(f"{ended} of {len(self._jobs)} ended · {self._name(number)} {words}", flush=True)
