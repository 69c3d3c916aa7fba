"""A data set that is ready for any model: its tape, labels, windows and the part of each."""

from dataclasses import dataclass, field

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.contracts import Source
from candlelab.data.label.outcomes import Labels


@dataclass
class Prepared:
    """Everything of a data set that is the same for every model trained on it."""

    candles: Candles
    labels: Labels
    ends: np.ndarray  # (n,) int64 tape row of each sample's last bar
    part: np.ndarray  # (n,) int8 0 train, 1 validation, 2 test, -1 dropped
    source: Source
    warnings: tuple[str, ...] = ()  # what cannot be known of such data
    # captions per tokenizer, once one was asked for
    tokens: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
