"""Try every threshold there is."""

from __future__ import annotations

from typing import Literal

from candlelab.core.errors import UserError
from candlelab.evaluate.threshold.curve import Choice, Sweep, Trades, best_threshold, decide, expected_optimism


def check_settings(min_trades: int, smooth: float, n_bootstrap: int) -> None:
    """Raise ValueError for settings out of range."""
    if min_trades < 1:
        raise UserError(f"min_trades was {min_trades}; ask for at least 1 trade")
    if not 0 <= smooth < 0.5:
        raise UserError(f"smooth was {smooth}; give a share of the thresholds from 0 (off) to below 0.5")
    if n_bootstrap < 0:
        raise UserError(f"n_bootstrap was {n_bootstrap}; give 0 or more")


class Exact:
    """The best of all distinct thresholds by net Sharpe ratio.

    score       what is compared with the threshold: the probability of the chosen class (confidence),
                |p_up - p_down| (margin), or |predicted log return| (forecast)
    min_trades  positions a threshold must open to count
    smooth      0, or the half width, as a share of all thresholds, of the plateau preferred to a spike
    n_bootstrap  bootstrap draws that estimate the optimism of the choice; 0 leaves it out
    """

    min_trades: int
    smooth: float
    n_bootstrap: int

    chosen_on = "validation"

    def __init__(
        self, *, score: Literal["confidence", "margin", "forecast"], min_trades: int, smooth: float, n_bootstrap: int
    ):
        check_settings(min_trades, smooth, n_bootstrap)
        self.score, self.min_trades, self.smooth, self.n_bootstrap = score, min_trades, smooth, n_bootstrap

    def search(self, trades: Trades, *, floor: float) -> Choice:
        """Choose on these rows. `floor` is the smallest score that can occur; every value tried does occur."""
        curve = Sweep.over(trades).curve()
        return decide(curve, best_threshold(curve, min_trades=self.min_trades, smooth=self.smooth))

    def optimism(self, trades: Trades, *, seed: int) -> float | None:
        """What choosing the best of these thresholds is expected to add by luck to its Sharpe ratio per bar."""
        return expected_optimism(trades, min_trades=self.min_trades, n_bootstrap=self.n_bootstrap, seed=seed)
