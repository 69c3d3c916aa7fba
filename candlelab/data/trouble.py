"""What can go wrong with market data, each with the exit code the command ends with (a plain ValueError is 2)."""

from __future__ import annotations


class ExchangeRefuses(RuntimeError):
    """The exchange does not want to talk to this address: a ban or a geo-block."""

    exit_code = 4


class DataTrouble(RuntimeError):
    """Market data could not be had or cannot be trusted."""

    exit_code = 5
