"""The labels that came with a set of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from candlelab.core.contracts import Kind
from candlelab.core.errors import UserError
from candlelab.data.label.outcomes import Labels, one_of

if TYPE_CHECKING:
    from candlelab.core.candles import Candles
    from candlelab.data.pictures import PictureSet


class Given:
    """Whatever somebody wrote beside a picture; only its author knows whether it looks ahead.

    kind  recognition: the label is a function of what is drawn. forecast: it tells what came after; then scores of trading
          rest on the set's next_close.
    """

    def __init__(self, *, kind: Literal["recognition", "forecast"]):
        self.kind: Kind = one_of("kind", kind, ("recognition", "forecast"))
        self.horizon = int(kind == "forecast")
        self.classes: tuple[str, ...] = ()

    def __call__(self, candles: Candles, window: int) -> Labels:
        raise UserError(
            "labels that came with pictures cannot be made from bars: data/label=given goes with data=pictures"
        )

    def of(self, pictures: PictureSet) -> GivenLabels:
        """Return the labels of a set; raises UserError if a forecast has no returns to be scored by."""
        labels = GivenLabels(self.kind, pictures)
        if self.kind == "forecast" and np.isnan(labels.forward_return).all():
            raise UserError(
                "kind is forecast, but the set has no forward_return, and no next_close with a close of the last bar: "
                "nothing could be earned with it; choose recognition"
            )
        return labels


class GivenLabels:
    """The labels of one set of pictures, one per row of its tape."""

    def __init__(self, kind: Kind, pictures: PictureSet):
        self.kind: Kind = kind
        self.horizon, self.classes = int(kind == "forecast"), pictures.classes
        self._label = pictures.label
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = pictures.next_close / pictures.close - 1
        self.forward_return = np.where(np.isfinite(pictures.forward_return), pictures.forward_return, moved)
        self.forward_return[~(np.isfinite(self.forward_return) & (self.forward_return > -1))] = np.nan

    def __call__(self, candles: Candles, window: int) -> Labels:
        """Return the labels; sigma is the spread of all known log returns, for the pictures say nothing of the bars before."""
        moves = np.log1p(self.forward_return)
        sigma = float(np.nanstd(moves)) if np.isfinite(moves).sum() > 1 else np.nan
        rows = np.arange(len(self._label))
        return Labels(
            self._label,
            self.forward_return,
            moves / sigma if sigma > 0 else np.full(len(rows), np.nan),
            np.full(len(rows), sigma),
            np.zeros(len(rows)),
            rows,
        )
