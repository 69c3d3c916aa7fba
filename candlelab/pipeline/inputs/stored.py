"""The inputs of a finished run's model, made again from what the run stored: nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from candlelab.config import build
from candlelab.core.agreement import GIVEN
from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.errors import UserError
from candlelab.data.inputs import Inputs, stored_inputs
from candlelab.data.windows import gather
from candlelab.run import Run


@dataclass(frozen=True)
class InputMaker:
    """Makes the inputs of a run's model exactly as its training did.

    recipe      the run's config as stored: each part is checked when it is built.
    stored      its preprocessing.json.
    vocabulary  its file of the tokenizer, if it has one of its own.
    """

    recipe: DictConfig
    stored: dict[str, Any]
    vocabulary: Path

    @classmethod
    def of(cls, run: Run) -> InputMaker:
        """Return the maker of a run; its config is not checked as a whole, for that would import every part of it."""
        return cls(run.recipe, run.preprocessing, run.vocabulary)

    @property
    def bars(self) -> int:
        """Bars that a window needs, its warm-up included."""
        return self.stored["window"] + self.stored["warmup"]

    @property
    def given(self) -> bool:
        """Whether the run learnt from pictures that others drew."""
        return (self.stored["renderer"] or {}).get("style") == GIVEN

    @cached_property
    def renderer(self):
        if self.given:
            raise UserError(
                "this run learnt from given pictures, and no bars can be drawn as they were: give its ONNX model pictures of the same kind"
            )
        return build(self.recipe, "render")

    @cached_property
    def inputs(self) -> Inputs:
        """What training made the inputs with, of which only the parts that the net reads are built."""
        reads = self.stored["reads"]
        return stored_inputs(
            self.stored,
            self.vocabulary,
            renderer=self.renderer if "image" in reads else None,
            indicators=build(self.recipe, "data.indicators") if "series" in reads else None,
            caption=build(self.recipe, "data.caption") if "caption" in reads else None,
        )

    def arrays(self, candles: Candles, ends: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the net reads of the windows that end at some rows, as `Inputs.arrays`."""
        return self.inputs.arrays(candles, ends)


def raw_windows(candles: Candles, ends: np.ndarray, bars: int) -> np.ndarray:
    """Return the last `bars` bars at some rows as one array (n, bars, 5) float64: open, high, low, close, volume."""
    return gather(np.stack([getattr(candles, name) for name in OHLCV], 1), ends, bars)
