"""User errors with exit codes: what a person can mend. Any other exception is a bug and keeps its traceback."""

from __future__ import annotations

import signal


class UserError(ValueError):
    """A mistake or a condition that the person at the keyboard can mend; its text says what to do."""

    exit_code = 2


class ConfigError(UserError):
    """A mistake in a config or on the command line."""


class ExchangeRefuses(UserError):
    """The exchange does not want to talk to this address: a ban or a geo-block."""

    exit_code = 4


class DataTrouble(UserError):
    """Market data could not be had or cannot be trusted."""

    exit_code = 5


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end; the shell expects 128 + its number."""

    def __init__(self, number: int):
        self.exit_code: int = 128 + number
        super().__init__(f"stopped by {signal.Signals(number).name}")
