"""Monte Carlo test of the best of many: where a study's best lies among the best of the same study on worlds without an edge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MEASURES = {"auroc_direction": 0.5, "sharpe_net_annual": 0.0}  # and what they are worth without an edge
SPOKEN = {"auroc_direction": "AUROC of up against down", "sharpe_net_annual": "net Sharpe ratio a year"}
FEWEST = 19  # worlds that can show p = 0.05
TWO_SIDED = 1.959964  # half a 95 % interval in standard errors


@dataclass(frozen=True)
class Luck:
    """The best model of a study by one measure beside the best models of its null worlds.

    value     of the best model; score: its distance from nothing in standard errors, by which models and worlds are compared
    worlds    (worlds,) score of the best model of each world
    """

    measure: str
    model: str
    value: float
    score: float
    worlds: tuple[float, ...]

    @property
    def p_value(self) -> float:
        """Share of worlds, the study's own counted as one, whose best is at least as good (Davison & Hinkley 1997, 4.2)."""
        return (1 + sum(world >= self.score for world in self.worlds)) / (1 + len(self.worlds))

    def sentence(self) -> str:
        """What the comparison says."""
        beaten = sum(world < self.score for world in self.worlds)
        word = "more than luck" if self.p_value <= 0.05 else "not told from luck"
        if len(self.worlds) < FEWEST:
            word += f" (with fewer than {FEWEST} worlds nothing could be)"
        return (
            f"The best {SPOKEN[self.measure]} is {self.value:.3f} ({self.model}), {self.score:.1f} standard errors from nothing: better "
            f"than the best of {beaten} of {len(self.worlds)} worlds without an edge, p = {self.p_value:.3f}, {word}."
        )


def best_model(models: Mapping[str, Mapping[str, Any]], measure: str) -> tuple[str, float, float]:
    """Return name, value and score of the best model; models: name -> flat metrics of its record.

    A model without the measure (it trades nothing) has shown nothing: its score is 0.
    """
    scored = {name: score_of(metrics, measure) for name, metrics in models.items()}
    name = max(scored, key=lambda model: scored[model])
    value = models[name].get(f"test/{measure}")
    return name, MEASURES[measure] if value is None else float(value), scored[name]


def score_of(metrics: Mapping[str, Any], measure: str) -> float:
    """Distance from what is worth nothing, in standard errors read from the 95 % interval; 0 where not available."""
    value, low, high = (metrics.get(f"test/{measure}{end}") for end in ("", "_low", "_high"))
    if value is None or low is None or high is None or not high > low:
        return 0.0
    error = (high - low) / 2 / TWO_SIDED
    return (value - MEASURES[measure]) / error if math.isfinite(error) else 0.0


def luck_of(study: Mapping[str, Mapping[str, Any]], worlds: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Luck]:
    """Return where the study's best lies, by each measure; worlds: the same models as the study, each on a world of its own."""
    return [
        Luck(measure, *best_model(study, measure), tuple(best_model(world, measure)[2] for world in worlds))
        for measure in MEASURES
    ]
