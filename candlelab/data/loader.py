"""Batches of sample numbers: no worker processes, no images, an order that epoch and seed alone decide."""

from __future__ import annotations

import numpy as np
import torch


class SampleLoader:
    """Iterable of (B,) int64 sample numbers; the last batch may be smaller, no sample is ever left out.

    seed   None keeps the samples in order; else (seed, epoch) shuffles them.
    first  batch to begin with, for an epoch that was interrupted; `len` still counts the whole epoch.
    """

    def __init__(self, samples: np.ndarray, batch_size: int, seed: int | None, *, epoch: int = 0, first: int = 0):
        self.samples, self.batch_size, self.seed, self.epoch, self.first = samples, batch_size, seed, epoch, first

    def __len__(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def __iter__(self):
        order = self.samples
        if self.seed is not None:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(order)
        for batch in range(self.first, len(self)):
            yield torch.from_numpy(order[batch * self.batch_size:(batch + 1) * self.batch_size])
