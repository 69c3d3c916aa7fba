"""Logistic regression on the window's numbers: the simplest control."""

from __future__ import annotations

from torch import nn

from candlelab.core.batch import Batch, Output, Shapes
from candlelab.model.series_scale import Scale, SeriesScale


class Logistic(nn.Module):
    """One linear layer over all numbers of the window, flattened; it starts from zero."""

    reads: tuple[str, ...] = ("series",)

    def __init__(self, shapes: Shapes, *, scale: Scale) -> None:
        super().__init__()
        self.scale: SeriesScale = SeriesScale(shapes, scale)
        bars, features = shapes.sequence
        self.classify: nn.Linear = nn.Linear(bars * features, shapes.classes)
        nn.init.zeros_(self.classify.weight)
        nn.init.zeros_(self.classify.bias)

    def forward(self, batch: Batch) -> Output:
        return {"logits": self.classify(self.scale(batch["series"]).flatten(1))}
