"""Protocols of an exchange's REST interface: bars by the page, single bars, its time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from candlelab.market.merge import Bars


class Pages(Protocol):
    """An exchange's bars by the page: `Rest`, or `CcxtPages`."""

    def now(self) -> int:
        """Return the exchange's time, ms UTC."""

    def ask_time_again(self) -> None:
        """Forget the exchange's time: the next `now` asks."""

    def pages(self, symbol: str, interval: str, start: int, end: int) -> Iterator[tuple[Bars, int]]:
        """Yield (finished bars, until): those of [start, end) in order, each time all that open before `until`."""


@runtime_checkable
class SingleBars(Protocol):
    """What an exchange with an archive can do beside: give single bars that its files lack."""

    def at(self, symbol: str, interval: str, times: np.ndarray) -> Bars:
        """Return the finished bars that open at the asked times (ascending, ms UTC), as many as exist."""
        ...
