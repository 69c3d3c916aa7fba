"""The columns of a data set on the device that trains on them, and windows gathered there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from candlelab.core.columns import OHLCV

if TYPE_CHECKING:
    from candlelab.data.module import ChartData

LARGEST_TARGET = 10.0  # past volatilities; after a standstill one move can be thousands of them


class DeviceTape:
    """The columns of a data set as tensors on one device."""

    def __init__(self, data: ChartData, device: torch.device):
        made = data.prepared

        def put(array, dtype=None):
            return torch.from_numpy(np.ascontiguousarray(array)).to(device=device, dtype=dtype)

        self.ends, self.label = put(made.ends), put(made.labels.label)
        self.forward_return = put(made.labels.forward_return, torch.float32)
        self.target = put(made.labels.target, torch.float32).nan_to_num().clamp(-LARGEST_TARGET, LARGEST_TARGET)
        if "image" in data.reads and device.type != "cpu":
            for name in OHLCV:
                setattr(self, name, put(getattr(made.candles, name)))
            self.missing = None if made.candles.missing is None else put(made.candles.missing)
        if "series" in data.reads:
            self.series = put(data.series)
        if "caption" in data.reads:
            self.ids, self.mask = (put(part) for part in data.tokens)


def gather_rows(column: torch.Tensor, ends: torch.Tensor, window: int) -> torch.Tensor:
    """Return the last `window` rows of a column for each end row; shape (B, window, …)."""
    return column[ends[:, None] + torch.arange(1 - window, 1, device=ends.device)]
