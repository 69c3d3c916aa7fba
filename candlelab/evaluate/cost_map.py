"""Cost map: net Sharpe ratio of the same signals over fee, delay and a cap on turnover, beside random ones of equal turnover.

Dimensions: n rows, T instants, D delays, C caps, F fees, R rotations.
"""

from __future__ import annotations

import numpy as np

from candlelab.core.compiled import compiled
from candlelab.evaluate.rows import Rows

DELAYS = (0, 1, 2, 4)  # rows between signal and position
CAPS = (1.0, 0.5, 0.25, 0.125)  # turnover allowed, as a share of the signals' own
FEES = 9  # points between nothing and twice the cost, at least 20 bp
BURST = 2.0  # turnover that may be saved up: enough to turn round
ROTATIONS = 80  # random strategies
BAND = (0.05, 0.95)  # of their Sharpe ratios
STILL = 1e-15


@compiled
def _spread(gross, paid):
    """Means of two series, their variances and covariance: gross, paid, gross gross, gross paid, paid paid."""
    g, t, gg, gt, tt = gross.mean(), paid.mean(), 0.0, 0.0, 0.0
    for k in range(len(gross)):
        gg += (gross[k] - g) * (gross[k] - g)
        gt += (gross[k] - g) * (paid[k] - t)
        tt += (paid[k] - t) * (paid[k] - t)
    free = len(gross) - 1
    return np.array([g, t, gg / free, gt / free, tt / free])


@compiled
def _moments(signal, gain, delay, cap, offsets, first, size, instant, weight):
    """Means of gross return and turnover, their variances and covariance over instants; (R, 5)."""
    found, instants = np.zeros((len(offsets), 5)), len(weight)
    gross, paid = np.empty(instants), np.empty(instants)
    for draw in range(len(offsets)):
        gross[:] = 0.0
        paid[:] = 0.0
        for chain in range(len(first)):
            begin, rows, held, saved = first[chain], size[chain], 0.0, 2.0
            place = (offsets[draw] - delay) % rows
            for j in range(rows):
                wanted = signal[begin + place] if j >= delay else 0.0
                place = place + 1 if place + 1 < rows else 0
                saved = min(saved + cap, 2.0)
                change = abs(wanted - held)
                if change > saved:
                    wanted, change = held, 0.0
                saved -= change
                if j == rows - 1:
                    change += abs(wanted)
                share = weight[instant[begin + j]]
                gross[instant[begin + j]] += share * wanted * gain[begin + j]
                paid[instant[begin + j]] += share * change
                held = wanted
        found[draw] = _spread(gross, paid)
    return found


def cost_map(
    signal: np.ndarray, bar_return: np.ndarray, rows: Rows, cost: float, *, seed: int
) -> dict[str, np.ndarray]:
    """One row per delay, cap and fee; (D C F,) each, the fee running fastest; empty where nothing is traded.

    signal        (n,) positions in [-1, 1]; bar_return (n,); cost per unit of position changed, as a fraction
    delay         rows that a position comes late
    cap           turnover allowed, as a share of the signals' own: a change that is not saved up yet is left out
    turnover      what is left of it, per bar
    bps, sharpe   cost of a change of position, and the annualised net ratio (NaN where nothing moves)
    low, high     90 % of the ratios of the same positions put at random times, at this cap and fee, without delay
    breakeven_bps  the cost at which the mean net return is 0; NaN where nothing is traded
    """
    if len(rows.instants) < 3 or not signal.any():
        return {}
    first = np.flatnonzero(rows.starts)
    shape = first, np.diff(np.r_[first, len(rows)]), rows.instant, rows.weight
    held, none = np.asarray(signal, float), np.zeros(1, np.int64)
    own = _moments(held, bar_return, 0, BURST, none, *shape)[0, 1]
    offsets = np.random.default_rng(seed).integers(1, len(rows.instants), size=ROTATIONS)
    bps = np.linspace(0, max(20.0, 2e4 * cost), FEES)
    columns: dict[str, list[np.ndarray]] = {}
    allowed = [BURST if share == 1 else share * own for share in CAPS]  # a burst each row is no cap
    bands = [_ratios(_moments(held, bar_return, 0, cap, offsets, *shape), bps, rows) for cap in allowed]
    for delay in DELAYS:
        for share, cap, band in zip(CAPS, allowed, bands, strict=True):
            made = _moments(held, bar_return, delay, cap, none, *shape)
            low, high = _between(band)
            traded = made[0, 1]
            told = {
                "delay": delay,
                "cap": share,
                "turnover": traded,
                "bps": bps,
                "sharpe": _ratios(made, bps, rows)[0],
                "low": low,
                "high": high,
                "breakeven_bps": 1e4 * made[0, 0] / traded if traded > 0 else np.nan,
            }
            for name, values in told.items():
                columns.setdefault(name, []).append(np.broadcast_to(np.asarray(values, float), FEES))
    return {name: np.concatenate(values) for name, values in columns.items()}


def _ratios(moments: np.ndarray, bps: np.ndarray, rows: Rows) -> np.ndarray:
    """Annualised net Sharpe ratio of each strategy at each fee; (R, F), NaN where nothing moves."""
    g, t, gg, gt, tt = (moments[:, k, None] for k in range(5))
    cost = bps / 1e4
    variance = gg - 2 * cost * gt + cost**2 * tt
    moves = variance > STILL**2
    return np.where(moves, (g - cost * t) / np.sqrt(np.where(moves, variance, 1.0)), np.nan) * np.sqrt(rows.per_year)


def _between(ratios: np.ndarray) -> np.ndarray:
    """The band that holds nine tenths of the strategies that trade; (2, F), NaN without any."""
    traded = ratios[np.isfinite(ratios).all(1)]
    return np.quantile(traded, BAND, axis=0) if len(traded) else np.full((2, ratios.shape[1]), np.nan)
