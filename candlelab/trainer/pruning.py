"""Pruning of a run of a search: it ends after the epoch whose validation loss is worse than it was told to accept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl

from candlelab.core.epochs import pruned_at
from candlelab.trainer.progress import EpochTable


class Pruned(Exception):
    """Training ended early on purpose: the run stays unfinished, and goes on from its checkpoint where it is asked for again."""

    epoch: int

    def __init__(self, epoch: int):
        self.epoch = epoch  # the last one that was trained, from 0
        super().__init__(
            f"pruned after epoch {epoch + 1}: its validation loss is above what trainer.stop_above accepts"
        )


class Pruning(pl.Callback):
    """Ask the trainer to stop after the first epoch that is pruned, see `pruned_at`; stands behind the table of epochs."""

    def __init__(self, table: EpochTable, stop_above: Sequence[float | None], monitor: str):
        self.table, self.stop_above, self.monitor = table, list(stop_above), monitor

    @property
    def epoch(self) -> int | None:
        """The epoch at which the run is pruned, None if at none so far."""
        return pruned_at([row[self.monitor] for row in self.table.rows if self.monitor in row], self.stop_above)

    def on_train_epoch_end(self, trainer: pl.Trainer, learner: Any) -> None:
        if self.epoch is not None:
            trainer.should_stop = True
