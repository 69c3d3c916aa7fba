"""What a finished run's model reads of any windows, as NumPy arrays: nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from candlelab.config import build
from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.errors import UserError
from candlelab.data import caption as captions
from candlelab.data.indicators.auto import settled
from candlelab.data.scaling import from_dict
from candlelab.data.tokenizer import Tokenizer, stored_tokenizer
from candlelab.data.windows import gather
from candlelab.run import Run

GIVEN = "given pictures"


@dataclass(frozen=True)
class InputMaker:
    """Makes the inputs of a run's model exactly as its training did.

    recipe      the run's config as stored: each part is checked when it is built.
    stored      its preprocessing.json.
    vocabulary  its file of the tokenizer, if it has one of its own.
    """

    recipe: DictConfig
    stored: dict
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
            raise UserError("this run learnt from given pictures, and no bars can be drawn as they were: give its ONNX model pictures of the same kind")
        return build(self.recipe, "render")

    @cached_property
    def indicators(self):
        return settled(build(self.recipe, "data.indicators"), self.stored["features"])

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return stored_tokenizer(self.stored["tokenizer"], self.vocabulary)

    def arrays(self, candles: Candles, ends: np.ndarray) -> dict[str, np.ndarray]:
        """Return image (n, C, H, W), caption and caption_mask (n, L), series (n, T, F) of the windows that end at some rows."""
        made = {}
        if "image" in self.stored["reads"]:
            made["image"] = self.renderer.draw(candles, ends)
        if "caption" in self.stored["reads"]:
            words = build(self.recipe, "data.caption")
            ids, mask = captions.encode_windows(words, candles, ends, self.stored["window"], self.tokenizer)
            made |= {"caption": ids.astype(np.int64), "caption_mask": mask}
        if "series" in self.stored["reads"]:
            made["series"] = gather(self.numbers(candles), ends, self.stored["window"])
        return made

    def numbers(self, candles: Candles) -> np.ndarray:
        """Return the scaled indicators of every row; (N, F) float32, NaN where they are unknown."""
        numbers = from_dict(self.stored["scaling"])(self.indicators(candles)).astype(np.float32)
        if candles.missing is not None:
            numbers[candles.missing] = np.nan_to_num(numbers[candles.missing])
        return numbers


def raw_windows(candles: Candles, ends: np.ndarray, bars: int) -> np.ndarray:
    """Return the last `bars` bars at some rows as one array (n, bars, 5) float64: open, high, low, close, volume."""
    return gather(np.stack([getattr(candles, name) for name in OHLCV], 1), ends, bars)
