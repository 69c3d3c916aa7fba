"""Features of the baselines: a window as plain numbers, the class just seen, and how much prices moved."""

from __future__ import annotations

import numpy as np

from candlelab.core.contracts import LabelRule
from candlelab.data.indicators.windowed import plain_numbers
from candlelab.data.prepared import Prepared


def baseline_inputs(made: Prepared, samples: np.ndarray, rule: LabelRule, window: int) -> dict[str, np.ndarray]:
    """Return the windows of some samples as the numbers that baselines read.

    numbers (n, 2 window + 5), last_class (n,) as in `last_classes`, volatility (n, 2) log mean |return| of the window and
    log range of its last bar, label (n,).
    """
    ends, tape = made.ends[samples], made.candles
    numbers = plain_numbers(tape, ends, window)
    mean_move = np.abs(numbers[:, :window]).mean(1) * _positive(made.labels.sigma[ends])
    last_range = np.log(tape.high[ends] / tape.low[ends])
    volatility = np.stack([np.log(np.maximum(mean_move, 1e-8)), np.log(np.maximum(last_range, 1e-8))], 1)
    return {
        "numbers": numbers,
        "last_class": last_classes(made, ends, rule),
        "volatility": np.nan_to_num(volatility),
        "label": made.labels.label[ends],
    }


def last_classes(made: Prepared, ends: np.ndarray, rule: LabelRule) -> np.ndarray:
    """Return what is known at each end row of the class of the bars just seen; shape (n,), -1 where nothing is.

    Forecasts with a neutral class: the label of the row a horizon ago, which looked no further than the end row. Else the
    side of the last bar: first class down, last class up.
    """
    tape, last = made.candles, len(rule.classes) - 1
    by_label = rule.kind == "forecast" and last > 1
    before = np.maximum(ends - (rule.horizon if by_label else 1), 0)
    if by_label:
        known = (ends >= rule.horizon) & (tape.segment[before] == tape.segment[ends])
        return np.where(known, made.labels.label[before], -1)
    side = np.sign(np.nan_to_num(tape.close[ends] / tape.close[before] - 1))
    return np.where(side > 0, last, np.where(side < 0, 0, -1))


def _positive(sigma: np.ndarray) -> np.ndarray:
    return np.where(sigma > 0, sigma, 1.0)
