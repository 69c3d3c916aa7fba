"""Six numbers per bar put on the scale that a drawing would give them: the controls of docs/methods.md, section 3.2."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from candlelab.core.batch import Shapes
from candlelab.core.errors import UserError

CHANNELS = ("open", "high", "low", "close", "average", "volume")
CLOSE = 3
PRICES = 5
Scale = Literal["image", "cumulative", "volatility", "none"]
TINY = 1e-12


class SeriesScale(nn.Module):
    """(B, T, 6) raw bars to scaled channels (B, T, 6), each window by itself; (B, T, F) unchanged for scale "none".

    image        prices by the window's lowest and highest, volume by its largest: what drawing does.
    cumulative   prices as returns since the window's first close.
    volatility   prices as log returns since the previous close, in units of the window's own deviation.
    A window without range gives zeros. Volume is divided by the window's largest in all three.
    """

    scale: Any

    def __init__(self, shapes: Shapes, scale: Scale) -> None:
        super().__init__()
        if shapes.series is None:
            raise UserError("this net reads numbers but the data computes none; choose data/indicators=bars.")
        _, features = shapes.series
        if scale != "none" and features != len(CHANNELS):
            raise UserError(
                f"scale={scale} needs the six raw channels {', '.join(CHANNELS)}, not {features} features; "
                "choose data/indicators=bars data/scaling=none, or scale=none."
            )
        self.scale = {"image": _image, "cumulative": _cumulative, "volatility": _volatility, "none": None}[scale]

    def forward(self, series: Tensor) -> Tensor:
        if self.scale is None:
            return series
        volume = series[..., PRICES:]
        share = volume / volume.amax(1, keepdim=True).clamp_min(TINY)
        return torch.cat([self.scale(series[..., :PRICES]), share], dim=-1)


def _image(prices: Tensor) -> Tensor:
    low, high = prices.amin((1, 2), keepdim=True), prices.amax((1, 2), keepdim=True)
    return (prices - low) / (high - low).clamp_min(TINY)


def _cumulative(prices: Tensor) -> Tensor:
    return prices / prices[:, :1, CLOSE : CLOSE + 1] - 1.0


def _volatility(prices: Tensor) -> Tensor:
    close = prices[..., CLOSE : CLOSE + 1].log()
    before = torch.cat([close[:, :1], close[:, :-1]], dim=1)
    moves = close[:, 1:] - close[:, :-1]
    deviation = moves.square().mean(1, keepdim=True).sqrt()
    return (prices.log() - before) / deviation.clamp_min(TINY)
