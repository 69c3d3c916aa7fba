"""Numbers for plots; nothing here is a result."""

from __future__ import annotations

from typing import Any

import numpy as np

from candlelab.evaluate import backtest, metrics, record
from candlelab.evaluate.classification import Predicted
from candlelab.evaluate.cost_map import cost_map
from candlelab.evaluate.threshold.curve import Choice, Curve, Sweep, Trades, spread_over


def without_nan(values: np.ndarray) -> list[Any]:
    """A list with None for NaN."""
    return [None if np.isnan(v) else float(v) for v in np.asarray(values, float)]


def evenly(size: int, points: int) -> np.ndarray:
    """At most `points` indices from 0 to size - 1, both ends kept."""
    return np.unique(np.linspace(0, size - 1, min(size, points)).round().astype(int)) if size else np.empty(0, int)


def thinned(curve: Curve, year: float, points: int = 400) -> dict[str, list[Any]]:
    """About `points` of the curve, by rank, its highest point kept; Sharpe ratios times `year`, annualised."""
    keep = evenly(len(curve.threshold), points)
    if not np.isnan(curve.sharpe).all():
        keep = np.union1d(keep, np.nanargmax(curve.sharpe))
    return {
        "threshold": without_nan(curve.threshold[keep]),
        "sharpe_annual": without_nan(curve.sharpe[keep] * year),
        "trades": curve.entries[keep].tolist(),
    }


def of_classification(given: Predicted, classes: tuple[str, ...], n_bins: int) -> dict[str, Any]:
    """Confusion counts (rows true, columns answered) and the calibration curve of the filled bins."""
    table = metrics.confusion(given.label, given.p.argmax(1), len(classes))
    count, right, confidence = metrics.calibration_bins(given.label, given.p, n_bins)
    some = count > 0
    calibration = {
        "count": count[some].astype(int).tolist(),
        "accuracy": without_nan(right[some] / count[some]),
        "confidence": without_nan(confidence[some] / count[some]),
    }
    return {"confusion": {"classes": list(classes), "counts": table.tolist()}, "calibration": calibration}


def of_money(signal: np.ndarray, choice: Choice, test: Trades, *, seed: int, points: int = 2000) -> dict[str, Any]:
    """Annualised Sharpe ratio by threshold on validation and test; equity on test beside buy-and-hold; costs and record; arrays.

    seed  of the random strategies beside the cost map. NaN where a threshold has no Sharpe ratio.
    """
    year = np.sqrt(test.rows.per_year)
    own = backtest.run_backtest(signal, test.bar_return, test.rows, test.cost)
    held = backtest.run_backtest(np.ones(len(test.rows), np.int8), test.bar_return, test.rows, test.cost)
    keep = evenly(len(own.time), points)
    values = choice.curve.threshold[evenly(len(choice.curve.threshold), 120)]
    return {
        "threshold": {
            "threshold": values,
            "val": spread_over(choice.curve, values).sharpe * year,
            "test": spread_over(Sweep.over(test).curve(), values).sharpe * year,
        },
        "equity": {
            "time": own.time[keep],
            "net": own.equity[keep],
            "gross": np.cumprod(1 + own.gross)[keep],
            "buy_and_hold": held.equity[keep],
        },
        "costs": cost_map(signal, test.bar_return, test.rows, test.cost, seed=seed),
        "fees": record.fee_curve(own, test.rows, test.cost),
        "months": record.monthly(own) if own.entries else {},
        "rolling": record.rolling_sharpe(own, test.rows) if own.entries else {},
        "drawdowns": record.drawdowns(own),
    }
