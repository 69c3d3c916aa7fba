"""Image classification of one chart picture that somebody else drew, by a finished run that reads pictures alone."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from candlelab.core.errors import UserError
from candlelab.core.signal import check_answers, sides_of
from candlelab.data.pictures import FORMATS, decode
from candlelab.export.rule import rule_at
from candlelab.pipeline.scores.signals import decided, engine_of
from candlelab.run import Run

LARGEST_PICTURE = 20 << 20  # bytes of its file
ELSEWHERE = "a picture from elsewhere"
NOT_SURE = "not sure"


def picture_shape(run: Run) -> tuple[int, int, int]:
    """Return (C, H, W) of the pictures a run's net sees; raises UserError where it needs more than a picture."""
    made = run.preprocessing
    if made["reads"] != ["image"]:
        told = " and ".join(made["reads"]) or "nothing"
        raise UserError(
            f"the net of '{run.folder.name}' reads {told}: a picture alone answers only nets that read an image and no more"
        )
    channels, height, width = made["shapes"]["image"]
    return channels, height, width


def read_picture(run: Run, data: bytes, name: str) -> tuple[np.ndarray, tuple[int, int]]:
    """Return a picture as the run's net sees pictures, (1, C, H, W) uint8, and the (width, height) that it came in.

    Raises UserError for what is no picture.
    """
    shape = picture_shape(run)
    pixels = decode(data, shape, name)[None]
    return np.array(pixels), _size(data)  # a copy: torch wants to own what it reads


def _size(data: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return image.size


def answer_picture(run: Run, data: bytes, name: str, *, engine: str, threshold: float | None) -> dict[str, Any]:
    """Return what a run says of a picture, as plain values.

    engine     torch, onnx or int8; threshold: None for the one chosen on validation.
    Keys picture, source (that it is not one of the net's own), size (width, height as it came), seen (as the net saw it),
    answer (the likeliest class, or "not sure" where it is below the threshold), likeliest, direction (of a chart pattern),
    confidence, threshold, probabilities, reason.
    Raises UserError for what is no picture, and for nets that read more than a picture or name no classes.
    """
    pixels, size = read_picture(run, data, name)
    made = run.preprocessing
    said = engine_of(run, engine)({"image": pixels})
    if "probabilities" not in said:
        raise UserError(
            f"the net of '{run.folder.name}' forecasts a number in units of past volatility, which a picture alone does not have"
        )
    p = said["probabilities"][0]
    check_answers(said["probabilities"])
    rule = rule_at(run, threshold)
    forecasts = made["kind"] == "forecast"
    signal, likeliest, sure, reason = decided(p, np.nan, made["classes"], forecasts, rule)
    sides = sides_of(made)
    unsure = rule.threshold is None or sure < rule.threshold
    return {
        "picture": name,
        "source": ELSEWHERE,
        "size": list(size),
        "seen": [pixels.shape[3], pixels.shape[2]],
        "answer": NOT_SURE if unsure else likeliest,
        "likeliest": likeliest,
        **({"signal": signal} if forecasts else {}),
        **({"direction": sides.get(likeliest, "")} if sides else {}),
        "confidence": float(sure),
        "threshold": rule.threshold,
        "probabilities": {word: float(value) for word, value in zip(made["classes"], p, strict=True)},
        "reason": reason or "",
    }
