"""LightningDataModule over a set of samples: loaders of sample numbers, whose batches are made where they train."""

from __future__ import annotations

import pytorch_lightning as pl
import torch

from candlelab.core.batch import Batch
from candlelab.core.errors import UserError
from candlelab.data.loader import SampleLoader
from candlelab.data.samples import SampleSet


class ChartData(pl.LightningDataModule):
    """Feeds a training run, or this process's share of one, from a set of samples.

    resume_from  epoch and number of its batches already trained on.
    Raises UserError where more processes train than there are validation windows.
    """

    def __init__(self, samples: SampleSet) -> None:
        super().__init__()
        self.data = samples
        self.resume_from: tuple[int, int] = (0, 0)
        self._training: SampleLoader | None = None

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return -(-len(self.data.samples("train")) // self.data.rows_per_batch)

    def train_dataloader(self) -> SampleLoader:
        epoch = self.trainer.current_epoch if self.trainer else 0
        self.data.redraw(epoch)
        first = self.resume_from[1] if self.resume_from[0] == epoch else 0
        rank, world = self._place()
        rows, size = self.data.samples("train"), self.data.rows_per_batch
        self._training = SampleLoader(rows, size, self.data.seed, epoch=epoch, first=first, rank=rank, world=world)
        return self._training

    def resume_at(self, place: tuple[int, int]) -> None:
        """Begin with an epoch and a number of its batches; the first epoch's loader was made before anyone knew the place."""
        self.resume_from = place
        if self._training is not None and self._training.epoch == place[0]:
            self._training.first = place[1]

    def first_batch(self) -> Batch:
        """Return a whole batch of the first training samples, on the CPU."""
        return self.data.assemble(torch.from_numpy(self.data.samples("train")[: self.data.rows_per_batch]))

    def val_dataloader(self) -> SampleLoader:
        rank, world = self._place()
        all_of_them = self.data.samples("validation")
        mine = all_of_them[rank::world]
        if not len(mine):
            raise UserError(f"{world} processes share {len(all_of_them)} validation windows: use fewer trainer.devices")
        return SampleLoader(mine, self.data.rows_per_batch, None)

    def test_dataloader(self) -> SampleLoader:
        return SampleLoader(self.data.samples("test"), self.data.rows_per_batch, None)

    def on_after_batch_transfer(self, batch: torch.Tensor, dataloader_idx: int) -> Batch:
        return self.data.assemble(batch)

    def _place(self) -> tuple[int, int]:
        """Return (this process's number, how many processes train this run)."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
