"""Triple-barrier labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.core.compiled import compiled
from candlelab.core.volatility import running_volatility
from candlelab.data.label.outcomes import Labels, above_zero, at_least, last_rows, one_of, returns_to, standardised

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class TripleBarrier:
    """Which is touched first: the profit barrier, the stop barrier, or the end of the horizon?

    Barriers stand at close * (1 + take_profit sigma) and close * (1 - stop_loss sigma). An event that the segment's end cuts
    off before any touch has no label. `forward_return` runs to the close of the bar that decided.
    Source: Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 3.
    """

    classes: tuple[str, ...]
    horizon: int
    take_profit: float
    stop_loss: float
    touch: str
    both: str
    vertical: str

    kind = "forecast"

    def __init__(
        self,
        *,
        horizon: int,
        take_profit: float,
        stop_loss: float,
        touch: Literal["close", "high_low"],
        both: Literal["stop", "drop"],
        vertical: Literal["neutral", "sign"],
    ):
        self.horizon = at_least("horizon", horizon, 1)
        self.take_profit = above_zero("take_profit", take_profit)
        self.stop_loss = above_zero("stop_loss", stop_loss)
        self.touch = one_of("touch", touch, ("close", "high_low"))
        self.both = one_of("both", both, ("stop", "drop"))
        self.vertical = one_of("vertical", vertical, ("neutral", "sign"))
        self.classes = ("down", "neutral", "up") if vertical == "neutral" else ("down", "up")

    def __call__(self, candles: Candles, window: int) -> Labels:
        sigma = running_volatility(candles)
        outcome, row = self.outcomes(candles, sigma)
        forward = returns_to(candles.close, row)
        if self.vertical == "sign":
            outcome = np.where((outcome == 0) & (row >= 0), np.sign(forward), outcome)
            row = np.where(outcome == 0, -1, row)
            label = np.where(row >= 0, (outcome > 0).astype(np.int64), -1)
        else:
            label = np.where(row >= 0, outcome + 1, -1)
        forward[row < 0] = np.nan
        target = standardised(forward, sigma)
        return Labels(label.astype(np.int64), forward, target, sigma, self.take_profit * sigma, row)

    def outcomes(self, candles: Candles, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Outcome -1, 0 or 1 and the row that decided it, both (N,) int64; the row is -1 where there is no outcome."""
        high, low = (candles.high, candles.low) if self.touch == "high_low" else (candles.close, candles.close)
        last = last_rows(candles.segment)
        barriers = (self.take_profit, self.stop_loss)
        return _first_touch(candles.close, high, low, last, sigma, self.horizon, barriers, self.both == "stop")


@compiled
def _first_touch(close, high, low, last, sigma, horizon, barriers, stop_first):
    outcome = np.zeros(close.shape[0], dtype=np.int64)
    row = np.full(close.shape[0], -1, dtype=np.int64)
    for t in range(close.shape[0]):
        if not (sigma[t] > 0.0 and close[t] > 0.0):
            continue
        upper = close[t] * (1.0 + barriers[0] * sigma[t])
        lower = close[t] * (1.0 - barriers[1] * sigma[t])
        end = t + horizon
        for j in range(t + 1, min(end, last[t]) + 1):
            up, down = high[j] >= upper, low[j] <= lower
            if up or down:
                outcome[t] = -1 if down else 1
                row[t] = -1 if (up and down and not stop_first) else j
                break
        else:
            if end <= last[t] and not np.isnan(close[end]):
                row[t] = end
    return outcome, row
