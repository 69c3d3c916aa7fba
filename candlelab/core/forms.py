"""Schemas of the files of a run: which keys, types and ranges they may hold (see `reading.objection`)."""

from __future__ import annotations

from typing import Any

COUNT = range(1 << 40)
BARS = range(100_001)
WINDOW = range(1, 100_001)
KINDS = {"forecast", "recognition"}
NUMBER = (None, float)
ANSWER = {
    "question": str,
    "answer": str,
    "sentence": str,
    "value": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "chance": float,
}

CONFIG = {
    "data": {"label": dict, "source": dict},
    "model": {"net": dict},
    "evaluate": dict,
    "seed": range(-(1 << 63), 1 << 63),
}
ENVIRONMENT = {"command": str}
SHAPES = {
    "classes": range(1, 1001),
    "image": (None, [range(1, 20_001)]),
    "caption": (None, BARS),
    "vocabulary": (None, range(1, 10_000_001)),
    "series": (None, [range(100_001)]),
}
SCALING = {"kind": str, "clip": (None, float), "centre": [float], "scale": [float]}
PREPROCESSING = {
    "shapes": SHAPES,
    "reads": [{"image", "caption", "series"}],
    "classes": [str],
    "kind": KINDS,
    "horizon": BARS,
    "label": str,
    "window": WINDOW,
    "warmup": BARS,
    "batch_size": range(1, 10_000_001),
    "interval": str,
    "symbols": [str],
    "features": [str],
    "scaling": (None, SCALING),
    "renderer": (None, dict),
    "tokenizer": str,
    "caption_length": BARS,
    "weights_origin": str,
    "data_hash": str,
    "forecast_error?": (None, float),
    "forecast_range?": (None, [float]),
    "directions?": (None, [range(-1, 2)]),
}
PART = {"samples": COUNT, "first": str, "last": str, "classes": {...: COUNT}}
FINDING = {"kind": str, "symbol": str, "bars": COUNT, "share": float, "first": str, "means": str, "shakes": bool}
AUDITED = {
    "name": str,
    "severity": {"leak", "doubt", "note"},
    "place": str,
    "evidence": str,
    "cure": str,
    "value": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "chance": NUMBER,
    "pictures": [str],
}
AUDIT = {"subject": str, "verdict": str, "findings": [AUDITED], "clean": [str], "unchecked": [[str]]}
CARD = {
    "symbols": [str],
    "interval": str,
    "bars": COUNT,
    "first": str,
    "last": str,
    "window": WINDOW,
    "label": str,
    "kind": KINDS,
    "horizon": BARS,
    "fingerprint": str,
    "quality?": [FINDING],
    "audit?": AUDIT,
    "rows?": {...: {"rows": COUNT, "sha256": str}},
    "parts": {"train": PART, "validation": PART, "test": PART},
}
METRICS = {...: NUMBER}
THRESHOLD = {"score?": {"confidence", "margin", "forecast"}, "threshold?": NUMBER, "candidates?": (None, COUNT)}
CURVES = {"confusion": {"counts": [[COUNT]]}, "calibration": {"confidence": [NUMBER], "accuracy": [NUMBER]}}
VERDICT = {
    "lines": [str],
    "kind": KINDS,
    "smallest_edge": str,
    "suspicions": [str],
    "missing_for_trust": [str],
    "information": ANSWER,
    "beyond_baseline": ANSWER,
    "volatility": (None, ANSWER),
    "money": (None, ANSWER),
    "instrument?": (None, ANSWER),
}
BAYES = {...: float}
INSTRUMENT = {"faults": [str], "smallest": NUMBER, "planted": NUMBER, "share": NUMBER, "effort": float}
DIFFICULTY = [{"difficulty": float, "samples": COUNT, "right": COUNT}]


COLUMNS_OF = {
    "calibration": ("count", "accuracy", "confidence"),
    "threshold": ("threshold", "val", "test"),
    "equity": ("time", "net", "gross", "buy_and_hold"),
    "drawdowns": ("peak", "bottom", "recovered", "depth_pct", "bars"),
}


def curves_trouble(tree: dict[str, Any]) -> str | None:
    """Return why curves cannot be drawn: a column is missing, is no list of numbers, or is longer than another; None if they can."""
    for name, group in tree.items():
        if name == "confusion":
            continue
        if not isinstance(group, dict) or any(
            column not in group for column in COLUMNS_OF.get(name, ()) if group or name != "drawdowns"
        ):
            return f"{name} lacks a column"
        columns = [column for column in group.values() if isinstance(column, list)]
        if len({len(column) for column in columns}) > 1 or any(
            not isinstance(group.get(column, []), list) for column in COLUMNS_OF.get(name, ())
        ):
            return f"{name} has columns of different lengths"
        if any(
            not isinstance(value, (int, float, type(None)))
            for column in COLUMNS_OF.get(name, ())
            for value in group.get(column, ())
        ):
            return f"{name} holds something that is no number"
    return None


def contradiction(made: dict[str, Any], window: int | None) -> str | None:
    """Return in what preprocessing.json contradicts itself, or the window of the config; None if it does not."""
    if not made["reads"] or len(set(made["reads"])) != len(made["reads"]):
        return "it reads nothing, or one thing twice"
    if made.get("forecast_range") is not None and len(made["forecast_range"]) != 2:
        return "forecast_range is no pair"
    if len(made["classes"]) != made["shapes"]["classes"] or len(set(made["classes"])) != len(made["classes"]):
        return f"{len(made['classes'])} classes have names, the shapes say {made['shapes']['classes']}"
    if any(
        value is not None and len(value) != count
        for value, count in ((made["shapes"]["image"], 3), (made["shapes"]["series"], 2))
    ):
        return "the shapes are none of a picture and a series"
    if made["window"] != window:
        return f"the window is {made['window']}, in the config {window}"
    if made["scaling"] and not len(made["features"]) == len(made["scaling"]["centre"]) == len(made["scaling"]["scale"]):
        return "the scaling is not of these features"
    return None
