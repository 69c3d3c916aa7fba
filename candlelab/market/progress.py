"""How far a fetch is: a rich bar on a terminal, one line per 10 % elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

SAID_AFTER = 2.0  # seconds that a program may be silent


def say(text: str) -> None:
    """Print one line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def patience(text: str) -> Iterator[None]:
    """Say a line if what is done inside takes longer than two seconds."""
    timer = threading.Timer(SAID_AFTER, say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Progress:
    """One bar per series; safe for threads. Use as a context manager."""

    def __init__(self) -> None:
        self._bars = None
        self._lock = threading.Lock()
        self._plain: dict[int, list] = {}  # handle -> [label, total, done, last tenth]

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self._bars = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[unit]}"),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def add(self, label: str, total: int, unit: str) -> int:
        """Start a bar; returns its handle."""
        if self._bars is not None:
            return self._bars.add_task(label, total=total, unit=unit)
        with self._lock:
            handle = len(self._plain)
            self._plain[handle] = [label, total, 0, 0, unit]
        return handle

    def step(self, handle: int, count: int = 1) -> None:
        """Move a bar on."""
        if self._bars is not None:
            self._bars.advance(handle, count)
            return
        with self._lock:
            bar = self._plain[handle]
            bar[2] += count
            tenth = min(10, 10 * bar[2] // max(bar[1], 1))
            if tenth > bar[3]:
                bar[3] = tenth
                print(f"{bar[0]}: {tenth * 10} % ({bar[2]}/{bar[1]} {bar[4]})", file=sys.stderr, flush=True)
