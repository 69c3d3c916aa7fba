"""Progress bars (rich) on a terminal, one line per tenth elsewhere: for fetching, drawing and training."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, Task, TaskID

TENTHS = 10  # lines where there is no terminal


@dataclass
class _Line:
    """What is known of work that has no bar."""

    label: str
    total: int
    unit: str
    done: int = 0
    tenth: int = 0


class ProgressBars:
    """One bar per piece of work; safe for threads. Use as a context manager.

    console  of rich; None: that of the standard error. Bars are gone when the work is done.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._bars: Progress | None = None
        self._lock = threading.Lock()
        self._lines: dict[int, _Line] = {}

    def __enter__(self) -> ProgressBars:
        if sys.stderr.isatty() if self._console is None else self._console.is_terminal:
            self._bars = _bars(self._console)
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def add(self, label: str, total: int, unit: str) -> int:
        """Start a bar for so many units and return its handle; "" for a unit where the label says how far it is."""
        if self._bars is not None:
            return self._bars.add_task(label, total=total, unit=unit)
        with self._lock:
            self._lines[len(self._lines)] = _Line(label, total, unit)
            return len(self._lines) - 1

    def step(self, handle: int, count: int = 1) -> None:
        """Move a bar on."""
        if self._bars is not None:
            self._bars.advance(_id(handle), count)
            return
        with self._lock:
            self._lines[handle].done += count
            _tell(self._lines[handle])

    def reach(self, handle: int, done: int, label: str) -> None:
        """Move a bar to where so many units are done, under another label."""
        if self._bars is not None:
            self._bars.update(_id(handle), completed=done, description=label)
            return
        with self._lock:
            line = self._lines[handle]
            line.done, line.label = done, label
            _tell(line)


def _tell(line: _Line) -> None:
    """Print a line for each new tenth."""
    tenth = min(TENTHS, TENTHS * line.done // max(line.total, 1))
    if tenth > line.tenth:
        line.tenth = tenth
        counts = f"{line.done}/{line.total} {line.unit}".strip()
        print(f"{line.label}: {100 * tenth // TENTHS} % ({counts})", file=sys.stderr, flush=True)


def _id(handle: int) -> TaskID:
    from rich.progress import TaskID

    return TaskID(handle)


def _bars(console: Console | None) -> Progress:
    """Return rich's bars with label, bar, counts and the time left."""
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Counts(ProgressColumn):
        left = TimeRemainingColumn()

        def render(self, task: Task) -> Text:
            unit = task.fields["unit"]
            return (
                Text(f"{int(task.completed)}/{int(task.total or 0)} {unit} ").append(self.left.render(task))
                if unit
                else Text()
            )

    shown = (TextColumn("{task.description}"), BarColumn(), Counts())
    return Progress(*shown, console=console or RichConsole(stderr=True), transient=True)
