"""Inference service of a finished run: one question in, one answer as plain values out; knows nothing of HTTP or pages."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.core.errors import UserError
from candlelab.data.pictures import MOST_PIXELS
from candlelab.pipeline.inputs.new_candles import fetch_new_candles, newest_close
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.pipeline.scores.pictures import LARGEST_PICTURE, answer_picture, read_picture
from candlelab.pipeline.scores.signals import signals
from candlelab.run import Run

LARGEST_CSV = 20 << 20  # bytes
NOT_ADVICE = "Research, not advice. No orders are ever sent."


@dataclass(frozen=True)
class Desk:
    """Answers one question at a time.

    engine  torch, onnx or int8.
    colour  (run, pictures (1, C, H, W)) -> (3, H, W) with a glow where the net looked, or None; None: no heat maps here.
    """

    run: Run
    engine: str
    colour: Callable[[Run, np.ndarray], np.ndarray | None] | None
    _one: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def takes_pictures(self) -> bool:
        """Whether a picture alone is enough."""
        made = self.run.preprocessing
        return made["reads"] == ["image"] and made.get("forecast_error") is None

    @property
    def takes_candles(self) -> bool:
        """Whether the run drew its own charts or read numbers, and not pictures that others drew."""
        return not InputMaker.of(self.run).given

    def about(self) -> dict[str, Any]:
        """Return what the run is and takes."""
        made = self.run.preprocessing
        return {
            "run": self.run.folder.name,
            "kind": made["kind"],
            "classes": list(made["classes"]),
            "reads": list(made["reads"]),
            "interval": made["interval"],
            "bars_needed": made["window"] + made["warmup"],
            "takes": [*(["candles"] if self.takes_candles else []), *(["picture"] if self.takes_pictures else [])],
            "verdict": self.run.verdict.get("lines", []),
            "note": NOT_ADVICE,
        }

    def picture(self, data: bytes, name: str) -> dict[str, Any]:
        """Return the answer to a picture, as `answer_picture`; raises UserError for what is none."""
        if len(data) > LARGEST_PICTURE:
            raise UserError(
                f"'{name}' has {len(data):,} bytes: give at most {LARGEST_PICTURE:,} and {MOST_PIXELS:,} pixels"
            )
        with self._one:
            return answer_picture(self.run, data, name, engine=self.engine, threshold=None) | {"note": NOT_ADVICE}

    def candles(self, data: bytes, name: str) -> dict[str, Any]:
        """Return the answer to the newest bar of each symbol in a csv file; raises UserError for what is none.

        Keys answers (one per symbol, as a row of `signals`; NaN is None) and note.
        """
        if len(data) > LARGEST_CSV:
            raise UserError(f"'{name}' has {len(data):,} bytes: give at most {LARGEST_CSV:,}")
        maker = InputMaker.of(self.run)
        with self._one, tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "candles.csv")
            path.write_bytes(data)
            tape = fetch_new_candles(maker.recipe, maker.recipe, [], str(path), at=None, bars=maker.bars)
            table = signals(
                self.run, maker, tape, newest_close(tape), engine=self.engine, threshold=None, max_stale=None
            )
        return {"answers": [_plain(row) for row in table.to_dict("records")], "note": NOT_ADVICE}

    def heat_map(self, data: bytes, name: str) -> np.ndarray | None:
        """Return the picture as the net saw it under a glow where it looked, (3, H, W) uint8; None where that cannot be had."""
        if self.colour is None:
            return None
        pixels, _ = read_picture(self.run, data, name)
        with self._one:
            return self.colour(self.run, pixels)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a table as JSON has it."""
    made = {name: value.item() if hasattr(value, "item") else value for name, value in row.items()}
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in made.items()
    }
