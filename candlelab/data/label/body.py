"""Recognition of the last candle's body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from candlelab.data.label.outcomes import Labels, at_least, forward_returns, labels_of, three_way

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class Body:
    """Recognition: is the body of the window's last candle beyond the threshold? The class rule of CandleFusion.

    The forward return and target are those of the next bar, for a second head; rows without a next bar have no label, so
    `label_end` is the next row. What the class says stands in the picture: it forecasts nothing.
    """

    kind = "recognition"
    classes: tuple[str, ...] = ("bearish", "neutral", "bullish")
    horizon = 0

    def __init__(self, *, threshold: float):
        self.threshold = at_least("threshold", threshold, 0.0)

    def __call__(self, candles: Candles, window: int) -> Labels:
        body = candles.close / candles.open - 1.0
        forward = forward_returns(candles, 1)
        label = three_way(body, self.threshold)
        label[np.isnan(forward)] = -1
        return labels_of(candles, label, forward, 1, self.threshold)
