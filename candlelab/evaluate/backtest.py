"""From signals to money (docs/methods.md, section 8).

A row's signal is computed at the close of its bar and held from that close to the close of the next
predicted row of the same chain: the one-bar lag is in `bar_return`. Chains begin and end flat.
Several symbols: equal weight per instant over the symbols present; evening out the weights costs nothing.
Dimensions: n rows, T instants, S symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from candlelab.core.compiled import compiled
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.sharpe import sharpe


@dataclass(frozen=True)
class Backtest:
    """What signals earned; (T,) arrays are per instant, fractions of capital.

    net       after costs; net = gross - paid
    turnover  mean over symbols of |change of position|
    entries   positions opened or turned, all symbols
    exposure  share of rows with a position
    position  mean over symbols
    """

    time: np.ndarray
    gross: np.ndarray
    net: np.ndarray
    turnover: np.ndarray
    entries: int
    exposure: float
    position: np.ndarray

    @property
    def equity(self) -> np.ndarray:
        """(T,) capital after each instant, from 1."""
        return np.cumprod(1 + self.net)

    @property
    def sharpe(self) -> float:
        """Net ratio per bar; NaN if nothing was traded."""
        return sharpe(self.net) if self.entries else np.nan


def realised_returns(position: np.ndarray, close: np.ndarray, *, fee_bps: float) -> np.ndarray:
    """Return per bar after fees, as fractions; shape (T,).

    position  (T,) in [-1, 1], decided at the close of bar t and held over bar t+1.
    close     (T,) prices, positive. The last return is 0: its future is unknown.
    fee_bps   charged on |change of position|; 1 bp = 0.0001.
    Raises ValueError if the lengths differ.
    """
    if len(position) != len(close):
        raise ValueError(f"position has {len(position)} bars and close {len(close)}; give one position per close")
    ahead = close[1:] / close[:-1] - 1
    paid = fee_bps / 1e4 * np.abs(np.diff(position, prepend=0.0))[:-1]
    return np.append(position[:-1] * ahead - paid, 0.0)


def position_change(signal: np.ndarray, rows: Rows) -> np.ndarray:
    """(n,) |change of position| at each row; the last row of a chain also pays for going flat."""
    before = np.where(rows.starts, 0, np.roll(signal, 1))
    return np.abs(signal - before) + np.where(rows.ends, np.abs(signal), 0)


def run_backtest(signal: np.ndarray, bar_return: np.ndarray, rows: Rows, cost: float) -> Backtest:
    """Earnings of `signal` (n,) in [-1, 1]; a position that only changes its size is not opened again.

    bar_return  (n,) simple return from the row's close to the next predicted row's close
    cost        per unit of position changed, as a fraction: fee + half spread + slippage
    """
    before = np.where(rows.starts, 0, np.roll(signal, 1))
    change = position_change(signal, rows)
    gross = per_instant(signal * bar_return, rows)
    turnover = per_instant(change, rows)
    entries = int(((signal != 0) & (np.sign(signal) != np.sign(before))).sum())
    return Backtest(
        rows.instants,
        gross,
        gross - cost * turnover,
        turnover,
        entries,
        float(np.mean(signal != 0)),
        per_instant(signal, rows),
    )


def per_instant(values: np.ndarray, rows: Rows) -> np.ndarray:
    """(T,) equal-weight mean over the symbols present of `values` (n,)."""
    return np.bincount(rows.instant, values, len(rows.instants)) * rows.weight


def delayed(signal: np.ndarray, rows: Rows) -> np.ndarray:
    """(n,) the signals one row late: an honest edge fades, a leaked one vanishes (docs/methods.md, section 11.9)."""
    return np.where(rows.starts, 0, np.roll(signal, 1))


def max_drawdown(net: np.ndarray) -> float:
    """Deepest fall of equity from its highest point so far, start included; in [-1, 0]."""
    equity = np.concatenate([[1.0], np.cumprod(1 + net)])
    return float((equity / np.maximum.accumulate(equity) - 1).min())


def drift_turnover(weights: np.ndarray, returns: np.ndarray) -> float:
    """Mean turnover beyond what prices do to the weights by themselves (Jiang, Kelly & Xiu 2023).

    weights (T+1, S) at the start of each period; returns (T, S) over the period.
    """
    held = weights[:-1]
    drifted = held * (1 + returns) / (1 + (held * returns).sum(1, keepdims=True))
    return float(np.abs(weights[1:] - drifted).sum(1).mean())


@compiled
def _rotated_sharpes(signal, bar_return, offsets, first, size, instant, weight, cost):
    result = np.full(len(offsets), np.nan)
    net = np.empty(len(weight))
    for draw in range(len(offsets)):
        net[:] = 0.0
        for chain in range(len(first)):
            before, rows = 0.0, size[chain]
            place = offsets[draw] % rows  # once: a division for each row takes longer than all the rest
            for j in range(rows):
                row = first[chain] + j
                now = signal[first[chain] + place]
                place = place + 1 if place + 1 < rows else 0
                paid = abs(now - before) + (abs(now) if j == rows - 1 else 0.0)
                net[instant[row]] += weight[instant[row]] * (now * bar_return[row] - cost * paid)
                before = now
        spread = net.std() * np.sqrt(len(net) / (len(net) - 1))
        if spread > 1e-15:
            result[draw] = net.mean() / spread
    return result


def random_signal_sharpes(
    signal: np.ndarray, bar_return: np.ndarray, rows: Rows, cost: float, n_permutations: int, seed: int
) -> np.ndarray:
    """(n_permutations,) net Sharpe ratios of the same positions put at random times.

    Each chain's positions are turned around by a random number of rows, the same for all symbols, so
    that turnover, holding times and the share of long and short stay what they are.
    """
    if len(rows.instants) < 3:
        return np.full(n_permutations, np.nan)
    offsets = np.random.default_rng(seed).integers(1, len(rows.instants), size=n_permutations)
    first = np.flatnonzero(rows.starts)
    size = np.diff(np.r_[first, len(rows)])
    return _rotated_sharpes(signal.astype(float), bar_return, offsets, first, size, rows.instant, rows.weight, cost)
