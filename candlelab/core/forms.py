"""Schemas of the files of a run: which keys, types and ranges they may hold (see `reading.objection`)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from candlelab.core.reading import NOTHING

COUNT = range(1 << 40)
BARS = range(100_001)
WINDOW = range(1, 10_001)
KINDS = {"forecast", "recognition"}
LONGEST_NAME = 200  # letters of the name of a class, a column or a symbol
HIGHEST = 1e300  # what is larger overflows as soon as it becomes a percentage
FIRST, LAST = -2_208_988_800_000, 253_402_300_799_999  # the years 1900 to 9999, ms UTC
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?")


def a_name(value: Any) -> bool:
    """Whether a value is a short text without letters that a terminal would obey."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def a_number(value: Any) -> bool:
    """Whether a value is a number that a table or a picture can show."""
    return type(value) in (int, float) and -HIGHEST < value < HIGHEST


def a_share(value: Any) -> bool:
    """Whether a value is a number from 0 to 1."""
    return type(value) in (int, float) and 0 <= value <= 1


def a_number_above_0(value: Any) -> bool:
    """Whether a value is a positive number."""
    return a_number(value) and value > 0


def a_time_in_ms(value: Any) -> bool:
    """Whether a value is a moment in ms UTC."""
    return type(value) in (int, float) and FIRST <= value <= LAST


def a_time(value: Any) -> bool:
    """Whether a text is a moment as 2024-01-31T13:00."""
    if not isinstance(value, str) or not TIME.fullmatch(value):
        return False
    try:
        return datetime.fromisoformat(value).year >= 1900
    except ValueError:
        return False


NUMBER = (None, a_number)
ANSWER: dict[Any, Any] = {
    "question": str,
    "answer": {"yes", "no", "not shown", "volatility only"},
    "sentence": str,
    "value": NUMBER,
    "low": NUMBER,
    "high": NUMBER,
    "chance": a_number,
    ...: NOTHING,
}

COMPONENT: dict[Any, Any] = {"_target_": str}
CONFIG: dict[Any, Any] = {
    "data": {
        "label": COMPONENT,
        "source": COMPONENT,
        "split": COMPONENT,
        "symbols": [str],
        "interval": (str, [str]),
        "start": (None, str),
        "end": (None, str),
        "resample": (None, str),
        "thin": a_share,
        "window": WINDOW,
        "stride": range(1, 1 << 31),
    },
    "model": {"net": COMPONENT},
    "render?": (None, COMPONENT),
    "evaluate": dict,
    "seed": range(-(1 << 63), 1 << 63),
}
ENVIRONMENT: dict[Any, Any] = {"command": str}
SHAPES: dict[Any, Any] = {
    "classes": range(1, 1001),
    "image": (None, [range(1, 20_001)]),
    "caption": (None, BARS),
    "vocabulary": (None, range(1, 10_000_001)),
    "series": (None, [range(100_001)]),
    ...: NOTHING,
}
SCALING: dict[Any, Any] = {
    "kind": str,
    "clip": (None, a_number_above_0),
    "centre": [a_number],
    "scale": [a_number_above_0],
}
PREPROCESSING: dict[Any, Any] = {
    "shapes": SHAPES,
    "reads": [{"image", "caption", "series"}],
    "classes": [a_name],
    "kind": KINDS,
    "horizon": BARS,
    "label": str,
    "window": WINDOW,
    "warmup": BARS,
    "batch_size": range(1, 65_537),
    "interval": str,
    "symbols": [a_name],
    "features": [a_name],
    "scaling": (None, SCALING),
    "renderer": (None, dict),
    "tokenizer": str,
    "caption_length": BARS,
    "weights_origin": str,
    "data_hash": str,
    "forecast_error?": (None, a_number_above_0),
    "forecast_range?": (None, [a_number]),
    "directions?": (None, [range(-1, 2)]),
}
PART: dict[Any, Any] = {
    "samples": COUNT,
    "unlabelled?": COUNT,
    "first": a_time,
    "last": a_time,
    "classes": {...: COUNT},
}
FINDING: dict[Any, Any] = {
    "kind": str,
    "symbol": str,
    "bars": COUNT,
    "share": a_number,
    "first": a_time,
    "means": str,
    "shakes": bool,
    ...: NOTHING,
}
AUDITED: dict[Any, Any] = {
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
    ...: NOTHING,
}
AUDIT: dict[Any, Any] = {
    "subject": str,
    "verdict": str,
    "findings": [AUDITED],
    "clean": [str],
    "unchecked": [[str]],
    ...: NOTHING,
}
CARD: dict[Any, Any] = {
    "symbols": [a_name],
    "interval": str,
    "also_trained_on?": [str],
    "bars": COUNT,
    "segments?": COUNT,
    "first": a_time,
    "last": a_time,
    "window": WINDOW,
    "warmup?": BARS,
    "dropped_samples?": COUNT,
    "label": str,
    "kind": KINDS,
    "horizon": BARS,
    "fingerprint": str,
    "quality?": [FINDING],
    "audit?": AUDIT,
    "rows?": {...: {"rows": COUNT, "sha256": str}},
    "parts": {"train": PART, "validation": PART, "test": PART, ...: NOTHING},
    "warnings?": [str],
    "time_order?": {"known", "unknown"},
    ...: NOTHING,
}
METRICS: dict[Any, Any] = {...: NUMBER}
THRESHOLD: dict[Any, Any] = {
    "rule?": str,
    "score?": {"confidence", "margin", "forecast"},
    "chosen_on?": str,
    "threshold?": (None, a_number),
    "min_precision?": a_share,
    "candidates?": (None, COUNT),
    "trades?": (None, COUNT),
    "flat?": (None, str),
    "warnings?": [str],
    "fee_bps?": (None, a_number),
    "slippage_bps?": (None, a_number),
    "validation_sharpe_annual?": NUMBER,
    "corrected_sharpe_annual?": NUMBER,
    "spread_bps?": a_number,
    "funding_bps?": a_number,
    "position?": str,
    "held?": {...: NUMBER},  # a size that no validation row reached is not told
    "curve?": {...: [NUMBER]},
    "hash?": str,
}
CURVES: dict[Any, Any] = {
    "confusion": {"counts": [[COUNT]]},
    "calibration": {"count?": [COUNT], "confidence": [NUMBER], "accuracy": [NUMBER]},
    "threshold?": {"threshold": [a_number], "val": [NUMBER], "test": [NUMBER]},
    "equity?": {"time": [a_time_in_ms], "net": [a_number], "gross": [a_number], "buy_and_hold": [a_number]},
    "costs?": {
        "delay?": [a_number],
        "cap?": [a_number],
        "turnover?": [a_number],
        "bps?": [a_number],
        "sharpe?": [NUMBER],
        "low?": [NUMBER],
        "high?": [NUMBER],
        "breakeven_bps?": [NUMBER],
    },
    "fees?": {"bps?": [a_number], "sharpe?": [NUMBER], "return_pct?": [NUMBER]},
    "months?": {"year?": [range(1900, 10_000)], "month?": [range(1, 13)], "return_pct?": [a_number]},
    "rolling?": {"time?": [a_time_in_ms], "sharpe?": [NUMBER], "days?": [a_number_above_0]},
    "drawdowns?": {
        "peak?": [a_time_in_ms],
        "bottom?": [a_time_in_ms],
        "recovered?": [(None, a_time_in_ms)],
        "depth_pct?": [a_number],
        "bars?": [COUNT],
    },
    ...: NOTHING,
}
VERDICT: dict[Any, Any] = {
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
    "threshold_hash?": str,
    "conduct?": [str],
}
BAYES: dict[Any, Any] = {...: a_share}
INSTRUMENT: dict[Any, Any] = {
    "faults": [str],
    "smallest": NUMBER,
    "planted": NUMBER,
    "share": NUMBER,
    "effort": a_number,
}
STEP: dict[Any, Any] = {
    "precision": {"32-true", "bf16-mixed", "16-mixed"},
    "memory_format": {"contiguous", "channels_last"},
    "rows": range(1, COUNT.stop),
    "tried": [
        {
            "precision": {"32-true", "bf16-mixed", "16-mixed"},
            "memory_format": {"contiguous", "channels_last"},
            "speed": a_number,
            "loss_off": NUMBER,
            "cosine": a_number,
        }
    ],
}
DIFFICULTY: list[Any] = [{"difficulty": a_number, "samples": range(1, COUNT.stop), "right": COUNT}]
LUCK: dict[Any, Any] = {
    "measure": {"auroc_direction", "sharpe_net_annual"},
    "model": str,
    "value": a_number,
    "score": a_number,
    "worlds": [a_number],
    ...: NOTHING,
}
SENSITIVITY: dict[Any, Any] = {
    "model": str,
    "rule": str,
    "sizes": [a_number],
    "found": [COUNT],
    "worlds": [COUNT],
    "smallest": a_number,
    ...: NOTHING,
}
