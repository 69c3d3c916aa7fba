"""Running mean of the validation loss over epochs: what decides which weights are kept, and which trial of a search is pruned."""

from __future__ import annotations

from collections.abc import Sequence

# Share of the newest epoch: one low validation loss on noisy labels is luck, two in a row are less so (docs/gym.md).
RENEWED = 0.5


def renewed(mean: float | None, score: float) -> float:
    """Return a running mean after one more score; None: there was none before."""
    return score if mean is None else mean + RENEWED * (score - mean)


def running_means(scores: Sequence[float]) -> list[float]:
    """Return the running mean after each score."""
    means: list[float] = []
    for score in scores:
        means.append(renewed(means[-1] if means else None, score))
    return means


def pruned_at(losses: Sequence[float], stop_above: Sequence[float | None]) -> int | None:
    """Return the first epoch at which the lowest running mean of the losses so far lies above that epoch's bound; None if at none.

    stop_above  one bound per epoch from the first; None, and every epoch without one: no bound.
    """
    means = running_means(losses)
    for epoch, bound in enumerate(stop_above[: len(means)]):
        if bound is not None and min(means[: epoch + 1]) > bound:
            return epoch
    return None
