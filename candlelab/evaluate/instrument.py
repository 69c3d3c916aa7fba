"""Could this net have seen an edge? What a run found out about its own net, and what that makes of its silence."""

from __future__ import annotations

from dataclasses import dataclass

FOUND = 1 / 3  # share of the way to a planted edge from which the net counts as able to see
QUESTION = "Could this net have found an edge?"
MEANS_NOTHING = "its silence means nothing"


@dataclass(frozen=True)
class Instrument:
    """A net examined after its fit.

    faults   what is broken, in words: units that never answer, one answer for all charts, nothing learnt
    planted  accuracy of somebody who knows the edge that was planted on the same bars; None where none was planted
    share    how far towards it the same recipe went, 1 is all of the way
    effort   the control's training as a share of the net's own
    """

    faults: tuple[str, ...]
    planted: float | None
    share: float | None
    effort: float

    @classmethod
    def of_dict(cls, found: dict) -> Instrument:
        """The Instrument that was written as JSON."""
        return cls(tuple(found["faults"]), found["planted"], found["share"], found["effort"])

    @property
    def sees(self) -> bool | None:
        """Whether the net could have found an edge; None if nobody tried."""
        if self.faults:
            return False
        return None if self.share is None else self.share >= FOUND

    @property
    def found(self) -> float | None:
        """The accuracy that an edge must allow for this net to show it: what it loses on the way makes the edge larger."""
        if not self.sees or self.planted is None or self.share is None:
            return None
        return 0.5 + (self.planted - 0.5) / min(self.share, 1.0)

    def sentence(self) -> str:
        """What its silence is worth."""
        if self.faults:
            return f"This net could not have found an edge: {MEANS_NOTHING} ({'; '.join(self.faults)})."
        if self.share is None or self.planted is None:
            return ("Nobody tested whether this net could have found an edge (evaluate.positive_control=full does); "
                    "its units are alive and it has learnt its training rows.")
        tried = "" if self.effort > 0.99 else f" in {100 * self.effort:.0f} % of the training"
        way = f"{100 * max(self.share, 0.0):.0f} % of the way to an edge of {100 * self.planted:.1f} % planted on the same bars{tried}"
        if self.found is None:
            return f"This net could not have found an edge: {MEANS_NOTHING} (the same recipe went {way})."
        return f"This net would have found an edge of {100 * self.found:.1f} % right: the same recipe went {way}."
