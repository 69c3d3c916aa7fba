"""Spans to pixels in array operations, where nothing can be compiled: a hundredth of numba's speed, the same bytes."""

from __future__ import annotations

import numpy as np

from candlelab.render.spans import Canvas, Spans


def paint(spans: Spans, canvas: Canvas, images: np.ndarray) -> None:
    """Paint the spans into images, uint8 (B, C, H, W)."""
    rows = np.arange(canvas.height, dtype=np.int32)[:, None]
    images[...] = canvas.palette[0][None, :, None, None]
    ink = np.broadcast_to(spans.ink, spans.top.shape)
    for runs in canvas.run_of_column:
        here = np.maximum(runs, 0)
        inked = (rows >= spans.top[:, None, here]) & (rows <= spans.bottom[:, None, here]) & (runs >= 0)
        colour = canvas.palette[ink[:, here]].transpose(0, 2, 1)[:, :, None, :]
        np.copyto(images, colour, where=inked[:, None])
