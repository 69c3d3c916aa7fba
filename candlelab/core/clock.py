"""Wall clock that can be handed to what waits: the machine's own, or another one's."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is, and a way to wait."""

    def now(self) -> int:
        """Return the moment, ms UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock, however wrong it goes."""

    def now(self) -> int:
        """Return the moment, ms UTC."""
        return int(time.time() * 1000)

    def sleep(self, seconds: float) -> None:
        """Wait; nothing for less than 0."""
        time.sleep(max(0.0, seconds))
