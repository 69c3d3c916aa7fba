"""From what a model says to what a trader would do: NumPy alone."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np

NOT_IN_RECIPE = ("data_hash", "weights_origin", "symbols", "forecast_error", "label")  # say nothing of the inputs
_erfc = np.vectorize(math.erfc, otypes=[float])
SCORES = ("confidence", "margin", "forecast")


def recipe_hash(preprocessing: dict) -> str:
    """Return 16 hex digits of how a model's inputs are made: window, chart, indicators, scaling, caption, classes."""
    told = {key: value for key, value in preprocessing.items() if key not in NOT_IN_RECIPE}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def threshold_hash(chosen: dict) -> str:
    """Return 16 hex digits of what decides whether an answer is acted on: the score, and how high it must be."""
    told = [chosen.get("score", "confidence"), chosen.get("threshold")]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def confidences(probabilities: np.ndarray, returns: np.ndarray | None, score: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (how sure (n,), side -1, 0 or 1 (n,) int8) of each row.

    probabilities  (n, K); the first class is -1, the last 1, those between 0.
    returns        (n,) predicted log returns, or None.
    score          confidence: probability of the likeliest class; margin: |p_up - p_down|; forecast: |predicted log return|,
                   by confidence where there is none.
    """
    if score == "forecast" and returns is not None and np.isfinite(returns).any():
        known = np.nan_to_num(returns)
        return np.abs(known), np.sign(known).astype(np.int8)
    if score == "margin":
        margin = probabilities[:, -1] - probabilities[:, 0]
        return np.abs(margin), np.sign(margin).astype(np.int8)
    best, last = probabilities.argmax(1), probabilities.shape[1] - 1
    side = np.where(best == last, 1, np.where(best == 0, -1, 0))
    return probabilities.max(1), np.where(probabilities[:, 0] == probabilities[:, last], 0, side).astype(np.int8)


def normal_probabilities(forecast: np.ndarray, error: float, sigma: np.ndarray, theta: np.ndarray, classes: int) -> np.ndarray:
    """Return (n, K) probabilities of a forecast with normal error: the mass below, inside and above the class threshold.

    forecast, error  in units of sigma; theta (n,) is the threshold as a simple return.
    """
    above = _erfc((np.log1p(theta) / sigma - forecast) / error / math.sqrt(2)) / 2
    below = _erfc(-(np.log1p(-theta) / sigma - forecast) / error / math.sqrt(2)) / 2
    if classes == 2:
        return np.stack([1 - above, above], 1)
    return np.stack([below, np.clip(1 - above - below, 0, 1), above], 1)
