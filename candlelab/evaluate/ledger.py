"""Trade list and trade statistics: win rate, profit factor, holding time.

A trade is a run of neighbouring rows of one chain on the same side, whatever its size; turning round is two trades.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from candlelab.core.interval import interval_ms, next_open
from candlelab.evaluate.classification import Scored
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.threshold.curve import Trades

COLUMNS = ("symbol", "entry", "exit", "side", "bars", "gross", "fee", "net")


def trade_list(signal: np.ndarray, trades: Trades, symbols: tuple[str, ...]) -> pd.DataFrame:
    """One row per trade, in the order of entry: COLUMNS.

    entry, exit  UTC: the closes at which the position is opened and given up; bars between them
    gross        product of the returns of the bars held, as the backtest counts them: the position is one unit anew on each bar
    fee          cost of opening, of each change of size and of closing; net = gross - fee; fractions of the whole position
    """
    rows = trades.rows
    first, last = runs_of(np.sign(signal), rows)
    if not len(first):
        return pd.DataFrame(
            {
                name: pd.Series(dtype=object if name in ("symbol", "entry", "exit", "side") else float)
                for name in COLUMNS
            }
        )
    growth = np.concatenate([[0.0], np.cumsum(np.log1p(np.maximum(signal * trades.bar_return, -1 + 1e-12)))])
    gross = np.expm1(growth[last + 1] - growth[first])
    opened = next_open(rows.time[first], rows.interval)
    closed = next_open(_held_until(rows)[last], rows.interval)
    inside = np.abs(np.diff(signal, prepend=signal[:1]))
    inside[first] = 0.0  # opening is counted by itself
    resized = np.concatenate([[0.0], np.cumsum(inside)])
    fee = trades.cost * (np.abs(signal[first]) + np.abs(signal[last]) + resized[last + 1] - resized[first])
    found = pd.DataFrame(
        {
            "symbol": np.array(symbols)[rows.symbol[first]],
            "entry": _text(opened),
            "exit": _text(closed),
            "side": np.where(signal[first] > 0, "long", "short"),
            "bars": np.rint((closed - opened) / interval_ms(rows.interval)).astype(int),
            "gross": gross,
            "fee": fee,
            "net": gross - fee,
        }
    )
    return found.iloc[np.lexsort((first, opened))].reset_index(drop=True)


def runs_of(signal: np.ndarray, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """First and last row of each trade, (m,) each."""
    turned = np.append(True, signal[1:] != signal[:-1])[: len(signal)]
    begins = (rows.starts | turned) & (signal != 0)
    ends = (rows.ends | np.append(turned[1:], True)[: len(signal)]) & (signal != 0)
    return np.flatnonzero(begins), np.flatnonzero(ends)


def _held_until(rows: Rows) -> np.ndarray:
    """(n,) open time of the bar at whose close the row's return ends: the next row's, or the next bar's at the end of a chain."""
    return np.where(rows.ends, next_open(rows.time, rows.interval), np.append(rows.time[1:], 0))


def _text(time: np.ndarray) -> np.ndarray:
    """Milliseconds UTC as "2024-01-31 13:00"."""
    return np.char.replace(np.datetime_as_string(time.astype("datetime64[ms]"), unit="m"), "T", " ")


def trade_scores(found: pd.DataFrame) -> Scored:
    """win_rate, profit_factor (gains over losses), holding_bars (mean) and mean_trade_pct of a trade list; NaN without trades."""
    net = found["net"].to_numpy(float)
    if not len(net):
        return dict.fromkeys(("win_rate", "profit_factor", "holding_bars", "mean_trade_pct"), np.nan)
    lost = -net[net < 0].sum()
    return {
        "win_rate": float((net > 0).mean()),
        "profit_factor": float(net[net > 0].sum() / lost) if lost > 0 else np.nan,
        "holding_bars": float(found["bars"].mean()),
        "mean_trade_pct": 100 * float(net.mean()),
    }


def by_side(found: pd.DataFrame) -> list[dict[str, Any]]:
    """Statistics of all trades, of the long and of the short ones: side, trades, win_rate, profit_factor, holding_bars, …"""
    told = []
    for side, part in (
        ("all", found),
        ("long", found[found["side"] == "long"]),
        ("short", found[found["side"] == "short"]),
    ):
        net = part["net"].to_numpy(float)
        ends = {"best_pct": 100 * float(net.max()), "worst_pct": 100 * float(net.min())} if len(net) else {}
        told.append({"side": side, "trades": len(part), **trade_scores(part), **ends})
    return told
