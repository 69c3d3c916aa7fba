"""Chronological split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.data.split.parts import (
    checked_dates,
    checked_gap,
    checked_shares,
    longest_bar,
    purged,
    quantiles,
    sample_spans,
)

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class Chronological:
    """One cut into train, validation and test, by shares of the samples or at fixed dates.

    Both dates given: they decide. Neither: the shares decide, test is what train and validation leave.
    `embargo` widens the gap at each cut by that many bars; the gap is taken from the end of the earlier part, so the test
    rows do not depend on it.
    """

    purge: str
    embargo: int

    def __init__(
        self,
        *,
        train: float,
        validation: float,
        validation_start: str | None,
        test_start: str | None,
        purge: Literal["label", "full"],
        embargo: int,
    ):
        self.shares: tuple[float, float] = checked_shares(train, validation)
        self.dates: tuple[int, int] | None = checked_dates(validation_start, test_start)
        self.dated: bool = self.dates is not None
        self.purge, self.embargo = checked_gap(purge, embargo)

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Part of each sample, (n,) int8: 0 train, 1 validation, 2 test, -1 dropped.

        end, label_end, first_row   (n,) rows of the last bar, the last bar of the label, the first bar read (with warm-up).
        Raises ValueError if a part is left without samples.
        """
        time = candles.time[end]
        cuts = self.dates or quantiles(time, self.shares)
        part = np.searchsorted(np.asarray(cuts), time, side="right").astype(np.int8)
        spans = sample_spans(candles, end, label_end, first_row, self.purge)
        return purged(part, *spans, gap=self.embargo * longest_bar(candles))
