"""Sell, neutral or buy with a zone between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.data.label.outcomes import NOISE, Labels, at_least, forward_returns, labels_of, one_of, three_way

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class Balanced:
    """Sell, neutral or buy as in CNN-LSTM-Attention: strong moves, quiet bars, and a zone between them with a fixed rule."""

    kind = "forecast"
    classes: tuple[str, ...] = ("down", "neutral", "up")

    def __init__(self, *, horizon: int, threshold: float, neutral: float, between: Literal["neutral", "sign", "drop"]):
        self.horizon = at_least("horizon", horizon, 1)
        self.neutral = at_least("neutral", neutral, 0.0)
        self.threshold = at_least("threshold", threshold, neutral)
        self.between = one_of("between", between, ("neutral", "sign", "drop"))

    def __call__(self, candles: Candles, window: int) -> Labels:
        forward = forward_returns(candles, self.horizon)
        theta = self.neutral if self.between == "sign" else self.threshold
        label = three_way(forward, theta)
        if self.between == "drop":
            label[(label == 1) & (np.abs(forward) > self.neutral + NOISE)] = -1
        return labels_of(candles, label, forward, self.horizon, theta)
