"""PyTorch Dataset of charts and labels for any training loop: whole batches are drawn where the batch lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from candlelab.core.batch import Batch
from candlelab.core.candles import Candles
from candlelab.core.contracts import Renderer
from candlelab.core.errors import UserError
from candlelab.core.interval import to_time
from candlelab.data.batches import tape_on
from candlelab.data.windows import valid_ends
from candlelab.pipeline.library import chart_style, label_rule, tape_from, torch_device


class Charts(Dataset):
    """Windows of candles as charts with labels, drawn a batch at a time.

    candles  a Candles table or a DataFrame of bars.
    style    a chart style of the config (render=), size its pixels a side where it leaves them open.
    label    a label rule of the config (data/label=).
    window   bars of a chart; stride: bars between neighbouring windows.
    device   where batches are drawn and lie; "cuda" draws on the GPU.
    style_settings, label_settings  what their yaml would hold, checked the same way.

    Use it with a DataLoader and without workers, for drawing takes microseconds:
    `DataLoader(charts, batch_size=256, shuffle=True, collate_fn=charts.collate)`. A batch is a dict: image (B, C, H, W) uint8,
    label (B,) int64, forward_return (B,) float32, row (B,) int64.
    Raises UserError for unknown names and settings, with the nearest known one, and where no window fits.
    """

    style: Renderer

    def __init__(
        self,
        candles: Candles | pd.DataFrame,
        style: str = "candles",
        label: str = "direction",
        window: int = 48,
        *,
        size: int = 64,
        stride: int = 1,
        device: str = "cpu",
        style_settings: dict[str, Any] | None = None,
        label_settings: dict[str, Any] | None = None,
    ) -> None:
        self.candles: Candles = tape_from(candles)
        self.style = chart_style(style, size, {"window": window} | (style_settings or {}))
        self.rule: Any = label_rule(label, label_settings or {})
        self.window: int = self.style.window
        self.labels: Any = self.rule(self.candles, self.window)
        ends = valid_ends(self.candles, window=self.window, warmup=self.style.warmup, stride=stride)
        self.ends: np.ndarray = ends[self.labels.label[ends] >= 0]
        if not len(self.ends):
            raise UserError(
                f"no window of {self.window} bars with a label fits into {len(self.candles)} bars: give more bars"
            )
        self.device: Any = torch_device(device)
        self._tape = tape_on(self.candles, self.labels, self.style, self.device)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return self.rule.classes

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a chart."""
        return self.style.shape

    def between(self, start: str | None, end: str | None) -> Charts:
        """Return the windows whose first bar and whose label's last bar lie in start <= time < end: parts that share no bar."""
        first, last = to_time(start), to_time(end)
        time, begins = self.candles.time, self.ends - self.window + 1
        stop = np.maximum(self.labels.label_end[self.ends], self.ends)
        keep = np.ones(len(self.ends), bool)
        keep &= True if first is None else time[begins] >= first
        keep &= True if last is None else time[stop] < last
        if not keep.any():
            raise UserError(
                f"no window lies between {start} and {end}: the bars run from row {begins[0]} on; choose other dates"
            )
        part = object.__new__(Charts)
        part.__dict__ |= self.__dict__ | {"ends": self.ends[keep]}
        return part

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """Return one window: image (C, H, W), label, forward_return and row as tensors."""
        whole: Mapping[str, Any] = self.__getitems__([index])
        return {name: value[0] for name, value in whole.items()}

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Return a whole batch, drawn at once; PyTorch's DataLoader asks for this."""
        rows = torch.from_numpy(self.ends[np.asarray(indices)]).to(self.device)
        told = self._tape.outcomes(rows)
        return {
            "image": self._tape.charts(rows),
            "label": told["label"],
            "forward_return": told["forward_return"],
            "row": rows,
        }

    def collate(self, batch: Batch | list[dict[str, torch.Tensor]]) -> Batch:
        """Return the batch as it was drawn; single windows are stacked."""
        if isinstance(batch, list):
            stacked: Any = {name: torch.stack([each[name] for each in batch]) for name in batch[0]}
            return stacked
        return batch
