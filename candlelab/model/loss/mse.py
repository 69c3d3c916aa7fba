"""Squared error of the forecast alone."""

from __future__ import annotations

from torch import Tensor, nn

from candlelab.core.batch import Batch, Output
from candlelab.model.loss.terms import forecast_mean, forecast_of, known_target


class Mse(nn.Module):
    """Mean squared error on the standardised target, over rows that have one; no squashing, no classes."""

    def __init__(self, class_counts: Tensor | None) -> None:
        super().__init__()

    def forward(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        misses = (forecast_of(output, "mse") - known_target(batch)).square()
        loss = forecast_mean(misses, batch["target"])
        return {"loss": loss, "mse": loss.detach()}
