"""Indicator sets in tensor operations, for inside a graph: raw bars (B, T, 5) to the set's numbers (B, window, F).

A window of fixed length makes every average, also the recursive ones, a matrix: row t holds the weights of the bars up to t.
Equal to TA-Lib called on the same T bars, but for the order of additions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from candlelab.core.errors import UserError

NEGLIGIBLE = 1e-12
FLOOR = 0.01  # of a volume against its mean
Recursion = Callable[[np.ndarray], np.ndarray]  # (T, n) columns to (T, n), linear


class ScaledIndicators(nn.Module):
    """The scaled numbers of the last `window` of T bars; ohlcv (B, T, 5) float64 to (B, window, F) float32.

    style    name of the indicators' class: Classic, Raw, Minimal or RawBars.
    kalman   as in the set's settings, as is `average`: the closes in the mean of RawBars.
    scaling  what `to_dict` of the fitted scaler wrote.
    Raises UserError for a set that has no form in tensor operations.
    """

    numbers: Any

    window: int

    def __init__(
        self,
        style: str,
        *,
        kalman: float | None,
        scaling: dict[str, Any],
        bars: int,
        window: int,
        average: int | None = None,
    ) -> None:
        super().__init__()
        if style not in SETS:
            why = WHY_NOT.get(style, "it has no tensor form")
            raise UserError(
                f"data/indicators={style.lower()} cannot be computed inside a graph ({why}): only "
                f"{', '.join(NAMES)} can; feed series to model.onnx instead"
            )
        self.numbers, self.window, self.clip = SETS[style](bars, average), window, scaling["clip"]
        self.smooth: Tensor | None = None if kalman is None else _matrix(lambda x: kalman_levels(x, kalman), bars)
        self.centre: Tensor = torch.tensor(scaling["centre"], dtype=torch.float64)
        self.scale: Tensor = torch.tensor(scaling["scale"], dtype=torch.float64)

    def forward(self, ohlcv: Tensor) -> Tensor:
        bars = [ohlcv[:, :, k] for k in range(5)]
        if self.smooth is not None:
            bars[:4] = [(price.log() @ self.smooth).exp() for price in bars[:4]]
        values = torch.stack([column[:, -self.window :] for column in self.numbers(*bars)], dim=-1)
        scaled = (values - self.centre) / self.scale
        return (scaled if self.clip is None else scaled.clamp(-self.clip, self.clip)).to(torch.float32)


class Averages(ABC):
    """The matrices of a set, for `bars` bars: `x @ matrix` is the average of x (B, bars) at every bar."""

    bars: int
    average: int | None

    def __init__(self, bars: int, average: int | None) -> None:
        self.bars, self.average = bars, average

    @abstractmethod
    def __call__(self, opened: Tensor, high: Tensor, low: Tensor, close: Tensor, volume: Tensor) -> list[Tensor]:
        """Return the indicators of every bar, each (B, bars)."""

    def simple(self, values: Tensor, length: int) -> Tensor:
        """Mean of the last `length` values; the first length - 1 columns mean less."""
        return values @ _matrix(lambda x: _rolling_mean(x, length), self.bars)

    def deviation(self, values: Tensor, length: int) -> Tensor:
        """Population standard deviation of the last `length` values; 0 in the first length - 1 columns."""
        windows = values.unfold(1, length, 1)
        gap = windows - windows.mean(-1, keepdim=True)
        return nn.functional.pad(gap.square().mean(-1).sqrt(), (length - 1, 0))

    def rsi(self, close: Tensor, length: int) -> Tensor:
        """Relative strength index, 0 to 100, and 0 where nothing moved, as TA-Lib has it."""
        change = _change(close)
        wilder = _matrix(lambda x: wilder_average(x, length), self.bars)
        up, down = change.clamp_min(0.0) @ wilder, (-change).clamp_min(0.0) @ wilder
        total = up + down
        return torch.where(total > 1e-14, 100.0 * up / torch.where(total > 1e-14, total, 1.0), 0.0)

    def macd(self, close: Tensor) -> tuple[Tensor, Tensor]:
        """MACD 12/26 and its signal 9: both averages begin at the 26th bar, as in TA-Lib."""
        line = _matrix(lambda x: exponential(x, 12, 25) - exponential(x, 26, 25), self.bars)
        signal = _matrix(lambda x: exponential(exponential(x, 12, 25) - exponential(x, 26, 25), 9, 33), self.bars)
        return close @ line, close @ signal

    def volatility(self, close: Tensor, length: int) -> Tensor:
        """Standard deviation of the last `length` log returns."""
        return self.deviation(_change(close.log()), length)


class ClassicGraph(Averages):
    """The eleven scale-free numbers of data/indicators=classic."""

    def __call__(self, opened: Tensor, high: Tensor, low: Tensor, close: Tensor, volume: Tensor) -> list[Tensor]:
        sigma = self.volatility(close, 20)
        unit = close * sigma
        before = torch.cat([close[:, :1], close[:, :-1]], 1)
        moves = [_ratio((price / before).log(), sigma) for price in (opened, high, low, close)]
        middle, width = self.simple(close, 20), 2.0 * self.deviation(close, 20)
        distances = (close - (middle - width), middle + width - close, close - middle)
        return [
            *moves,
            self._log_volume(volume),
            self.rsi(close, 14) / 50.0 - 1.0,
            *(_ratio(x, unit) for x in self.macd(close)),
            *(_ratio(x, unit) for x in distances),
        ]

    def _log_volume(self, volume: Tensor) -> Tensor:
        return _ratio(volume, self.simple(volume, 20)).clamp_min(FLOOR).log()


class RawGraph(Averages):
    """The literal eleven of data/indicators=raw, in prices."""

    def __call__(self, opened: Tensor, high: Tensor, low: Tensor, close: Tensor, volume: Tensor) -> list[Tensor]:
        middle, width = self.simple(close, 20), 2.0 * self.deviation(close, 20)
        return [
            opened,
            high,
            low,
            close,
            volume,
            self.rsi(close, 14),
            *self.macd(close),
            middle - width,
            middle + width,
            middle,
        ]


class MinimalGraph(Averages):
    """The four of data/indicators=minimal."""

    def __call__(self, opened: Tensor, high: Tensor, low: Tensor, close: Tensor, volume: Tensor) -> list[Tensor]:
        means = [(close / self.simple(close, length)).log() for length in (5, 20)]
        return [_change(close.log()), *means, self.volatility(close, 20)]


class RawBarsGraph(Averages):
    """The six of data/indicators=bars, in prices."""

    def __call__(self, opened: Tensor, high: Tensor, low: Tensor, close: Tensor, volume: Tensor) -> list[Tensor]:
        assert self.average is not None, "data/indicators=bars has a mean of closes"
        return [opened, high, low, close, self.simple(close, self.average), volume]


SETS: dict[str, Callable[[int, int | None], Averages]] = {
    "Classic": ClassicGraph,
    "Raw": RawGraph,
    "Minimal": MinimalGraph,
    "RawBars": RawBarsGraph,
}
NAMES = ("classic", "raw", "minimal", "bars")  # as the command calls them
WHY_NOT = {"Wide": "it needs the clock and TA-Lib's candlestick patterns"}


def exponential(values: np.ndarray, length: int, first: int) -> np.ndarray:
    """Exponential average along axis 0, weight 2 / (length + 1), begun at row `first` with the mean of the last `length` rows; 0 before."""
    out = np.zeros_like(values)
    out[first] = values[first - length + 1 : first + 1].mean(0)
    for t in range(first + 1, len(values)):
        out[t] = out[t - 1] + 2.0 / (length + 1) * (values[t] - out[t - 1])
    return out


def wilder_average(change: np.ndarray, length: int) -> np.ndarray:
    """Wilder's average along axis 0, weight 1 / length, begun with the mean of the changes 1 … length; 0 before."""
    out = np.zeros_like(change)
    out[length] = change[1 : length + 1].mean(0)
    for t in range(length + 1, len(change)):
        out[t] = (out[t - 1] * (length - 1) + change[t]) / length
    return out


def kalman_levels(values: np.ndarray, ratio: float) -> np.ndarray:
    """Level of a random walk seen through noise along axis 0, begun at the first row; `ratio` is step over noise variance."""
    out, spread = np.zeros_like(values), 1.0
    for t in range(len(values)):
        gain = 1.0 if t == 0 else (spread + ratio) / (spread + ratio + 1.0)
        out[t] = values[t] if t == 0 else out[t - 1] + gain * (values[t] - out[t - 1])
        spread = gain
    return out


def _rolling_mean(values: np.ndarray, length: int) -> np.ndarray:
    total = np.cumsum(values, 0)
    total[length:] -= total[:-length].copy()
    return total / length


def _matrix(recursion: Recursion, bars: int) -> Tensor:
    """Return the (bars, bars) matrix whose product from the right with (B, bars) is the recursion along the bars."""
    return torch.from_numpy(np.ascontiguousarray(recursion(np.eye(bars)).T))


def _change(values: Tensor) -> Tensor:
    """Difference to the value before, 0 in the first column."""
    return torch.cat([torch.zeros_like(values[:, :1]), values[:, 1:] - values[:, :-1]], 1)


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, 0 where whole is not above round-off."""
    known = whole > NEGLIGIBLE
    return torch.where(known, part / torch.where(known, whole, 1.0), 0.0)
