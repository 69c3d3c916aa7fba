"""Batches of sample numbers: no worker processes, no images, a place in the epoch that survives a stop."""

from __future__ import annotations

import numpy as np
import torch


class SampleLoader:
    """Iterable of (B,) int64 sample numbers; its order depends on (seed, epoch) alone.

    Lightning stores `state_dict()` in every checkpoint, so a resumed epoch goes on with the batch after the last one used.
    The last batch may be smaller: no sample is ever left out.
    """

    def __init__(self, samples: np.ndarray, batch_size: int, seed: int | None):
        self.samples, self.batch_size, self.seed = samples, batch_size, seed
        self.epoch = self.done = 0

    def __len__(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def order(self) -> np.ndarray:
        """Return the samples in this epoch's order; shape (n,)."""
        if self.seed is None:
            return self.samples
        return np.random.default_rng((self.seed, self.epoch)).permutation(self.samples)

    def __iter__(self):
        order = self.order()
        first, self.done = self.done, 0
        for batch in range(first, len(self)):
            self.done = batch + 1
            yield torch.from_numpy(order[batch * self.batch_size:(batch + 1) * self.batch_size])
        self.done = 0
        self.epoch += 1

    def state_dict(self) -> dict:
        return {"epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state: dict) -> None:
        whole = state["done"] >= len(self)
        self.epoch, self.done = state["epoch"] + whole, 0 if whole else state["done"]
