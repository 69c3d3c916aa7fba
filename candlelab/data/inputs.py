"""Model inputs: what a net reads of any windows, the same in training, in prediction and for calibration; NumPy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.contracts import Caption, Indicators, Renderer, Scaling
from candlelab.data import caption as captions
from candlelab.data.indicators.auto import settled
from candlelab.data.scaling import from_dict
from candlelab.data.tokenizer import Tokenizer, stored_tokenizer
from candlelab.data.windows import gather


@dataclass(frozen=True)
class Inputs:
    """Makes the inputs of one net; what it does not read may be None.

    reads    of image, caption, series.
    window   bars of a sample.
    scaling  fitted on training rows before `numbers` is asked for.
    """

    reads: tuple[str, ...]
    window: int
    renderer: Renderer | None
    indicators: Indicators | None
    scaling: Scaling | None
    caption: Caption | None
    tokenizer: Tokenizer | None

    def charts(self, candles: Candles, ends: np.ndarray) -> np.ndarray:
        """Return the charts of the windows that end at some rows; (n, C, H, W) uint8."""
        assert self.renderer is not None, "this net reads no charts"
        return self.renderer.draw(candles, ends)

    def tokens(self, candles: Candles, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return token ids (n, L) of the captions, in the smallest integers that hold them, and their mask (n, L) bool."""
        assert self.caption is not None and self.tokenizer is not None, "this net reads no captions"
        return captions.encode_windows(self.caption, candles, ends, self.window, self.tokenizer)

    def numbers(self, candles: Candles) -> np.ndarray:
        """Return the scaled indicators of every row; (N, F) float32, NaN where they are unknown, 0 in bars that were removed."""
        assert self.indicators is not None, "this net reads no series"
        numbers = self.scaled(self.indicators(candles))
        if candles.missing is not None:
            numbers[candles.missing] = np.nan_to_num(numbers[candles.missing])
        return numbers

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Return indicators (N, F) as the net reads them: scaled, float32."""
        assert self.scaling is not None, "this net reads no series"
        return self.scaling(values).astype(np.float32)

    def reader(self, candles: Candles) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        """Return what `arrays` is for one tape and any rows, its indicators computed once."""
        numbers = self.numbers(candles) if "series" in self.reads else None
        return partial(self._arrays, candles, numbers)

    def arrays(self, candles: Candles, ends: np.ndarray) -> dict[str, np.ndarray]:
        """Return image (n, C, H, W), caption (n, L) int64 and caption_mask (n, L), series (n, T, F): those that the net reads."""
        return self.reader(candles)(ends)

    def _arrays(self, candles: Candles, numbers: np.ndarray | None, ends: np.ndarray) -> dict[str, np.ndarray]:
        made = {}
        if "image" in self.reads:
            made["image"] = self.charts(candles, ends)
        if "caption" in self.reads:
            ids, mask = self.tokens(candles, ends)
            made |= {"caption": ids.astype(np.int64), "caption_mask": mask}
        if numbers is not None:
            made["series"] = gather(numbers, ends, self.window)
        return made


def stored_inputs(
    stored: dict[str, Any],
    vocabulary: Path,
    *,
    renderer: Renderer | None,
    indicators: Indicators | None,
    caption: Caption | None,
) -> Inputs:
    """Return what a finished run's training made the inputs with: parts of its config, and what was fitted to them.

    stored      its preprocessing.json; vocabulary: its file of the tokenizer, if it has one of its own.
    indicators  as configured: what `auto` once chose is chosen again.
    """
    return Inputs(
        tuple(stored["reads"]),
        stored["window"],
        renderer,
        None if indicators is None else settled(indicators, stored["features"]),
        None if stored["scaling"] is None else from_dict(stored["scaling"]),
        caption,
        stored_tokenizer(stored["tokenizer"], vocabulary) if "caption" in stored["reads"] else None,
    )
