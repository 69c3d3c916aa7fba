"""Down, neutral or up by a band around zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from candlelab.core.volatility import running_volatility
from candlelab.data.label.outcomes import Labels, at_least, forward_returns, labels_of, one_of, three_way

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class ThreeClass:
    """Down, neutral or up: does the return over `horizon` bars leave a band around zero?"""

    kind = "forecast"
    classes: tuple[str, ...] = ("down", "neutral", "up")

    def __init__(self, *, horizon: int, threshold: float, unit: Literal["return", "sigma"]):
        self.horizon = at_least("horizon", horizon, 1)
        self.threshold = at_least("threshold", threshold, 0.0)
        self.unit = one_of("unit", unit, ("return", "sigma"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        forward = forward_returns(candles, self.horizon)
        theta = self.threshold if self.unit == "return" else self.threshold * running_volatility(candles)
        label = three_way(forward, theta)
        return labels_of(candles, label, forward, self.horizon, theta)
