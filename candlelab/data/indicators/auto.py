"""The usual indicators where there is history enough for them, the minimal ones where there is not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from candlelab.core.errors import UserError
from candlelab.data.indicators.classic import Classic
from candlelab.data.indicators.minimal import Minimal

if TYPE_CHECKING:
    from candlelab.core.candles import Candles
    from candlelab.core.contracts import Indicators


class Auto(Classic):
    """Classic, or Minimal if the warm-up of Classic leaves fewer than `min_windows` windows of the tape.

    The usual ones until somebody asks: the data ask once, with the tape; a finished run by the names that it was trained on.
    kalman   as of the two.
    Raises UserError for a `min_windows` below 1.
    """

    def __init__(self, *, kalman: float | None, min_windows: int):
        if min_windows < 1:
            raise UserError(f"min_windows is {min_windows}; set it to 1 window or more.")
        super().__init__(kalman=kalman)
        self.min_windows = min_windows

    def chosen(self, candles: Candles, window: int) -> Classic | Minimal:
        """Return the indicators that suit a tape, and say so where they are the minimal ones."""
        usual = Classic(kalman=self.kalman)
        left = int((candles.position >= window + usual.warmup - 1).sum())
        if left >= self.min_windows:
            return usual
        print(
            f"data/indicators=auto: after the {usual.warmup} bars that the classic indicators need, {len(candles):,} bars leave {left:,} "
            f"windows, fewer than {self.min_windows:,}: the minimal indicators are used",
            file=sys.stderr,
            flush=True,
        )
        return Minimal(kalman=self.kalman)

    def named(self, names: list[str]) -> Classic | Minimal:
        """Return the indicators of a finished run, by the names of its features."""
        return next(kind(kalman=self.kalman) for kind in (Classic, Minimal) if list(kind.names) == list(names))


def settled(indicators: Indicators, names: list[str]) -> Indicators:
    """Return the indicators of a finished run: those of the config, or what `auto` once chose."""
    return indicators.named(names) if isinstance(indicators, Auto) else indicators
