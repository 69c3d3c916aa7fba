"""Selective classification: the confidence below which a recogniser abstains, chosen on validation."""

from __future__ import annotations

from typing import Any

import numpy as np

from candlelab.evaluate import intervals
from candlelab.evaluate.classification import Predicted, Scored, put

FEWEST = 20  # answers that must be left for their share of right ones to count


def least_confidence(
    confidence: np.ndarray, right: np.ndarray, min_precision: float, fewest: int = FEWEST
) -> float | None:
    """Return the smallest confidence at which at least `min_precision` of the answers at or above it are right; None if there is none.

    confidence, right  (n,) of validation answers; answers of equal confidence are taken together.
    """
    order = np.argsort(-confidence, kind="stable")
    falling, hits = confidence[order], np.cumsum(right[order])
    last = np.r_[falling[1:] != falling[:-1], True][: len(falling)]
    count = np.arange(1, len(falling) + 1)
    good = last & (count >= fewest) & (hits >= min_precision * count)
    return float(falling[np.flatnonzero(good)[-1]]) if good.any() else None


def chosen(validation: Predicted | None, min_precision: float) -> dict[str, Any]:
    """Return what threshold.json says of a recogniser: the confidence, and how much is named there, and how rightly, on validation."""
    confidence = np.empty(0) if validation is None else validation.p.max(1)
    right = np.empty(0) if validation is None else validation.right
    least = least_confidence(confidence, right, min_precision)
    named = confidence >= (np.inf if least is None else least)
    return {
        "rule": "abstain",
        "score": "confidence",
        "chosen_on": "validation",
        "min_precision": min_precision,
        "threshold": least,
        "candidates": len(np.unique(confidence)),
        "named": float(named.mean()) if len(named) else None,
        "named_accuracy": float(right[named].mean()) if named.any() else None,
    }


def named_scores(test: Predicted, least: float | None, confidence_level: float) -> Scored:
    """Return the share of test windows that are named at a confidence, and how many of those names are right, with its interval."""
    sure = test.p.max(1) >= (np.inf if least is None else least)
    found: Scored = {"named": float(sure.mean()) if len(sure) else np.nan}
    if sure.any():
        right = test.right[sure]
        interval = intervals.of_share(right, test.rows.take(sure), confidence_level, cosines=test.cosines)
        put(found, "named_accuracy", float(right.mean()), interval)
    return found
