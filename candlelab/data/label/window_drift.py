"""Recognition of the drawn window's drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from candlelab.data.label.outcomes import Labels, drawn_bars, one_of, recognition_labels

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class WindowDrift:
    """Recognition: last close against first open among the candles left in the window. The rule `fullimage` of HF Benchmark."""

    kind = "recognition"
    classes: tuple[str, ...] = ("down", "up")
    horizon = 0

    def __init__(self, *, ties: Literal["drop", "down"]):
        self.ties = one_of("ties", ties, ("drop", "down"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        first, last = drawn_bars(candles, window)
        return recognition_labels(candles, candles.open[first], candles.close[last], last, self.ties)
