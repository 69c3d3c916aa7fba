"""Walk-forward split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.core.errors import UserError
from candlelab.data.split.parts import (
    DROPPED,
    TEST,
    TRAIN,
    VALIDATION,
    checked_gap,
    checked_share,
    longest_bar,
    purged,
    quantiles,
    sample_spans,
)

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class WalkForward:
    """Fold `fold` of `folds`: train on what came before block fold + 1 of time, test on that block.

    The samples are cut in time order into folds + 1 blocks of equal size; the first is only trained on. Validation is the
    last share of the training stretch. `train_bars` null trains on everything before (expanding), a number on the last
    that many bars (sliding). Samples after the test block are dropped.
    """

    folds: int
    fold: int
    train_bars: int | None
    purge: str
    embargo: int

    dated = False

    def __init__(
        self,
        *,
        folds: int,
        fold: int,
        validation: float,
        train_bars: int | None,
        purge: Literal["label", "full"],
        embargo: int,
    ):
        if folds < 1 or not 0 <= fold < folds:
            raise UserError(f"fold is {fold} of {folds} folds; choose a fold from 0 to {max(folds, 1) - 1}.")
        if train_bars is not None and train_bars < 1:
            raise UserError(f"train_bars is {train_bars}; set it to 1 or more, or to null for an expanding window.")
        self.folds, self.fold, self.train_bars = folds, fold, train_bars
        self.validation: float = checked_share("validation", validation)
        self.purge, self.embargo = checked_gap(purge, embargo)

    def __call__(self, candles: Candles, end: np.ndarray, label_end: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Part of each sample, (n,) int8: 0 train, 1 validation, 2 test, -1 dropped; arguments as for Chronological."""
        time = candles.time[end]
        test_start, test_stop = self._test_block(time)
        train_start = time.min() if self.train_bars is None else test_start - self.train_bars * longest_bar(candles)
        learning = (time >= train_start) & (time < test_start)
        part = np.full(len(time), DROPPED, dtype=np.int8)
        if learning.any():
            (cut,) = quantiles(time[learning], (1.0 - self.validation,))
            part[learning] = np.where(time[learning] < cut, TRAIN, VALIDATION)
        part[(time >= test_start) & (time < test_stop)] = TEST
        spans = sample_spans(candles, end, label_end, first_row, self.purge)
        return purged(part, *spans, gap=self.embargo * longest_bar(candles))

    def _test_block(self, time) -> tuple[int, int]:
        start, stop = quantiles(time, [k / (self.folds + 1) for k in (self.fold + 1, self.fold + 2)])
        return start, stop if self.fold + 1 < self.folds else time.max() + 1
