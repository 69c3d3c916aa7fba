"""Costs of a net: counted operations, and a peak of memory that belongs to its own job."""

import numpy as np
import torch
from torch import nn

from candlelab.core.mapped import Mapped
from candlelab.pipeline.training.measure import CALLS, PeakMemory, durations, resident_mb
from candlelab.pipeline.training.operations import flops


class Line(nn.Module):
    """A convolution of 3 to 8 channels, 3x3, on 10x10 pixels."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3)

    def forward(self, batch):
        return {"logits": self.layer(batch["image"].float()).mean((2, 3))}


def batch(rows=1):
    return {"image": torch.zeros(rows, 3, 10, 10, dtype=torch.uint8), "row": torch.arange(rows)}


def test_flops_of_a_convolution_by_hand():
    assert flops(Line(), batch()) == 2 * (8 * 8) * 8 * (3 * 3 * 3)


def test_every_timed_call_counts_and_none_of_the_warm_up():
    assert 1 <= len(durations(Line(), batch())) <= CALLS


def test_after_a_short_training_one_call_is_timed():
    assert len(durations(Line(), batch(), 0.0)) == 1


def test_a_small_job_after_a_large_one_has_its_own_peak():
    with PeakMemory() as large:
        held = np.ones(100 * 2**17)  # 100 MB
        high = large.megabytes
        del held
    with PeakMemory() as small:
        pass
    assert high - 110 < small.megabytes < high - 90


def test_pages_of_mapped_bars_do_not_count(tmp_path):
    with PeakMemory() as memory:
        before = memory.megabytes
        column = Mapped(tmp_path).empty((100 * 2**17,), np.float64)  # 100 MB
        column[:] = 1
        assert memory.megabytes < before + 50 < resident_mb() + 50
