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

AT_ONCE = 32  # charts whose pixels are summed together
LARGEST_TARGET = 10.0  # past volatilities; after a standstill one move can be thousands of them


class HostTape:
    """The outcomes and the charts of a tape that stays where it is, in memory or in mapped files: only batches go to the device."""

    def __init__(self, candles: Candles, labels: Labels, renderer: Renderer | None, device: torch.device) -> None:
        self._candles, self._labels, self._renderer, self._device = candles, labels, renderer, device

    def outcomes(self, rows: torch.Tensor) -> Batch:
        """Return row, label, forward_return and target of some rows, each (B,)."""
        at = rows.cpu().numpy()
        target = on_device(self._labels.target[at], self._device, torch.float32)
        return {
            "row": rows,
            "label": on_device(self._labels.label[at], self._device),
            "forward_return": on_device(self._labels.forward_return[at], self._device, torch.float32),
            "target": clipped(target),
        }

    def charts(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the charts of the windows that end at some rows, (B, C, H, W) uint8; drawn on the CPU."""
        assert self._renderer is not None, "this net reads no charts"
        return torch.from_numpy(self._renderer.draw(self._candles, rows.cpu().numpy())).to(self._device)


class DeviceTape:
    """The outcomes of a tape's rows as tensors on one device, and the bars where its charts are drawn there.

    open high low close volume (N,) float64 and missing (N,) bool: where there is a renderer.
    """

    def __init__(self, candles: Candles, labels: Labels, renderer: Renderer | None, device: torch.device) -> None:
        self._renderer = renderer
        self.label = on_device(labels.label, device)
        self.forward_return = on_device(labels.forward_return, device, torch.float32)
        self.target = clipped(on_device(labels.target, device, torch.float32))
        if renderer is not None:
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
        return self._renderer.draw(self, rows)


def tape_on(
    candles: Candles, labels: Labels, renderer: Renderer | None, device: torch.device, *, in_files: bool = False
) -> HostTape | DeviceTape:
    """Return the tape as a device reads it: a copy in its own memory where that is another one and the tape lies in memory."""
    kind = HostTape if in_files or device.type == "cpu" else DeviceTape
    return kind(candles, labels, renderer, device)


class DeviceBatches:
    """Makes the batches of a data set on one device, with only what the net reads."""

    def __init__(self, data: SampleSet, device: torch.device) -> None:
        made, self._reads, self._window = data.prepared, data.reads, data.window
        drawn = data.renderer if "image" in data.reads else None
        self._data, self._device, self._in_files = data, device, made.arrays.in_files
        self._tape = tape_on(made.candles, made.labels, drawn, device, in_files=self._in_files)
        held = torch.device("cpu") if self._in_files else device
        self._ends = on_device(made.ends, held)
        if "series" in data.reads:
            self._series = on_device(data.series, held)
        if "caption" in data.reads and not self._in_files:
            self._ids, self._mask = (on_device(part, device) for part in data.tokens)

    def batch(self, samples: torch.Tensor) -> Batch:
        """Return the batch of some sample numbers (B,)."""
        rows = self._ends[samples.to(self._ends.device)]
        made = self._tape.outcomes(rows.to(self._device))
        if "image" in self._reads:
            made["image"] = self._tape.charts(rows)
        if "series" in self._reads:
            made["series"] = gather_rows(self._series, rows, self._window).to(self._device)
        if "caption" in self._reads:
            ids, mask = self._tokens(samples)
            made["caption"], made["caption_mask"] = ids.long(), mask
        return made

    def _tokens(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if not self._in_files:
            return self._ids[samples], self._mask[samples]
        ids, mask = self._data.tokens_of(samples.cpu().numpy())
        return on_device(ids, self._device), on_device(mask, self._device)


def on_device(array: np.ndarray, device: torch.device, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Return an array as a tensor on a device; on the CPU they share memory where the type stays."""
    return torch.from_numpy(np.ascontiguousarray(array)).to(device=device, dtype=dtype)


def clipped(target: torch.Tensor) -> torch.Tensor:
    """Return targets as a loss reads them: 0 where there is none, none beyond LARGEST_TARGET."""
    return target.nan_to_num().clamp(-LARGEST_TARGET, LARGEST_TARGET)


def gather_rows(column: torch.Tensor, ends: torch.Tensor, window: int) -> torch.Tensor:
    """Return the last `window` rows of a column for each end row; shape (B, window, …)."""
    return column[ends[:, None] + torch.arange(1 - window, 1, device=ends.device)]


def pixel_statistics(data: SampleSet, most: int = 1024) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and standard deviation per channel of training charts in [0, 1]; shapes (C,).

    A few charts at a time: a thousand of 500x400 in double precision would fill gigabytes. The sums are of whole numbers, hence exact.
    """
    rows = data.samples("train")
    rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    total, squares, count = torch.zeros(()).double(), torch.zeros(()).double(), 0
    for first in range(0, len(rows), AT_ONCE):
        charts = torch.from_numpy(data.charts(data.prepared.ends[rows[first : first + AT_ONCE]])).double()
        total, squares = total + charts.sum((0, 2, 3)), squares + charts.square().sum((0, 2, 3))
        count += charts[:, 0].numel()
    mean = total / count
    std = ((squares - count * mean.square()).clamp_min(0) / (count - 1)).sqrt()
    return (mean / 255).float(), (std / 255).clamp_min(1e-3).float()
