"""Positions of every model on the test rows, each at the threshold that its validation rows chose."""

from __future__ import annotations

import numpy as np

from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.table import Part


def holdings(settings: Evaluation, parts: dict[str, dict[str, Part]]) -> dict[str, np.ndarray]:
    """What each model holds, (n,) in [-1, 1] in the order of its test rows; parts as of `split_parts`."""
    choices, trades = settings.chosen(parts)
    return {
        model: settings.positions(part, trades["test"][model], choices[model].threshold, choices[model].held)
        for model, part in parts["test"].items()
    }
