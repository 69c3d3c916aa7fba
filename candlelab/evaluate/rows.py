"""Where predicted rows stand in time, and how many independent rows they are worth.

Dimensions: n rows, T distinct instants.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from candlelab.core.errors import UserError
from candlelab.core.interval import YEAR as YEAR_MS
from candlelab.core.interval import interval_ms
from candlelab.evaluate.mean_error import error_of_mean

if TYPE_CHECKING:
    import pandas as pd


def average_uniqueness(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Mean over each closed interval [first, last] of 1 / (intervals covering the bar); (n,) in (0, 1].

    first, last (n,) integer bar numbers. Source: López de Prado 2018, chapter 4.
    """
    if len(first) == 0:
        return np.empty(0)
    origin = first.min()
    first, last = first - origin, last - origin
    steps = np.bincount(first, minlength=last.max() + 2) - np.bincount(last + 1, minlength=last.max() + 2)
    cover = np.cumsum(steps)[:-1]
    share = np.divide(1.0, cover, out=np.zeros(len(cover)), where=cover > 0)
    total = np.concatenate([[0.0], np.cumsum(share)])
    return (total[last + 1] - total[first]) / (last - first + 1)


@dataclass(frozen=True)
class Rows:
    """n rows sorted by chain, then time; a chain is one segment of one symbol.

    time      (n,) int64 ms UTC: open time of the window's last bar
    chain     (n,) int64, non-decreasing
    symbol    (n,) int64 codes
    horizon   bars the label looks ahead; 0 for recognition
    interval  bar length, such as 1h
    """

    time: np.ndarray
    chain: np.ndarray
    symbol: np.ndarray
    horizon: int
    interval: str

    @classmethod
    def of(cls, frame: pd.DataFrame, *, horizon: int, interval: str) -> Rows:
        """Rows of a predictions table already sorted by symbol, segment, time."""
        symbol = frame["symbol"].to_numpy()
        segment = frame["segment"].to_numpy()
        new_symbol = np.r_[True, symbol[1:] != symbol[:-1]][: len(frame)]
        new_chain = new_symbol | np.r_[True, segment[1:] != segment[:-1]][: len(frame)]
        time = frame["time"].to_numpy(np.int64)
        if np.any(np.diff(time)[~new_chain[1:]] <= 0):
            raise UserError(
                "predictions hold a row twice or out of time order; write each symbol and time once per model"
            )
        return cls(time, np.cumsum(new_chain) - 1, np.cumsum(new_symbol) - 1, horizon, interval)

    def __len__(self) -> int:
        return len(self.time)

    def take(self, keep: np.ndarray) -> Rows:
        """The rows where `keep` (n,) is True."""
        if keep.all():
            return self
        return Rows(self.time[keep], self.chain[keep], self.symbol[keep], self.horizon, self.interval)

    @cached_property
    def _in_order(self) -> bool:
        return bool((np.diff(self.time) > 0).all())

    @cached_property
    def instants(self) -> np.ndarray:
        """(T,) distinct times, ascending."""
        return self.time if self._in_order else np.unique(self.time)

    @cached_property
    def instant(self) -> np.ndarray:
        """(n,) number of the row's time among the distinct times."""
        return np.arange(len(self)) if self._in_order else np.searchsorted(self.instants, self.time)

    @cached_property
    def weight(self) -> np.ndarray:
        """(T,) equal weight of each symbol present at an instant."""
        return 1.0 / np.bincount(self.instant, minlength=len(self.instants))

    @cached_property
    def starts(self) -> np.ndarray:
        """(n,) True at the first row of a chain."""
        return np.r_[True, self.chain[1:] != self.chain[:-1]][: len(self)]

    @cached_property
    def ends(self) -> np.ndarray:
        """(n,) True at the last row of a chain."""
        return np.r_[self.chain[1:] != self.chain[:-1], True][: len(self)]

    @cached_property
    def step(self) -> int:
        """Bars between neighbouring rows of a chain (the commonest; rows may be missing)."""
        gaps = np.diff(self.time)[~self.starts[1:]]
        if not len(gaps):
            return 1
        lengths, counts = np.unique(gaps, return_counts=True)
        return max(1, round(int(lengths[counts.argmax()]) / interval_ms(self.interval)))

    @cached_property
    def longest(self) -> int:
        """Rows of the symbol that has most."""
        return int(np.bincount(self.symbol).max())

    @cached_property
    def per_year(self) -> float:
        """Instants in a year, at the pace of the time that the chains cover: where rows are missing there are fewer."""
        length = interval_ms(self.interval) * self.step
        first, last = self.time[self.starts], self.time[self.ends] + length
        order = np.argsort(first, kind="stable")
        first, reached = first[order], np.maximum.accumulate(last[order])
        before = np.append(first[:1], reached[:-1])
        covered = int(np.maximum(reached - np.maximum(first, before), 0).sum())
        return YEAR_MS * len(self.instants) / covered if covered else YEAR_MS / length

    @cached_property
    def lags(self) -> int:
        """Neighbouring rows that share return bars with a row."""
        return max(0, -(-self.horizon // self.step) - 1)

    @cached_property
    def independent(self) -> float:
        """Sum of average uniqueness over the return bars t+1 … t+h, symbols taken apart."""
        if self.lags == 0:
            return float(len(self))
        bar = (self.time - self.time.min()) // interval_ms(self.interval)
        total = 0.0
        for code in np.unique(self.symbol):
            own = bar[self.symbol == code]
            total += average_uniqueness(own + 1, own + self.horizon).sum()
        return float(total)

    @property
    def bar_ms(self) -> int:
        """Length of a bar in milliseconds."""
        return interval_ms(self.interval)

    @cached_property
    def several(self) -> bool:
        """Whether the rows are of more than one symbol."""
        return bool((self.symbol != self.symbol[:1]).any())

    @cached_property
    def within_horizon(self) -> np.ndarray:
        """(T,) number of instants up to the last one less than a horizon after each."""
        return np.searchsorted(self.instants, self.instants + (self.horizon - 1) * self.bar_ms, side="right")

    @cached_property
    def at_horizon(self) -> np.ndarray:
        """(T,) number of instants up to the last one no more than a horizon after each."""
        return np.searchsorted(self.instants, self.instants + self.horizon * self.bar_ms, side="right")

    @cached_property
    def own_at_horizon(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows in order of symbol and time (n,), and for each the first and last place in it of its symbol's rows a horizon later."""
        order = np.lexsort([self.time, self.symbol])
        first, last = np.empty(len(self), int), np.empty(len(self), int)
        edges = np.flatnonzero(np.diff(self.symbol[order], prepend=-1, append=-1))
        for start, stop in pairwise(edges):
            time = self.time[order[start:stop]]
            first[start:stop], last[start:stop] = (
                start + np.searchsorted(time, time + bars * self.bar_ms, side="right")
                for bars in (self.horizon - 1, self.horizon)
            )
        return order, first, last

    def effective_size(self, values: np.ndarray) -> float:
        """Independent rows that would know the mean of `values` (n,) as well as these do; at most n.

        Values that do not vary show no dependence: there it is the lower bound of average uniqueness.
        """
        error = error_of_mean(values, self).error if len(self) else 0.0
        return self.independent if error == 0 else float(np.var(values)) / error**2
