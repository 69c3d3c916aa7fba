"""No numbers at all, for models that read only charts or captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from candlelab.core.candles import Candles


class NoIndicators:
    """No columns and no warm-up."""

    names: tuple[str, ...] = ()
    warmup = 0

    def __call__(self, candles: Candles) -> np.ndarray:
        return np.empty((len(candles), 0))
