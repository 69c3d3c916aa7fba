"""Synchronised batch normalisation on any device, CPUs with gloo too: statistics of the whole batch, not of a process's share."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class WholeBatchNorm(TorchFunctionMode):
    """While it is entered, every batch normalisation in training takes mean and variance over all processes of the run.

    counts  whether this process's rows are part of the batch: one without a row steps along with somebody else's.
    torch's own SyncBatchNorm knows no CPU, and counts such a row.
    """

    def __init__(self, *, counts: bool) -> None:
        super().__init__()
        self._counts = counts

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunction():
            if func is F.batch_norm:
                return shared_batch_norm(*args, **(kwargs or {}), counts=self._counts)
            return func(*args, **(kwargs or {}))


def shared_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    counts: bool,
) -> Tensor:
    """Return what `torch.nn.functional.batch_norm` returns for the rows (B, C, …) of all processes together; this process's part of it."""
    if not training:
        return F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    values, channels = input.float(), input.shape[1]
    shape = (1, channels, *(1,) * (input.ndim - 2))
    rows = float(counts) * values.numel() / channels
    others = [axis for axis in range(input.ndim) if axis != 1]
    told = _total(torch.cat([values.sum(others) * counts, values.new_tensor([rows])]))
    count, mean = told[-1].detach(), told[:-1] / told[-1].detach()
    centred = values - mean.view(shape)
    variance = _total(centred.square().sum(others) * counts) / count
    _remember(running_mean, mean, momentum)
    _remember(running_var, variance * count / (count - 1).clamp_min(1), momentum)
    out = centred * torch.rsqrt(variance + eps).view(shape)
    if weight is not None and bias is not None:
        out = out * weight.view(shape) + bias.view(shape)
    return out.to(input.dtype)


def _remember(running: Tensor | None, seen: Tensor, momentum: float) -> None:
    if running is not None:
        running.copy_(running * (1 - momentum) + seen.detach().to(running.dtype) * momentum)


def _total(values: Tensor) -> Tensor:
    total: Tensor = _Total.apply(values)
    return total


class _Total(torch.autograd.Function):
    """The sum over all processes; what depends on the sum in any of them flows back to each."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total
