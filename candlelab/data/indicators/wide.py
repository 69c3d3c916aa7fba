"""Eighty-one numbers: returns, averages, oscillators, candle shapes, candlestick-pattern flags, moments, calendar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import talib

from candlelab.data.indicators.formulas import log_return, log_volume, ratio, shape, skewness, stoch_rsi, volatility
from candlelab.data.indicators.segments import SegmentBars, kalman_warmup, per_segment

if TYPE_CHECKING:
    from candlelab.core.candles import Candles

HOUR = 3_600_000
# TA-Lib's candlestick patterns that read a bounded number of bars and occur in markets without night gaps
PATTERNS = (
    "CDL2CROWS", "CDL3BLACKCROWS", "CDL3INSIDE", "CDL3LINESTRIKE", "CDL3OUTSIDE", "CDL3STARSINSOUTH", "CDL3WHITESOLDIERS",
    "CDLADVANCEBLOCK", "CDLBELTHOLD", "CDLCLOSINGMARUBOZU", "CDLCOUNTERATTACK", "CDLDARKCLOUDCOVER", "CDLDOJI", "CDLDOJISTAR",
    "CDLDRAGONFLYDOJI", "CDLENGULFING", "CDLEVENINGSTAR", "CDLGRAVESTONEDOJI", "CDLHAMMER", "CDLHANGINGMAN", "CDLHARAMI",
    "CDLHARAMICROSS", "CDLHIGHWAVE", "CDLINVERTEDHAMMER", "CDLLONGLEGGEDDOJI", "CDLLONGLINE", "CDLMARUBOZU", "CDLMATCHINGLOW",
    "CDLMORNINGSTAR", "CDLPIERCING", "CDLRICKSHAWMAN", "CDLRISEFALL3METHODS", "CDLSEPARATINGLINES", "CDLSHOOTINGSTAR",
    "CDLSHORTLINE", "CDLSPINNINGTOP", "CDLTHRUSTING", "CDLTRISTAR",
)  # fmt: skip


class Wide:
    """Scale-free; flags are -1, 0 or 1; hour, weekday and month stand on a circle.

    RSI, MACD, EMA, ATR remember all of a segment; after the warm-up what came before counts for less than 0.001 of a
    volatility or of the oscillator's range.
    kalman   null, or the variance of the price's steps over that of its noise: prices are filtered first (causally).
    """

    names: tuple[str, ...] = (
        *(f"return_{lag}" for lag in (1, 2, 3, 5, 10, 20)),
        *(f"sma_{bars}" for bars in (5, 10, 20, 50)),
        "ema_12", "ema_26", "rsi_7", "rsi_14", "rsi_21", "atr_14", "macd", "macd_signal", "macd_histogram",
        "bb_place", "bb_width", "stoch_rsi_k", "stoch_rsi_d", "obv_20", "volume",
        "body", "upper", "lower",
        *(f"lag_{lag}" for lag in range(1, 6)),
        "std_5", "std_20", "std_50", "skew_20",
        "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "month_sin", "month_cos",
        *(name.lower() for name in PATTERNS),
    )  # fmt: skip

    def __init__(self, *, kalman: float | None):
        self.kalman = kalman
        self.warmup: int = 160 + kalman_warmup(kalman)

    def __call__(self, candles: Candles) -> np.ndarray:
        return per_segment(candles, _compute, len(self.names), warmup=self.warmup, kalman=self.kalman)


def _compute(bars: SegmentBars) -> Iterator[np.ndarray]:
    sigma = volatility(bars.close, 20)
    yield from _trend(bars, sigma)
    yield from _oscillators(bars, sigma)
    yield _on_balance(bars)
    yield log_volume(bars.volume, 20)
    yield from shape(bars)
    yield from _past(bars)
    yield from _calendar(bars.time)
    yield from _flags(bars)


def _trend(bars: SegmentBars, sigma) -> list[np.ndarray]:
    close = bars.close
    averages = [*(talib.SMA(close, n) for n in (5, 10, 20, 50)), talib.EMA(close, 12), talib.EMA(close, 26)]
    returns = [ratio(log_return(close, lag), sigma) for lag in (1, 2, 3, 5, 10, 20)]
    return [*returns, *(ratio(np.log(close / average), sigma) for average in averages)]


def _oscillators(bars: SegmentBars, sigma) -> list[np.ndarray]:
    close, unit = bars.close, bars.close * sigma
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    return [
        *(talib.RSI(close, n) / 50.0 - 1.0 for n in (7, 14, 21)),
        ratio(talib.ATR(bars.high, bars.low, close, 14), unit),
        *(ratio(line, unit) for line in talib.MACD(close, 12, 26, 9)),
        ratio(close - middle, upper - middle),
        ratio(upper - lower, unit),
        *(2.0 * line - 1.0 for line in stoch_rsi(close, 14)),
    ]


def _on_balance(bars: SegmentBars) -> np.ndarray:
    """Share of the last 20 bars' volume that was traded in rising less in falling bars, -1 to 1."""
    signed = np.sign(np.diff(bars.close, prepend=bars.close[0])) * bars.volume
    return ratio(talib.SMA(signed, 20), talib.SMA(bars.volume, 20))


def _past(bars: SegmentBars) -> list[np.ndarray]:
    step = log_return(bars.close)
    lags = [np.concatenate((np.full(lag, np.nan), step[:-lag])) for lag in range(1, 6)]
    return [*lags, *(volatility(bars.close, n) for n in (5, 20, 50)), skewness(step, 20)]


def _calendar(time) -> list[np.ndarray]:
    day = time / (24 * HOUR)
    month = time.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) % 12
    turns = (day, (np.floor(day) + 3) / 7, month / 12)  # 1970-01-01 was a Thursday; Monday is 0
    return [wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]


def _flags(bars: SegmentBars) -> Iterator[np.ndarray]:
    prices = (bars.open, bars.high, bars.low, bars.close)
    return (np.sign(getattr(talib, name)(*prices)) for name in PATTERNS)
