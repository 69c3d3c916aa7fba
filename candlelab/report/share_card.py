"""Share image (Open Graph size, 1200x630) of a verdict: headline, the three answers with their intervals, what they rest on."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from candlelab.core import files
from candlelab.report import formats

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from candlelab.evaluate.verdict import Answer

SIZE = (1200, 630)
PAPER, INK, SOFT, RULE = "#fafaf8", "#1a1d24", "#5d636e", "#d5d7db"
COLOURS = {"yes": "#17806a", "no": "#bd4420", "not shown": "#946a10", "volatility only": "#946a10"}
EDGE, GAP = 64, 32  # pixels
LETTERS = str.maketrans({formats.THIN: " ", "\u2212": "-", "–": "-"})  # what the built-in font has no picture of


def write_card(path: Path, context: Mapping[str, Any], answers: Sequence[tuple[str, Answer]]) -> Path | None:
    """Write card.png; return None where Pillow is not installed (candlelab[train]).

    context  what the report's template is filled with; answers: (name of the measure, answer), three at most.
    """
    try:
        from PIL import Image, ImageDraw
    except ModuleNotFoundError:
        return None
    picture = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(picture)
    _write(draw, EDGE, 48, f"candlelab · {context['kind']}", 26, SOFT)
    _write(draw, EDGE, 92, textwrap.shorten(str(context["title"]), 60, placeholder="…"), 34, INK)
    _write(draw, EDGE, 140, textwrap.shorten(str(context["subtitle"]), 95, placeholder="…"), 22, SOFT)
    y = 196
    for line in textwrap.wrap(str(context["headline"]), 36)[:2]:
        _write(draw, EDGE, y, line, 52, INK)
        y += 64
    width = (SIZE[0] - 2 * EDGE - GAP * (len(answers) - 1)) // max(len(answers), 1)
    for k, (measure, answer) in enumerate(answers):
        _answer(draw, EDGE + k * (width + GAP), 352, width, measure, answer)
    _write(draw, EDGE, 572, str(context["footer"]) or "Recognition says nothing about the future.", 20, SOFT)
    with files.atomic(path) as temporary:
        picture.save(temporary, "png")
    return path


def _answer(draw: ImageDraw, x: int, y: int, width: int, measure: str, answer: Answer) -> None:
    """One answer: its question, its word, and its interval against what nothing would be."""
    colour = COLOURS[answer.answer]
    draw.rectangle((x, y, x + width, y + 4), fill=colour)
    _write(draw, x, y + 16, textwrap.shorten(answer.question, width // 10, placeholder="…"), 21, SOFT)
    _write(draw, x, y + 48, answer.answer, 42, colour)
    if answer.value is None or answer.low is None or answer.high is None:
        return
    ends = (min(answer.low, answer.chance), max(answer.high, answer.chance))
    room = max(ends[1] - ends[0], 1e-9)

    def place(value: float) -> float:
        return x + 12 + (width - 24) * (value - ends[0]) / room

    middle = y + 136
    draw.line((x, middle, x + width, middle), fill=RULE, width=2)
    draw.rectangle((place(answer.low), middle - 7, place(answer.high), middle + 7), fill=RULE)
    draw.line((place(answer.chance), middle - 18, place(answer.chance), middle + 18), fill=INK, width=3)
    at = place(answer.value)
    draw.ellipse((at - 9, middle - 9, at + 9, middle + 9), fill=colour)
    told = f"{measure} {formats.number(answer.value)} ({formats.number(answer.low)} to {formats.number(answer.high)})"
    _write(draw, x, middle + 22, told, 22, INK)


def _write(draw: ImageDraw, x: float, y: float, words: str, size: int, colour: str) -> None:
    draw.text((x, y), words.translate(LETTERS), font=_font(size), fill=colour)


@cache
def _font(size: int) -> Any:
    """Pillow's built-in font."""
    from PIL import ImageFont

    return ImageFont.load_default(size)
