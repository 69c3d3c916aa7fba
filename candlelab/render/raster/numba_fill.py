"""Spans to pixels on the CPU: one pass per picture, paper first, then ink while it is still in the cache."""

from __future__ import annotations

from numba import njit


def paint(spans, canvas, images) -> None:
    """Paint the spans into images, uint8 (B, C, H, W), C-contiguous. Releases the GIL."""
    _paint(spans.top, spans.bottom, spans.ink, canvas.left, canvas.right, canvas.palette, images)


@njit(nogil=True, cache=True, boundscheck=False)
def _paint(top, bottom, ink, left, right, palette, images):
    batch, channels, height, _width = images.shape
    for b in range(batch):
        inks = ink[b if ink.shape[0] > 1 else 0]
        for c in range(channels):
            plane = images[b, c]
            plane[:] = palette[0, c]
            for s in range(left.size):
                value = palette[inks[s], c]
                for y in range(max(top[b, s], 0), min(bottom[b, s], height - 1) + 1):
                    for x in range(left[s], right[s]):
                        plane[y, x] = value
