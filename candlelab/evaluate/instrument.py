"""Could this net have seen an edge? What a run found out about its own net, and what that makes of its silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TIMES = 3.0  # the planted edge in units of the smallest that the test rows could show to a perfect eye
QUESTION = "Could this net have found an edge?"
MEANS_NOTHING = "its silence means nothing"


@dataclass(frozen=True)
class Instrument:
    """A net examined after its fit.

    faults   what is broken, in words: units that never answer, one answer for all charts, nothing learnt
    smallest accuracy that the test rows could just show to a perfect eye; None where nothing was planted, as the next two
    planted  accuracy of somebody who knows the larger edge that was planted on the same bars
    share    how far towards it the same recipe went, 1 is all of the way
    effort   the control's training as a share of the net's own
    """

    faults: tuple[str, ...]
    smallest: float | None
    planted: float | None
    share: float | None
    effort: float

    @classmethod
    def of_dict(cls, found: dict[str, Any]) -> Instrument:
        """The Instrument that was written as JSON."""
        return cls(tuple(found["faults"]), found["smallest"], found["planted"], found["share"], found["effort"])

    @property
    def sees(self) -> bool | None:
        """Whether what the net kept of the planted edge is as large as the smallest that the rows show; None if nobody tried."""
        if self.faults:
            return False
        if self.share is None or self.planted is None or self.smallest is None:
            return None
        return self.share * (self.planted - 0.5) >= self.smallest - 0.5

    def sentence(self) -> str:
        """What its silence is worth."""
        if self.faults:
            return f"This net could not have found an edge: {MEANS_NOTHING} ({'; '.join(self.faults)})."
        if self.share is None or self.planted is None:
            return (
                "Nobody tested whether this net could have found an edge (evaluate.positive_control=full does); "
                "its units are alive and it has learnt its training rows."
            )
        tried = "" if self.effort > 0.99 else f" in {100 * self.effort:.0f} % of the training"
        way = f"planted on the same bars{tried}, the same recipe went {100 * max(self.share, 0.0):.0f} % of the way"
        edge = f"an edge of {100 * self.planted:.1f} % right"
        if self.sees:
            return f"This net would have found {edge}: {way}."
        return f"This net could not have found {edge}, and {MEANS_NOTHING}: {way}."
