"""Notification by a command of the user's own, run without a shell."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from string import Formatter
from typing import Any

from candlelab.config import ConfigError
from candlelab.core.times import iso

SECONDS = 30.0  # that the command may take
NAMES = ("signal", "symbol", "interval", "closed", "close", "confidence", "run")


class Notifier:
    """Runs a command for every line with a position; `{signal}` and the other NAMES in its words are filled in.

    The command is cut into words before anything is filled in, and no shell reads them. What fails is said and nothing else.
    Raises ConfigError for a command that cannot be cut into words, or that names something else.
    """

    words: list[str]

    def __init__(self, command: str):
        try:
            self.words = shlex.split(command)
            fields = [field for word in self.words for field in Formatter().parse(word) if field[1] is not None]
        except ValueError as error:
            raise ConfigError(
                f"task.notify='{command}' is no command ({error}): quote its words as in a shell"
            ) from None
        asked = [
            (name or "", f"{'!' if how else ''}{how or ''}{':' if spec else ''}{spec}") for _, name, spec, how in fields
        ]
        strange = [name + form for name, form in asked if name not in NAMES or form]
        if strange or not self.words:
            told = f"names {{{strange[0]}}}" if strange else "is empty"
            raise ConfigError(f"task.notify {told}: it may name {', '.join(f'{{{name}}}' for name in NAMES)}")

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Run the command if a line of the diary opens a position."""
        if line.get("signal") not in ("LONG", "SHORT"):
            return
        told = {name: str(line.get(name)) for name in NAMES} | {"closed": iso(line["closed"])}
        words = [word.format(**told) for word in self.words]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"task.notify failed: {error}", file=sys.stderr, flush=True)
            return
        if done.returncode:
            print(f"task.notify ended with exit code {done.returncode}", file=sys.stderr, flush=True)
