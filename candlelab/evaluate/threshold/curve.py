"""The Sharpe ratio of every threshold in one pass, and the choice of one.

Rows join the traded set from the most to the least sure. One more signal changes its own profit and
the fee of the next row of its chain, nothing else: sums update in O(1), so all distinct thresholds cost
one sort and one pass.
Dimensions: n rows, m distinct thresholds, T instants, ascending thresholds everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pandas as pd

from candlelab.evaluate.bootstrap import stationary_counts
from candlelab.evaluate.mean_error import automatic_lags
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.threshold.ascending import ascending
from candlelab.evaluate.threshold.passes import (
    FIRST,
    INSTANT,
    LAST,
    ROW,
    changes_of_rows,
    sweep_instants,
    sweep_rows,
)


@dataclass(frozen=True)
class Trades:
    """What the search needs of n rows.

    score       (n,) how sure the row is; traded if >= threshold
    direction   (n,) int8 in {-1, 0, 1}: the side taken if traded
    bar_return  (n,) what holding one unit until the next row earns
    cost        per unit of position changed
    """

    score: np.ndarray
    direction: np.ndarray
    bar_return: np.ndarray
    rows: Rows
    cost: float


@dataclass(frozen=True)
class Curve:
    """(m,) each: thresholds, net Sharpe ratio per bar (NaN without spread), positions opened."""

    threshold: np.ndarray
    sharpe: np.ndarray
    entries: np.ndarray


@dataclass(frozen=True)
class Choice:
    """A threshold and how it was found; None where no threshold that trades often enough earns anything after costs.

    sharpe      net per bar on the rows searched
    candidates  distinct thresholds tried: trials of the ratio on the rows searched, not of that on others
    held        what the position rule chose beside the threshold, on the same rows
    best        the highest net ratio per bar found, positive or not; None where no threshold trades often enough
    """

    threshold: float | None
    sharpe: float | None
    entries: int
    candidates: int
    curve: Curve
    warnings: tuple[str, ...] = ()
    best: float | None = None
    held: Mapping[str, float] = field(default_factory=dict)

    def without_curve(self) -> Choice:
        """The choice with a curve of no point."""
        return replace(self, curve=Curve(np.empty(0), np.empty(0), np.empty(0, int)))


def empty_like(trades: Trades) -> Trades:
    """No rows: what is searched where there is no validation part."""
    none = np.zeros(len(trades.rows), bool)
    gone = {name: getattr(trades, name)[none] for name in ("score", "direction", "bar_return")}
    return type(trades)(**gone, rows=trades.rows.take(none), cost=trades.cost)


def settled_choice(trades: Trades) -> Choice:
    """The choice of rows whose folds chose before: scores are measured from each row's own threshold, so that 0 is theirs all."""
    none = np.empty(0)
    trading = bool(np.isfinite(trades.score).any())
    return Choice(0.0 if trading else None, None, 0, 0, Curve(none, none, none.astype(int)))


class Search(Protocol):
    """A way to choose a threshold.

    score      what is compared with it: confidence, margin or forecast
    chosen_on  validation, or given where nothing is chosen
    """

    score: str
    chosen_on: str

    def search(self, trades: Trades, *, floor: float) -> Choice:
        """Choose on these rows; `floor` is the smallest score that can occur."""

    def optimism(self, trades: Trades, *, seed: int) -> float | None:
        """What the choice is expected to add by luck to the Sharpe ratio per bar."""


@dataclass(frozen=True)
class Sweep:
    """Rows sorted once, ready to be searched under any weighting of the instants."""

    trades: Trades
    side: np.ndarray
    order: np.ndarray
    begins: np.ndarray
    threshold: np.ndarray

    @classmethod
    def over(cls, trades: Trades) -> Sweep:
        """Sort the rows that take a side; rows with equal score enter together."""
        sided = (trades.direction != 0) & np.isfinite(trades.score)
        rows = np.flatnonzero(sided).astype(np.uint32)  # half the memory, and read faster out of order
        score, order = ascending(trades.score if len(rows) == len(sided) else trades.score[rows], rows)
        begins = np.ones(len(score), bool)
        np.not_equal(score[1:], score[:-1], out=begins[1:])
        return cls(trades, trades.direction * sided, order, begins, score if begins.all() else score[begins])

    def curve(self, times: np.ndarray | None = None) -> Curve:
        """Net Sharpe ratio at every distinct score; times (T,) how often each instant counts."""
        mean, variance, opened = self.moments(times)
        return Curve(self.threshold, np.divide(mean, np.sqrt(variance, out=variance), out=mean), opened)

    def moments(self, times: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and variance (NaN where nothing moves) per bar after costs, and positions opened; (m,) each."""
        groups, instants = len(self.threshold), len(self.trades.rows.instants)
        # NumPy's memory comes in large pages, that of compiled loops does not
        mean, variance, opened = np.full(groups, np.nan), np.full(groups, np.nan), np.zeros(groups, int)
        if instants >= 2:
            way = _pass_over_rows if instants == len(self.trades.rows) else _pass_over_instants
            way(self, np.array(1.0) if times is None else times, mean, variance, opened)
        return mean, variance, opened

    def without_edge(self) -> np.ndarray:
        """(m,) the Sharpe ratio that fees alone would give: what is expected of signals that know nothing."""
        mean, variance, _ = self.moments()
        gross = replace(self, trades=replace(self.trades, cost=0.0)).moments()[0]
        return (mean - gross) / np.sqrt(variance)


def _pass_over_rows(sweep: Sweep, times: np.ndarray, *found: np.ndarray) -> None:
    """Write `Sweep.moments` where every instant has one row, as of a single symbol."""
    trades, rows = sweep.trades, sweep.trades.rows
    by_row = times if rows.instants is rows.time or not times.ndim else times[rows.instant]
    count = np.broadcast_to(by_row, len(rows))
    edge = (rows.starts * FIRST + rows.ends * LAST).astype(np.uint8)
    changes = np.empty((len(rows), 2)), np.empty(len(rows), np.int8)
    changes_of_rows(trades.score, sweep.side, edge, trades.bar_return, count, trades.cost, *changes)
    sweep_rows(sweep.order, sweep.begins, *changes, *found)


def _pass_over_instants(sweep: Sweep, times: np.ndarray, *found: np.ndarray) -> None:
    """Write `Sweep.moments` of any rows."""
    trades, rows = sweep.trades, sweep.trades.rows
    row, at = np.zeros(len(rows), ROW), np.zeros(len(rows.instants), INSTANT)
    row["gain"], row["instant"], row["side"] = trades.bar_return, rows.instant, sweep.side
    row["edge"] = rows.starts * FIRST + rows.ends * LAST
    at["weight"], at["times"] = rows.weight, times
    sweep_instants(sweep.order, sweep.begins, row, at, trades.cost, *found)


def spread_over(curve: Curve, values: np.ndarray) -> Curve:
    """The curve at any ascending thresholds: each equals the next one that a score reaches, NaN above them all."""
    place = np.searchsorted(curve.threshold, values)
    ratio, entries = np.append(curve.sharpe, np.nan), np.append(curve.entries, 0)
    return Curve(values, ratio[place], entries[place])


def smoothed(values: np.ndarray, share: float) -> np.ndarray:
    """(m,) median of the values within `share` of all ranks to either side; NaN neighbours are left out."""
    width = 2 * int(share * len(values)) + 1
    middle = pd.Series(values).rolling(width, center=True, min_periods=1).median().to_numpy()
    return np.where(np.isnan(values), np.nan, middle)


def best_threshold(curve: Curve, *, min_trades: int, smooth: float) -> int | None:
    """Index of the best threshold with enough entries; ties go to the smaller; None if there is none.

    smooth  0 takes the highest point; otherwise the middle of the highest plateau of that half width.
    """
    allowed = np.where(curve.entries >= max(1, min_trades), curve.sharpe, np.nan)
    goal = smoothed(allowed, smooth) if smooth > 0 else allowed
    if np.isnan(goal).all():
        return None
    best = np.nanmax(goal)
    return int(np.flatnonzero(goal >= best - 1e-12 * (1 + abs(best)))[0])


def decide(curve: Curve, best: int | None, warnings: tuple[str, ...] = ()) -> Choice:
    """The choice of one point of a curve, or of none; a point that loses after costs is none: staying flat earns more."""
    if best is None:
        return Choice(None, None, 0, len(curve.threshold), curve, warnings)
    threshold, ratio, entries = float(curve.threshold[best]), float(curve.sharpe[best]), int(curve.entries[best])
    if ratio <= 0:
        return Choice(None, None, 0, len(curve.threshold), curve, warnings, ratio)
    return Choice(threshold, ratio, entries, len(curve.threshold), curve, warnings, ratio)


def expected_optimism(trades: Trades, *, min_trades: int, n_bootstrap: int, seed: int) -> float | None:
    """What the best of many thresholds gains by luck, if no threshold knows anything.

    Stationary bootstrap of the instants, as in White's reality check (2000): resampled less observed Sharpe
    ratios are the noise, what fees alone would give is the truth, and the mean over draws of the noise at the
    best of truth + noise is the optimism. A real edge has less: the correction errs on the strict side.
    None with no draws, no threshold or fewer than 16 instants.
    """
    sweep = Sweep.over(trades)
    curve, size = sweep.curve(), len(trades.rows.instants)
    allowed = (curve.entries >= max(1, min_trades)) & ~np.isnan(curve.sharpe)
    if not allowed.any() or n_bootstrap == 0 or size < 16:
        return None
    truth, rng = sweep.without_edge()[allowed], np.random.default_rng(seed)
    block = automatic_lags(size, trades.rows.lags) + 1
    gains = []
    for _ in range(n_bootstrap):
        noise = (sweep.curve(stationary_counts(size, block, rng)).sharpe - curve.sharpe)[allowed]
        gains.append(noise[np.argmax(np.nan_to_num(truth + noise, nan=-np.inf))])
    return max(0.0, float(np.nanmean(gains)))
