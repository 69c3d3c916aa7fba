"""The words that data and models share: Batch, Output, Shapes.

Dimensions: B batch, C channels, H height, W width, L caption tokens, T bars of the window, F features per bar, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from torch import Tensor


class Batch(TypedDict, total=False):
    """One batch of windows; only what the net reads is present, `row` always."""

    image: Tensor  # (B, C, H, W) uint8
    caption: Tensor  # (B, L) int64 token ids
    caption_mask: Tensor  # (B, L) bool, True where a token is
    series: Tensor  # (B, T, F) float32, scaled
    label: Tensor  # (B,) int64, -1 where the rule gives none
    forward_return: Tensor  # (B,) float32, simple return over the horizon
    target: Tensor  # (B,) float32, forward log return in units of past volatility
    row: Tensor  # (B,) int64, tape row of the window's last bar


class Output(TypedDict, total=False):
    """What a net says of a batch."""

    logits: Tensor  # (B, K) raw: softmax belongs to the loss and to evaluation
    forecast: Tensor  # (B,) in the units of Batch.target
    attention: Tensor  # (B, heads, queries, keys) for pictures


def answers_of(output: Output) -> dict[str, Tensor]:
    """Return "probabilities" (B, K) and/or "forecast" (B,) of what a net says, float64 on the CPU: the softmax of evaluation."""
    said: dict[str, Tensor] = {}
    if "logits" in output:
        said["probabilities"] = output["logits"].double().softmax(-1).cpu()
    if "forecast" in output:
        said["forecast"] = output["forecast"].double().cpu()
    return said


@dataclass(frozen=True)
class Shapes:
    """What a net must know of its data before it can be built."""

    classes: int
    image: tuple[int, int, int] | None = None  # (C, H, W)
    caption: int | None = None  # L
    vocabulary: int | None = None  # number of token ids
    series: tuple[int, int] | None = None  # (T, F)

    @property
    def chart(self) -> tuple[int, int, int]:
        """(C, H, W), for a net that was told that there are charts."""
        assert self.image is not None, "the data draw no charts"
        return self.image

    @property
    def sequence(self) -> tuple[int, int]:
        """(T, F), for a net that was told that there are numbers."""
        assert self.series is not None, "the data have no series"
        return self.series


def shapes_of(stored: dict[str, Any]) -> Shapes:
    """Return the shapes that a run keeps as numbers and lists."""
    parts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return Shapes(**parts)
