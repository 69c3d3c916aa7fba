"""What is said to the person who waits for the world."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
