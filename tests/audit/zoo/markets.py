"""Bars with one planted fault each, and sound bars: random walks, GARCH, planted edges, real ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from candlelab.audit.markets import audit_bars
from candlelab.data.source.simulated import Simulated
from candlelab.market.resample import resample
from zoo import Clean, Leak

START, HOUR = 1_704_067_200_000, 3_600_000
PRICES = ["open", "high", "low", "close"]
COLUMNS = [*PRICES, "volume"]
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "ohlcv"


def market(size=3000, seed=0, symbol="BTCUSDT", step=HOUR, price=40_000.0):
    """Bars of an exchange with a tick of 0.01: a random walk."""
    rng = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(rng.normal(0, 0.005, size)))
    opens = np.append(close[0], close[:-1]) * (1 + 1e-6 * rng.normal(size=size))
    high = np.maximum(opens, close) * (1 + 0.002 * rng.random(size))
    low = np.minimum(opens, close) * (1 - 0.002 * rng.random(size))
    bars = pd.DataFrame(np.stack([opens, high, low, close], 1).round(2), columns=PRICES)
    return bars.assign(
        volume=rng.lognormal(7, 0.8, size).round(3), open_time=START + step * np.arange(size), symbol=symbol
    )


def universe(count, size, dead=()):
    """Several symbols of daily bars; those in `dead` end half way."""
    day = 24 * HOUR
    parts = [market(size // 2 if k in dead else size, k, f"C{k}USDT", day, 100.0) for k in range(count)]
    return pd.concat(parts, ignore_index=True)


def interpolated(_):
    frame = market().astype(dict.fromkeys(COLUMNS, float))
    rows = np.array([500 + 20 * k + j for k in range(28) for j in range(4)])
    frame.loc[rows, COLUMNS] = np.nan
    return audit_bars(frame.assign(**frame[COLUMNS].interpolate()))


def filled_forward(_):
    frame = market().astype(dict.fromkeys(COLUMNS, float))
    frame.loc[np.arange(77, 2877, 20), COLUMNS] = np.nan
    return audit_bars(frame.assign(**frame[COLUMNS].ffill()))


def other_venue(_):
    frame = market()
    frame.loc[1200:1363, PRICES] = (frame.loc[1200:1363, PRICES] * 1.003).round(2)
    return audit_bars(frame)


def not_closed(_):
    frame = market()
    return audit_bars(frame, known_at=int(frame.open_time.iloc[-1]) + HOUR // 3)


def two_names(_):
    coin, noise = market(), np.random.default_rng(1).lognormal(0, 0.1, 3000)
    twin = coin.assign(symbol="XBTUSD", volume=coin.volume * noise)
    return audit_bars(pd.concat([coin, twin, market(seed=5, symbol="ETHUSDT")], ignore_index=True))


def redenominated(_):
    frame = market(price=4.0e6)
    frame.loc[1500:, PRICES] = (frame.loc[1500:, PRICES] / 1000).round(2)
    frame.loc[1500:, "volume"] *= 1000
    return audit_bars(frame)


def wrong_side(_):
    fine = Simulated(seed=3, bars=4000, volatility=0.01, edge=0.0, feature="close_position", feature_window=20).fetch(["SIM"], "1h", None, None)  # fmt: skip
    coarse = resample(fine, "4h").to_frame()
    return audit_bars(coarse.assign(open_time=coarse.open_time - 4 * HOUR), finer=fine)


def closed_right(_):
    """pandas' resample with closed="right": each bar takes the first fine bar of the next one."""
    fine = market(4000)
    bins = fine.assign(group=(fine.open_time - 1) // (4 * HOUR)).groupby("group")
    coarse = bins.agg({"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"})
    coarse = coarse.assign(open_time=coarse.index * 4 * HOUR, symbol="BTCUSDT").iloc[1:-1]
    return audit_bars(coarse.reset_index(drop=True), finer=fine)


def survivors(_):
    return audit_bars(universe(10, 700))


LEAKS = [
    Leak("interpolated bars", interpolated, "linearly interpolated bars", "BTCUSDT at 2024-01-21 20:00"),
    Leak("forward-filled outages", filled_forward, "forward-filled bars", "BTCUSDT at 2024-01-04 05:00"),
    Leak("bars of another venue", other_venue, "bars of another venue", "BTCUSDT at 2024-02-20 00:00"),
    Leak("unclosed last bar", not_closed, "unclosed last bar", "BTCUSDT at 2024-05-04 23:00"),
    Leak("coin under two names", two_names, "one coin under two names", "BTCUSDT and XBTUSD"),
    Leak("redenomination", redenominated, "redenomination", "BTCUSDT at 2024-03-03 12:00"),
    Leak("resampled on the wrong side", wrong_side, "resampled on the wrong side", "SIM at"),
    Leak("resampled closed on the right", closed_right, "resampled on the wrong side", "BTCUSDT at"),
    Leak("survivorship", survivors, "survivorship", "10 symbols"),
]


def garch(seed, edge, symbols=("SIM",)):
    source = Simulated(seed=seed, bars=2000, volatility=0.01, edge=edge, feature="close_position", feature_window=20)
    return lambda _: audit_bars(source.fetch(list(symbols), "1h", None, None))


def real(name):
    def audit(_):
        import pytest

        path = REAL / f"{name}.csv.gz"
        if not path.exists():
            pytest.skip("the real bars are not here")
        return audit_bars(pd.read_csv(path))

    return audit


FILES = [
    *(
        f"clean/{coin}USDT_{step}"
        for coin in ("ADA", "BNB", "BTC", "DOGE", "ETH", "SOL", "XRP")
        for step in ("1d", "4h")
    ),
    "clean/BONKUSDT_5m",
    "clean/BTCUSDT_1h",
    "clean/SOLUSDT_1h",
    "dirty/USTUSDT_1h",
    "dirty/USDCUSDT_1h",
    "dirty/ETHUSDT_1h",
    "dirty/LUNAUSDT_1h",
    "permissive/BTCUSDT_1h_2023_2025",
]
CLEAN = [
    *(Clean(f"random walk {seed}", lambda _, seed=seed: audit_bars(market(seed=seed))) for seed in range(3)),
    *(Clean(f"GARCH {seed}", garch(seed, 0.0)) for seed in range(2)),
    *(Clean(f"planted edge {edge}", garch(7, edge)) for edge in (0.05, 0.15, 0.3)),
    Clean("three coins", garch(4, 0.0, ("AAA", "BBB", "CCC"))),
    Clean("ten coins of which two died", lambda _: audit_bars(universe(10, 700, dead=(2, 5)))),
    Clean(
        "resampled rightly",
        lambda _: audit_bars(
            resample(
                Simulated(
                    seed=3, bars=4000, volatility=0.01, edge=0.0, feature="close_position", feature_window=20
                ).fetch(["SIM"], "1h", None, None),
                "4h",
            ),
            finer=Simulated(
                seed=3, bars=4000, volatility=0.01, edge=0.0, feature="close_position", feature_window=20
            ).fetch(["SIM"], "1h", None, None),
        ),
    ),
    *(Clean(f"real {name.split('/')[1]}", real(name)) for name in FILES),
]
