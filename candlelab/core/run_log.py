"""The log of a run: what is said to people also stands in a file, with UTC time stamps."""

from __future__ import annotations

import os
import time
from pathlib import Path

from candlelab.core.files import refused_in_words


class RunLog:
    """Lines that are printed and appended to a file; lines of before stay, so that a resumed run reads as one story."""

    def __init__(self, path: Path | None):
        self.path = path

    def say(self, text: str) -> None:
        """Print a text and note it."""
        print(text, flush=True)
        self.note(text)

    def note(self, text: str) -> None:
        """Append the lines of a text, each with the time; empty ones are left out."""
        if self.path is None:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lines = [line for line in text.splitlines() if line.strip()]
        with refused_in_words(self.path), open(self.path, "a", encoding="utf-8", opener=_not_through_a_link) as file:
            file.writelines(f"{stamp} {line}\n" for line in lines)


def _not_through_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def duration(seconds: float) -> str:
    """Return a duration as people say it: 5 s, 10 min, 2.0 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
