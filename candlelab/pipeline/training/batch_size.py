"""Choose the batch size for data.batch_size=auto: a fixed rule on the CPU, memory and a probe step on a GPU."""

from __future__ import annotations

import math

import torch

PROBE = 8  # rows of the probe step
SHARE = 0.6  # of the device's free memory that a step may take
SMALLEST, LARGEST = 8, 1024
CPU_WORK = 2**26  # parameters times rows that one step may hold: 64 rows of a million parameters


def auto_batch_size(parts) -> int:
    """Return a power of two between 8 and 1024 that suits the net and the device training will use.

    On the CPU it follows from the number of parameters alone, so it is the same on every machine.
    """
    if not torch.cuda.is_available():
        return batch_on_cpu(sum(p.numel() for p in parts.net.parameters()))
    return _power_of_two(SHARE * torch.cuda.mem_get_info()[0] / _bytes_per_row(parts))


def batch_on_cpu(parameters: int) -> int:
    """Return the batch size of a net with so many parameters on the CPU."""
    return _power_of_two(min(CPU_WORK // max(1, parameters), 64))


def _bytes_per_row(parts) -> float:
    """Return the memory of one training step per row, measured with a probe step that leaves no trace."""
    device = torch.device("cuda")
    net = parts.net.to(device)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    batch = parts.data.assemble(torch.from_numpy(parts.data.samples("train")[:PROBE]).to(device))
    parts.loss.to(device)(net(batch), batch)["loss"].backward()
    peak = torch.cuda.max_memory_allocated() - before
    net.zero_grad(set_to_none=True)
    net.cpu(), parts.loss.cpu()
    return max(1.0, peak / PROBE)


def _power_of_two(rows: float) -> int:
    return int(min(LARGEST, max(SMALLEST, 2 ** math.floor(math.log2(max(1.0, rows))))))
