"""The explorer of one run: candles with what the net did, probabilities, equity, and the picture behind each answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.core.candles import Candles
from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.table import Task
from candlelab.report.explorer.content import Shown, Tested, facts_of, pack_bars, pack_captions, pack_rows, shown_of
from candlelab.report.explorer.packed import Pack
from candlelab.report.explorer.page import RUN_SCRIPTS, write_scripted
from candlelab.report.explorer.pictures import drawable, why_not
from candlelab.report.page import png_uri

ROUNDED = "Prices of this page are rounded to nine digits, so a pixel of a picture may differ from what the net saw. "
TIMES = "Times are UTC, and those of the bar's opening."


@dataclass(frozen=True)
class Seen:
    """What the net saw of a window.

    reads   of image, caption, series
    recipe  of its charts, as in preprocessing.json; None where it reads none
    window, warmup  bars
    maps    heat maps (n, 3, H, W) uint8 of some rows: symbol and time (ms UTC) of each
    """

    reads: Sequence[str]
    recipe: Mapping[str, Any] | None
    window: int
    warmup: int
    maps: Sequence[tuple[str, int, np.ndarray, str]] = ()

    def told(self, tested: Tested, shown: Shown) -> dict[str, Any]:
        """The same as plain values for the page; maps by the number of their row."""
        recipe = None if self.recipe is None else drawable(self.recipe)
        return {
            "reads": list(self.reads),
            "picture": recipe,
            "no_picture": "" if recipe else why_not(self.recipe),
            "window": self.window,
            "warmup": self.warmup,
            "maps": self._maps(tested, shown),
        }

    def _maps(self, tested: Tested, shown: Shown) -> dict[str, dict[str, str]]:
        rows, names = tested.part.rows, tested.part.ground.symbols
        place = {
            (names[symbol], int(time)): number
            for number, (symbol, time) in enumerate(zip(rows.symbol[shown.rows], rows.time[shown.rows], strict=True))
        } if self.maps else {}  # fmt: skip
        return {
            str(place[symbol, time]): {"image": png_uri(picture), "words": words}
            for symbol, time, picture, words in self.maps
            if (symbol, time) in place
        }


def write_run_explorer(
    path: Path,
    *,
    title: str,
    subtitle: str,
    headline: str,
    candles: Candles,
    tested: Tested,
    seen: Seen,
    settings: Evaluation,
    task: Task,
) -> Path:
    """Write the explorer of a run into a file; candles is the tape that its rows lie on."""
    pack = Pack()
    ahead = max(task.horizon, tested.part.rows.step, 1)
    shown = shown_of(candles, tested.part, before=seen.window + seen.warmup - 1, after=ahead)
    rounded = pack_bars(pack, candles, shown.bars)
    pack_rows(pack, candles, tested, shown, settings)
    facts = facts_of(tested, shown, settings, task) | seen.told(tested, shown)
    facts |= {"captions": pack_captions(pack, tested, shown)}
    note = (ROUNDED if rounded else "") + TIMES
    context = {
        "title": title,
        "subtitle": subtitle,
        "headline": headline,
        "partial": _partial(shown, tested),
        "note": note,
    }
    return write_scripted(path, "explorer.html.j2", context, facts=facts, pack=pack, scripts=RUN_SCRIPTS)


def _partial(shown: Shown, tested: Tested) -> str:
    """What a page too small for all rows has to say; empty where it shows them all."""
    rows, symbols = len(tested.part.rows), len(tested.part.ground.symbols)
    if len(shown.rows) == rows:
        return ""
    return (
        f"This page shows {len(shown.rows):,} of {rows:,} test rows, of {len(shown.symbols)} of {symbols} symbols: "
        "its figures are of these rows, those of the report of all."
    )
