"""Charts as PNG pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


def picture(chart: np.ndarray) -> Image:
    """Return a chart (C, H, W) uint8 of one or three channels as a picture."""
    from PIL import Image

    return Image.fromarray(chart[0] if len(chart) == 1 else np.ascontiguousarray(chart.transpose(1, 2, 0)))


def png(chart: np.ndarray) -> bytes:
    """Return a chart (C, H, W) uint8 as the bytes of a PNG file."""
    out = io.BytesIO()
    picture(chart).save(out, "png")
    return out.getvalue()
