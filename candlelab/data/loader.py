"""Batches of sample numbers: no worker processes, no images, an order that epoch and seed alone decide."""

from __future__ import annotations

import numpy as np
import torch


class SampleLoader:
    """Iterable of (B,) int64 sample numbers; the last batch may be smaller, no sample is ever left out.

    A last batch of one row takes a second from the batch before: batch normalisation cannot scale one.

    seed   None keeps the samples in order; else (seed, epoch) shuffles them.
    first  batch to begin with, for an epoch that was interrupted; `len` still counts the whole epoch.
    rank   of `world` processes takes every world-th row of each batch: together they read what one would.
    """

    samples: np.ndarray
    batch_size: int
    seed: int | None
    epoch: int
    first: int
    rank: int
    world: int

    def __init__(
        self,
        samples: np.ndarray,
        batch_size: int,
        seed: int | None,
        *,
        epoch: int = 0,
        first: int = 0,
        rank: int = 0,
        world: int = 1,
    ):
        self.samples, self.batch_size, self.seed, self.epoch, self.first = samples, batch_size, seed, epoch, first
        self.rank, self.world = rank, world

    def __len__(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def __iter__(self):
        order = self.samples
        if self.seed is not None:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(order)
        for batch in range(self.first, len(self)):
            rows = order[slice(*self._span(batch))]
            mine = rows[self.rank :: self.world]
            yield torch.from_numpy(
                mine if len(mine) else rows[:1]
            )  # of weight 0: every process takes part in every step

    def weight(self, batch: int) -> float:
        """Return what to weigh this process's mean over a batch with, so that the mean over all processes is the whole batch's."""
        first, end = self._span(batch)
        rows = end - first
        return len(range(self.rank, rows, self.world)) * self.world / rows

    def _span(self, batch: int) -> tuple[int, int]:
        """Return the first place of a batch in the order and the one behind its last."""
        last = len(self) - 1
        moved = int(len(self.samples) % self.batch_size == 1 and last > 0 and self.batch_size > 2)
        end = min((batch + 1) * self.batch_size, len(self.samples))
        return batch * self.batch_size - moved * (batch == last), end - moved * (batch == last - 1)
