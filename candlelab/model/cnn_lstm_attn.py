"""Sequence nets of CNN-LSTM-Attention: LSTM, LSTM-attention, CNN-LSTM and CNN-LSTM-attention, by two settings."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from candlelab.core.batch import Batch, Output, Shapes
from candlelab.core.errors import UserError
from candlelab.model.layers import check_counts, check_fraction, check_heads, sinusoidal_embedding

KERNELS = (3, 5, 7)


class CnnLstmAttention(nn.Module):
    """Indicators (B, T, F) to raw logits (B, K), or in regression mode to a forecast (B,) and nothing else; no tanh.

    use_cnn         convolutions over 3, 5 and 7 bars and two of 3 stand before the LSTMs, in place of the first one.
    use_attention   self-attention with positions and attention pooling stand after them; else the last state speaks.
    sizes           widths of the three stages; with 11 features, [64, 32, 16] and three classes the nets have 35,619,
                    37,812 (attention), 44,557 (CNN) and 46,750 (both) parameters, as in CNN-LSTM-Attention.
    """

    cnn: nn.Module

    gives_logits: bool

    reads: tuple[str, ...] = ("series",)

    def __init__(
        self,
        shapes: Shapes,
        *,
        mode: Literal["classification", "regression"],
        use_cnn: bool,
        use_attention: bool,
        sizes: list[int],
        heads: int,
        ffn_width: int,
        dropout: float,
    ) -> None:
        super().__init__()
        check_fraction(dropout, "dropout")
        bars, features = _series(shapes)
        if len(sizes) < 2 or min(sizes) < len(KERNELS):
            raise UserError(f"sizes is {list(sizes)}; give at least two widths of {len(KERNELS)} or more.")
        self.mode, self.gives_logits = mode, mode == "classification"
        self.cnn = MultiScale(features, sizes[0], dropout) if use_cnn else nn.Identity()
        widths = pairwise(sizes if use_cnn else [features, *sizes])
        self.lstms: nn.ModuleList = nn.ModuleList(nn.LSTM(inner, outer, batch_first=True) for inner, outer in widths)
        self.drop: nn.Dropout = nn.Dropout(dropout)
        self.pool: AttentionPool | LastState = (
            AttentionPool(bars, sizes[-1], heads, ffn_width, dropout) if use_attention else LastState()
        )
        self.head: nn.Sequential = nn.Sequential(
            nn.Linear(sizes[-1], sizes[-1] // 2),
            nn.GELU(),  # eight units: on noisy labels all of them died as ReLU, and the net said one thing for ever
            nn.Dropout(dropout),
            nn.Linear(sizes[-1] // 2, shapes.classes if self.gives_logits else 1),
        )

    def forward(self, batch: Batch) -> Output:
        states = self.cnn(batch["series"])
        for lstm in self.lstms:
            states = self.drop(lstm(states)[0])
        answer = self.head(self.pool(states))
        return {"logits": answer} if self.gives_logits else {"forecast": answer.squeeze(-1)}


class MultiScale(nn.Module):
    """Convolutions of 3, 5 and 7 bars side by side, then two of 3; (B, T, F) to (B, T, channels)."""

    def __init__(self, features: int, channels: int, dropout: float) -> None:
        super().__init__()
        widths = [channels // 3 + (i < channels % 3) for i in range(3)]
        self.scales: nn.ModuleList = nn.ModuleList(
            _convolution(features, w, k, dropout) for w, k in zip(widths, KERNELS, strict=True)
        )
        self.refine: nn.Sequential = nn.Sequential(
            _convolution(channels, channels, 3, dropout), _convolution(channels, channels, 3, dropout)
        )

    def forward(self, series: Tensor) -> Tensor:
        channels_first = series.transpose(1, 2)
        together = torch.cat([scale(channels_first) for scale in self.scales], dim=1)
        return self.refine(together).transpose(1, 2)


class AttentionPool(nn.Module):
    """Positions, a transformer block, then the newest state plus a learned weighted mean; (B, T, width) to (B, width).

    Without the newest state beside it a mean over all bars drowns what the last few say, and nothing is learnt for epochs.
    """

    heads: int
    dropout: float
    norm_attention: nn.LayerNorm
    norm_forward: nn.LayerNorm

    position_embedding: Tensor

    def __init__(self, bars: int, width: int, heads: int, ffn_width: int, dropout: float) -> None:
        super().__init__()
        check_heads(width, heads, "heads")
        check_counts(ffn_width=ffn_width)
        self.heads, self.dropout = heads, dropout
        self.register_buffer(
            "position_embedding", sinusoidal_embedding(torch.arange(float(bars)), width), persistent=False
        )
        self.qkv: nn.Linear = nn.Linear(width, 3 * width, bias=False)
        self.project: nn.Linear = nn.Linear(width, width)
        self.norm_attention, self.norm_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ffn: nn.Sequential = nn.Sequential(
            nn.Linear(width, ffn_width), nn.GELU(), nn.Dropout(dropout), nn.Linear(ffn_width, width)
        )
        self.score: nn.Linear = nn.Linear(width, 1)

    def forward(self, states: Tensor) -> Tensor:
        states = (
            states * math.sqrt(self.position_embedding.shape[-1]) + self.position_embedding
        )  # Vaswani et al. 2017, 3.4: else positions drown states
        states = self.norm_attention(states + self._attend(states))
        states = self.norm_forward(states + self.ffn(states))
        shares = self.score(states).softmax(dim=1)
        return states[:, -1] + (shares * states).sum(1)

    def _attend(self, states: Tensor) -> Tensor:
        query, key, value = self.qkv(states).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=self.dropout if self.training else 0.0)
        return self.project(mixed.transpose(1, 2).flatten(2))


class LastState(nn.Module):
    """The state after the newest bar; (B, T, width) to (B, width)."""

    def forward(self, states: Tensor) -> Tensor:
        return states[:, -1]


def _series(shapes: Shapes) -> tuple[int, int]:
    if shapes.series is None or shapes.series[1] < 1:
        raise UserError("cnn_lstm_attn reads numbers but the data computes none; choose data/indicators=classic.")
    return shapes.series


def _convolution(inner: int, outer: int, kernel: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inner, outer, kernel, padding=kernel // 2), nn.BatchNorm1d(outer), nn.ReLU(), nn.Dropout(dropout)
    )
