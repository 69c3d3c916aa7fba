"""Batches of a data set on the device that reads them: windows gathered, charts drawn, captions looked up there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from candlelab.core.batch import Batch
from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.contracts import Labels, Renderer

if TYPE_CHECKING:
    from candlelab.data.samples import SampleSet

LARGEST_TARGET = 10.0  # past volatilities; after a standstill one move can be thousands of them


class DeviceTape:
    """The outcomes of a tape's rows as tensors on one device, and the bars where its charts are drawn there.

    open high low close volume (N,) float64 and missing (N,) bool: where there is a renderer, and the device is no CPU.
    """

    def __init__(self, candles: Candles, labels: Labels, renderer: Renderer | None, device: torch.device) -> None:
        self._candles, self._renderer, self._device = candles, renderer, device
        self.label = on_device(labels.label, device)
        self.forward_return = on_device(labels.forward_return, device, torch.float32)
        target = on_device(labels.target, device, torch.float32)
        self.target = target.nan_to_num().clamp(-LARGEST_TARGET, LARGEST_TARGET)
        if renderer is not None and device.type != "cpu":
            for name in OHLCV:
                setattr(self, name, on_device(getattr(candles, name), device))
            self.missing = None if candles.missing is None else on_device(candles.missing, device)

    def outcomes(self, rows: torch.Tensor) -> Batch:
        """Return row, label, forward_return and target of some rows, each (B,)."""
        return {
            "row": rows,
            "label": self.label[rows],
            "forward_return": self.forward_return[rows],
            "target": self.target[rows],
        }

    def charts(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the charts of the windows that end at some rows, (B, C, H, W) uint8; drawn where the rows are."""
        assert self._renderer is not None, "this net reads no charts"
        if self._device.type == "cpu":
            return torch.from_numpy(self._renderer.draw(self._candles, rows.numpy()))
        return self._renderer.draw(self, rows)


class DeviceBatches:
    """Makes the batches of a data set on one device, with only what the net reads."""

    def __init__(self, data: SampleSet, device: torch.device) -> None:
        made, self._reads, self._window = data.prepared, data.reads, data.window
        drawn = data.renderer if "image" in data.reads else None
        self._tape, self._ends = DeviceTape(made.candles, made.labels, drawn, device), on_device(made.ends, device)
        if "series" in data.reads:
            self._series = on_device(data.series, device)
        if "caption" in data.reads:
            self._ids, self._mask = (on_device(part, device) for part in data.tokens)

    def batch(self, samples: torch.Tensor) -> Batch:
        """Return the batch of some sample numbers (B,)."""
        rows = self._ends[samples]
        made = self._tape.outcomes(rows)
        if "image" in self._reads:
            made["image"] = self._tape.charts(rows)
        if "series" in self._reads:
            made["series"] = gather_rows(self._series, rows, self._window)
        if "caption" in self._reads:
            made["caption"], made["caption_mask"] = self._ids[samples].long(), self._mask[samples]
        return made


def on_device(array: np.ndarray, device: torch.device, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Return an array as a tensor on a device; on the CPU they share memory where the type stays."""
    return torch.from_numpy(np.ascontiguousarray(array)).to(device=device, dtype=dtype)


def gather_rows(column: torch.Tensor, ends: torch.Tensor, window: int) -> torch.Tensor:
    """Return the last `window` rows of a column for each end row; shape (B, window, …)."""
    return column[ends[:, None] + torch.arange(1 - window, 1, device=ends.device)]


def pixel_statistics(data: SampleSet, most: int = 1024) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation per channel of training charts in [0, 1]; shapes (C,)."""
    rows = data.samples("train")
    rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    charts = torch.from_numpy(data.charts(data.prepared.ends[rows])).double() / 255
    return charts.mean((0, 2, 3)).float(), charts.std((0, 2, 3)).clamp_min(1e-3).float()
