"""Batch normalisation over all processes of a run is that of one process with the whole batch."""

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from candlelab.trainer import batch_norm
from candlelab.trainer.batch_norm import WholeBatchNorm


@pytest.fixture(scope="module", autouse=True)
def group():
    """A group of this process alone: its sums are its own."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def layer():
    torch.manual_seed(0)
    made = nn.BatchNorm2d(3)
    nn.init.normal_(made.weight)
    return made


def test_one_process_gets_what_torch_gives():
    values, plain, shared = torch.randn(6, 3, 4, 5), layer(), layer()
    expected = plain(values)
    with WholeBatchNorm(counts=True):
        found = shared(values)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(shared.state_dict(), plain.state_dict())


def test_gradients_are_those_of_torch():
    values = torch.randn(6, 3, 4, 5, requires_grad=True)
    with WholeBatchNorm(counts=True):
        found = layer()(values)
    mine, theirs = (
        torch.autograd.grad(out.square().sum() + out.sin().sum(), values) for out in (found, layer()(values))
    )
    torch.testing.assert_close(mine, theirs)


def test_rows_that_do_not_count_move_no_statistic(monkeypatch):
    """The other process's sums stand in for those that are added up."""
    other = torch.randn(5, 3)
    sums = iter([other.sum(0), (other - other.mean(0)).square().sum(0)])
    extra = {4: 5.0, 3: None}

    def add(total):
        told = next(sums)
        total += torch.cat([told, torch.tensor([extra[len(total)]])]) if len(total) == 4 else told

    monkeypatch.setattr(batch_norm.dist, "all_reduce", add)
    own = nn.BatchNorm1d(3)
    with WholeBatchNorm(counts=False):
        own(torch.full((1, 3), 99.0))
    torch.testing.assert_close(own.running_mean, 0.1 * other.mean(0))


def test_evaluation_asks_nobody(monkeypatch):
    monkeypatch.setattr(batch_norm.dist, "all_reduce", None)
    with WholeBatchNorm(counts=True):
        found = layer().eval()(torch.ones(2, 3, 1, 1))
    assert found.shape == (2, 3, 1, 1)


def test_outside_of_it_torch_normalises_alone(monkeypatch):
    monkeypatch.setattr(batch_norm.dist, "all_reduce", None)
    with WholeBatchNorm(counts=True):
        pass
    assert F.batch_norm(torch.randn(4, 2), None, None, training=True).shape == (4, 2)
