"""Which chart styles a page can draw by itself, and what it needs to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 4_000_000  # pixels of a picture that a page draws
WHOLE, SHARE, COLOUR = "whole", "share", "colour"
# Style (the last part of the recipe's name) -> its settings and their kinds; spans.js draws these and no others.
STYLES: dict[str, dict[str, Any]] = {
    "CandleChart": {
        **dict.fromkeys(("window", "height", "width"), WHOLE),
        **dict.fromkeys(("body", "volume"), SHARE),
        "moving_averages": [WHOLE],
        **dict.fromkeys(("paper", "up", "down", "wick"), COLOUR),
        "averages": [COLOUR],
        "missing": ("adjacent", "blank"),
    },
    "LineChart": {
        **dict.fromkeys(("window", "height", "width", "thickness"), WHOLE),
        **dict.fromkeys(("paper", "ink"), COLOUR),
        "missing": ("adjacent", "blank"),
    },
    "Jkx": {
        **dict.fromkeys(("window", "height", "moving_average"), WHOLE),
        "volume": SHARE,
        "missing": ("adjacent", "blank"),
    },
    "OhlcBars": {
        **dict.fromkeys(("window", "height"), WHOLE),
        "layout": ("open_line_close", "line_open_close"),
        "missing": ("adjacent", "blank"),
    },
    "Gramian": {
        **dict.fromkeys(("window", "size"), WHOLE),
        "fields": [("gasf", "gadf")],
        "missing": ("adjacent", "blank"),
    },
}
PLACES = {"candlelab.render.candles", "candlelab.render.line", "candlelab.render.jkx", "candlelab.render.ohlc_bars"} | {
    "candlelab.render.gramian"
}


def drawable(recipe: Mapping[str, Any]) -> dict[str, Any] | None:
    """The recipe of a chart style with what a page needs of it; None where a page cannot draw it, or should not."""
    place, _, style = str(recipe.get("style", "")).rpartition(".")
    if style not in STYLES or place not in PLACES:
        return None
    asked = STYLES[style]
    told = {name: recipe.get(name) for name in asked}
    if not all(_fits(told[name], kind) for name, kind in asked.items()) or _pixels(told) > LARGEST:
        return None
    return {"style": style} | told


def why_not(recipe: Mapping[str, Any] | None) -> str:
    """One sentence on why a page shows no picture of a window."""
    if recipe is None:
        return "This net reads no chart, so there is no picture to show."
    style = str(recipe.get("style", "")).rpartition(".")[2] or "unknown"
    return f"Pictures of the style {style} cannot be drawn in a page: task=render draws them."


def _pixels(told: Mapping[str, Any]) -> int:
    side = told.get("size")
    if side is not None:
        return int(side) * int(side)
    return int(told["height"]) * int(told.get("width") or 4 * told["window"])


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(kind, list):
        return isinstance(value, list) and len(value) <= 8 and all(_fits(each, kind[0]) for each in value)
    if isinstance(kind, tuple):
        return value in kind
    if kind == COLOUR:
        return isinstance(value, list) and len(value) in (1, 3) and all(_level(each) for each in value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and (0 <= value <= 1 if kind == SHARE else isinstance(value, int) and 0 <= value <= 20_000)


def _level(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= 255
