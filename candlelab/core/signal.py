"""The trading rule: from class probabilities or a forecast to a score, a side and a signal."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np

from candlelab.core.errors import UserError

NOT_IN_RECIPE = (
    "data_hash",
    "weights_origin",
    "symbols",
    "forecast_error",
    "forecast_range",
    "directions",
    "label",
)  # say nothing of the inputs
_erfc = np.vectorize(math.erfc, otypes=[float])
SCORES = ("confidence", "margin", "forecast")


def recipe_hash(preprocessing: dict[str, Any]) -> str:
    """Return 16 hex digits of how a model's inputs are made: window, chart, indicators, scaling, caption, classes."""
    told = {key: value for key, value in preprocessing.items() if key not in NOT_IN_RECIPE}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


SIDES = {-1: "bearish", 0: "neutral", 1: "bullish"}  # what the textbook expects after a chart pattern


def sides_of(made: dict[str, Any]) -> dict[str, str]:
    """Return what is expected after each class of a pattern recogniser, in words; {} for other labels. made as in preprocessing.json."""
    return {name: SIDES[side] for name, side in zip(made["classes"], made.get("directions") or (), strict=False)}


def threshold_hash(chosen: dict[str, Any]) -> str:
    """Return 16 hex digits of what decides whether an answer is acted on: the score, and how high it must be."""
    told = [chosen.get("score", "confidence"), chosen.get("threshold")]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def confidences(probabilities: np.ndarray, returns: np.ndarray | None, score: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (how sure (n,), side -1, 0 or 1 (n,) int8) of each row.

    probabilities  (n, K); the first class is -1, the last 1, those between 0.
    returns        (n,) predicted log returns, or None.
    score          confidence: probability of the likeliest class; margin: |p_up - p_down|; forecast: |predicted log return|,
                   by confidence where there is none.
    A row with a probability that is not finite has no side, and is sure of nothing.
    """
    known = np.isfinite(probabilities).all(1)
    if not known.all():
        sure, side = confidences(np.where(known[:, None], probabilities, 0.0), returns, score)
        return np.where(known, sure, 0.0), np.where(known, side, 0).astype(np.int8)
    if score == "forecast" and returns is not None and np.isfinite(returns).any():
        known = np.nan_to_num(returns)
        return np.abs(known), np.sign(known).astype(np.int8)
    if score == "margin":
        margin = probabilities[:, -1] - probabilities[:, 0]
        return np.abs(margin), np.sign(margin).astype(np.int8)
    best, last = probabilities.argmax(1), probabilities.shape[1] - 1
    side = np.where(best == last, 1, np.where(best == 0, -1, 0))
    return probabilities.max(1), np.where(probabilities[:, 0] == probabilities[:, last], 0, side).astype(np.int8)


def signal_at(sure: np.ndarray, side: np.ndarray, threshold: float | None) -> np.ndarray:
    """Return (n,) int8 in {-1, 0, 1}: the side of rows at least as sure as the threshold; all 0 without one.

    Raises UserError for a threshold that is not finite: no row could be compared with it.
    """
    if threshold is None:
        return np.zeros(len(side), np.int8)
    return np.where(sure >= checked_threshold(threshold), side, 0).astype(np.int8)


def checked_threshold(threshold: float | None) -> float | None:
    """Return the threshold; raises UserError if it is neither null nor a finite number of 0 or more."""
    if threshold is not None and not (isinstance(threshold, (int, float)) and 0 <= threshold < math.inf):
        raise UserError(f"threshold is {threshold}; give a number of 0 or more, or null")
    return threshold


def check_answers(probabilities: np.ndarray) -> None:
    """Raise UserError if a model's answers are not finite: no signal can be made of them."""
    bad = ~np.isfinite(probabilities).reshape(len(probabilities), -1).all(1)
    if bad.any():
        raise UserError(
            f"the model's answers to {bad.sum():,} of {len(bad):,} windows are not finite (the first is number {bad.argmax()}): "
            "its training diverged or its weights are damaged; train it again, with a smaller model.optimizer.lr if it diverged"
        )


def normal_probabilities(
    forecast: np.ndarray, error: float, sigma: np.ndarray, theta: np.ndarray, classes: int
) -> np.ndarray:
    """Return (n, K) probabilities of a forecast with normal error: the mass below, inside and above the class threshold.

    forecast, error  in units of sigma; theta (n,) is the threshold as a simple return.
    """
    above = _erfc((np.log1p(theta) / sigma - forecast) / error / math.sqrt(2)) / 2
    below = _erfc(-(np.log1p(-theta) / sigma - forecast) / error / math.sqrt(2)) / 2
    if classes == 2:
        return np.stack([1 - above, above], 1)
    return np.stack([below, np.clip(1 - above - below, 0, 1), above], 1)
