"""Up or down over the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.data.label.outcomes import Labels, at_least, forward_returns, labels_of, one_of

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class Direction:
    """Up or down: is the close `horizon` bars ahead above this one?"""

    kind = "forecast"
    classes: tuple[str, ...] = ("down", "up")

    def __init__(self, *, horizon: int, ties: Literal["drop", "down"]):
        self.horizon = at_least("horizon", horizon, 1)
        self.ties = one_of("ties", ties, ("drop", "down"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        forward = forward_returns(candles, self.horizon)
        label = np.where(forward > 0, 1, 0)
        label[np.isnan(forward)] = -1
        if self.ties == "drop":
            label[forward == 0] = -1
        return labels_of(candles, label, forward, self.horizon, theta=0.0)
