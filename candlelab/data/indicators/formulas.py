"""Formulas that several sets share; every one reads past bars only and has the length of its input."""

from __future__ import annotations

import numpy as np
import talib

from candlelab.data.indicators.segments import SegmentBars


def log_return(close: np.ndarray, lag: int = 1) -> np.ndarray:
    """ln(C[t] / C[t - lag]); NaN in the first `lag` rows."""
    out = np.full(len(close), np.nan)
    if len(close) > lag:
        out[lag:] = np.log(close[lag:] / close[:-lag])
    return out


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where whole is not above round-off; NaN where either is unknown."""
    known = np.isfinite(part) & np.isfinite(whole)
    out = np.where(known, 0.0, np.nan)
    return np.divide(part, whole, out=out, where=known & (whole > 1e-12))


def volatility(close: np.ndarray, bars: int) -> np.ndarray:
    """Standard deviation of the last `bars` log returns."""
    return talib.STDDEV(log_return(close), bars)


def log_volume(volume: np.ndarray, bars: int) -> np.ndarray:
    """ln of the volume against its mean over `bars`, floored at ln 0.01; 0 where nothing was traded at all."""
    share = ratio(volume, talib.SMA(volume, bars))
    return np.where(share > 0, np.log(np.maximum(share, 0.01)), np.where(np.isnan(share), np.nan, np.log(0.01)))


def skewness(values: np.ndarray, bars: int) -> np.ndarray:
    """Skewness of the last `bars` values; 0 where they hardly vary."""
    windows = np.lib.stride_tricks.sliding_window_view(values, bars)
    mean = windows.mean(axis=1)
    second, third = np.zeros(len(mean)), np.zeros(len(mean))
    for k in range(bars):  # bar by bar, so that nothing of size (rows, bars) is made
        gap = windows[:, k] - mean
        second += gap * gap
        third += gap * gap * gap
    out = np.full(len(values), np.nan)
    out[bars - 1 :] = ratio(third / bars, (second / bars) ** 1.5)
    return out


def stoch_rsi(close: np.ndarray, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """RSI's place in its own range of the last `bars`, 0 to 1, smoothed over 3 bars, and that smoothed again.

    Source: Chande & Kroll (1994), The New Technical Trader.
    """
    rsi = talib.RSI(close, bars)
    lowest, highest = talib.MIN(rsi, bars), talib.MAX(rsi, bars)
    place = talib.SMA(ratio(rsi - lowest, highest - lowest), 3)
    return place, talib.SMA(place, 3)


def shape(bars: SegmentBars) -> list[np.ndarray]:
    """Body (signed), upper and lower shadow as shares of the bar's range; 0 in a bar without range."""
    span = bars.high - bars.low
    upper = bars.high - np.maximum(bars.open, bars.close)
    lower = np.minimum(bars.open, bars.close) - bars.low
    return [
        np.divide(part, span, out=np.zeros(len(span)), where=span > 0)
        for part in (bars.close - bars.open, upper, lower)
    ]
