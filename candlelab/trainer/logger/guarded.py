"""Loggers that may fail: whatever one of them raises, the run goes on and its metrics stay the same."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

TOLD: set[str] = set()  # complaints already printed by this process


def attempt(call: Callable[..., Any], *args: Any):
    """Return what the call returns, or None if it raises: then the first failure of each kind is told in one line."""
    try:
        return call(*args)
    except Exception as error:  # noqa: BLE001 - a dashboard is somebody else's program, and no run may depend on it
        complaint = f"{getattr(call, '__qualname__', call)}: {type(error).__name__}"
        if complaint not in TOLD:
            TOLD.add(complaint)
            print(f"the logger failed in {complaint}; the run goes on without it", file=sys.stderr, flush=True)
        return None


def is_first() -> bool:
    """Return whether this is the only process of a training run, or the first of several."""
    return not getattr(rank_zero_only, "rank", None)


class Guarded(Logger):
    """A Lightning logger around another one; only metrics pass, and no exception comes back."""

    def __init__(self, inner: Logger):
        super().__init__()
        self.inner = inner

    @property
    def name(self) -> str:
        return type(self.inner).__name__

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the config is logged when the run opens."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        attempt(self.inner.log_metrics, metrics, step)

    def finalize(self, status: str) -> None:
        """Nothing: evaluation follows after training; `watched` closes."""


class Metrics(Logger):
    """A Lightning logger that hands each row of metrics to a function."""

    def __init__(self, write: Callable[[dict[str, Any], int | None], None]):
        super().__init__()
        self.write = write

    @property
    def name(self) -> str:
        return "metrics"

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: see Guarded."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.write(metrics, step)


def guarded(log, folder: Path) -> list[Logger]:
    """Return the Lightning loggers of a run, none of which can raise; of several processes only the first has any."""
    if not is_first():
        return []
    return [Guarded(inner) for inner in attempt(log.loggers, folder) or []]


@contextmanager
def watched(log, folder: Path) -> Iterator[None]:
    """Open the log of a run, and after it show the results and close, as failed if the run raised; nothing of that can raise."""
    if not is_first():
        yield
        return
    attempt(log.open, folder)
    failed = True
    try:
        yield
        failed = False
        attempt(log.finish, folder)
    finally:
        attempt(log.close, failed)
