"""Try the thresholds older systems tried."""

from __future__ import annotations

from typing import Literal

import numpy as np

from candlelab.core.errors import UserError
from candlelab.evaluate.threshold.curve import (
    Choice,
    Sweep,
    Trades,
    best_threshold,
    decide,
    expected_optimism,
    spread_over,
)
from candlelab.evaluate.threshold.exact import check_settings

GRIDS = {
    "confidence": np.round(np.arange(0.50, 0.901, 0.05), 2),
    "constants": np.array([0.5, 0.6, 0.65, 0.7, 0.75, 0.8]),
    "report": np.round(np.arange(0.5, 0.801, 0.1), 2),
    "returns": np.round(np.arange(0.01, 0.1401, 0.01), 2),
}


class Grid:
    """The best of a few thresholds by net Sharpe ratio.

    score       what is compared with the threshold: confidence, margin or forecast, as in exact
    grid        confidence 0.50 to 0.90, constants 0.5 to 0.8, report 0.5 0.6 0.7 0.8, returns 0.01 to
                0.14 (inert as confidences), quantiles 0 to 0.9 of the scores searched
    min_trades  positions a threshold must open to count
    smooth      0, or the half width of the plateau preferred to a spike, as a share of the grid
    n_bootstrap  bootstrap draws that estimate the optimism of the choice; 0 leaves it out
    """

    min_trades: int
    smooth: float
    n_bootstrap: int

    chosen_on = "validation"

    def __init__(
        self,
        *,
        score: Literal["confidence", "margin", "forecast"],
        grid: Literal["confidence", "constants", "report", "returns", "quantiles"],
        min_trades: int,
        smooth: float,
        n_bootstrap: int,
    ):
        check_settings(min_trades, smooth, n_bootstrap)
        if grid != "quantiles" and grid not in GRIDS:
            raise UserError(f"grid was {grid!r}; choose one of {', '.join([*GRIDS, 'quantiles'])}")
        self.score, self.grid, self.min_trades, self.smooth, self.n_bootstrap = (
            score,
            grid,
            min_trades,
            smooth,
            n_bootstrap,
        )

    def values(self, score: np.ndarray) -> np.ndarray:
        """Distinct thresholds to try, ascending."""
        if self.grid != "quantiles":
            return GRIDS[self.grid]
        known = score[np.isfinite(score)]
        return np.unique(np.quantile(known, np.arange(10) / 10)) if len(known) else np.empty(0)

    def search(self, trades: Trades, *, floor: float) -> Choice:
        """Choose on these rows. `floor` is the smallest score that can occur; values up to it are inert."""
        values = self.values(trades.score)
        curve = spread_over(Sweep.over(snapped_scores(trades, values)).curve(), values)
        return decide(
            curve, best_threshold(curve, min_trades=self.min_trades, smooth=self.smooth), inert(values, floor)
        )

    def optimism(self, trades: Trades, *, seed: int) -> float | None:
        """What choosing the best of these thresholds is expected to add by luck to its Sharpe ratio per bar."""
        trades = snapped_scores(trades, self.values(trades.score))
        return expected_optimism(trades, min_trades=self.min_trades, n_bootstrap=self.n_bootstrap, seed=seed)


def snapped_scores(trades: Trades, values: np.ndarray) -> Trades:
    """Scores lowered to the grid value they reach; rows below the whole grid never trade."""
    place = np.searchsorted(values, trades.score, side="right") - 1
    reached = (place >= 0) & np.isfinite(trades.score)
    score = np.where(reached, values[np.maximum(place, 0)] if len(values) else 0.0, -np.inf)
    return Trades(score, trades.direction, trades.bar_return, trades.rows, trades.cost)


def inert(values: np.ndarray, floor: float) -> tuple[str, ...]:
    """One sentence if some grid values cannot leave anything out."""
    idle = values[(values <= floor) & (values > 0)]
    if len(idle) == 0:
        return ()
    return (
        f"{len(idle)} of {len(values)} thresholds ({idle.min():g} to {idle.max():g}) do nothing: "
        f"no confidence lies below 1/K = {floor:.3f}; use evaluate/threshold=exact",
    )
