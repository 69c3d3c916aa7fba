"""AUROC where the true probabilities are known: no label noise, so a few thousand rows tell what a net has found."""

from __future__ import annotations

import numpy as np


def expected_auroc(score: np.ndarray, p: np.ndarray) -> float:
    """AUROC that `score` is worth in the long run when each row is up with probability p; ties count half, (n,) each.

    With p itself as the score it is the most that anybody can reach. NaN where all rows are surely alike.
    """
    _scores, groups = np.unique(score, return_inverse=True)
    up, down = np.bincount(groups, weights=p), np.bincount(groups, weights=1 - p)
    below = np.cumsum(down) - down
    pairs = up.sum() * down.sum()
    return float((up * (below + down / 2)).sum() / pairs) if pairs > 0 else float("nan")


def best_possible(p: np.ndarray) -> dict[str, float]:
    """Accuracy and AUROC that nobody can exceed in the long run where each row is up with probability p; {} without known rows.

    p   (n,) in [0, 1]; NaN rows, where it is not known, are left out.
    """
    p = p[np.isfinite(p)]
    return {"accuracy": float(np.maximum(p, 1 - p).mean()), "auroc": expected_auroc(p, p)} if len(p) else {}


def share_of_the_way(score: np.ndarray, p: np.ndarray) -> float:
    """How far from chance towards the best possible AUROC a score gets: 1 is all of the way, NaN where there is no way to go."""
    best = expected_auroc(p, p) - 0.5
    return (expected_auroc(score, p) - 0.5) / best if best > 1e-6 else float("nan")
