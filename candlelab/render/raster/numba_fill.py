"""Spans to pixels on the CPU, line by line: each byte of a picture is written once, in order.

A line of pixels differs from the one above only where a run begins or ends. So the runs are chained up by the rows where
something changes, one line per channel is kept up to date, and copied into the picture row after row.
"""

from __future__ import annotations

import numpy as np
from numba import njit


def paint(spans, canvas, images) -> None:
    """Paint the spans into images, uint8 (B, C, H, W), C-contiguous. Releases the GIL."""
    top, bottom, ink = (np.ascontiguousarray(part) for part in spans)
    runs = (top, bottom, ink, canvas.left, canvas.right, canvas.palette)
    if len(canvas.layers) == 1:
        _paint_one_layer(*runs, images)
    else:
        _paint_layers(*runs, canvas.bit_of_run, canvas.run_below, canvas.highest, images)


@njit(nogil=True, cache=True)
def _paint_one_layer(top, bottom, ink, left, right, palette, images):
    """Nothing is ever covered: a run that ends leaves bare paper."""
    batch, channels, height, width = images.shape
    head, following = np.empty(height + 1, np.int32), np.empty(2 * left.size, np.int32)
    line = np.empty((channels, width), np.uint8)
    for b in range(batch):
        inks = ink[b if ink.shape[0] > 1 else 0]
        _chain(top[b], bottom[b], head, following, height)
        _clear(line, palette)
        for y in range(height):
            change = head[y]
            while change >= 0:
                run = change >> 1
                colour = inks[run] * (1 - (change & 1))
                for x in range(left[run], right[run]):
                    for c in range(channels):
                        line[c, x] = palette[colour, c]
                change = following[change]
            for c in range(channels):
                _copy(line[c], images[b, c, y])


@njit(nogil=True, cache=True)
def _paint_layers(top, bottom, ink, left, right, palette, bit, run_below, highest, images):
    """Where layers lie over each other, the highest one that has ink in this row shows."""
    batch, channels, height, width = images.shape
    head, following = np.empty(height + 1, np.int32), np.empty(2 * left.size, np.int32)
    active = np.empty(width, np.uint8)  # one bit per layer that has ink in this column now
    line = np.empty((channels, width), np.uint8)
    for b in range(batch):
        inks = ink[b if ink.shape[0] > 1 else 0]
        _chain(top[b], bottom[b], head, following, height)
        _clear(line, palette)
        active[:] = 0
        for y in range(height):
            change = head[y]
            while change >= 0:
                run = change >> 1
                for x in range(left[run], right[run]):
                    active[x] ^= bit[run]
                    layer = highest[active[x]]
                    colour = inks[run_below[layer, x]] * (layer > 0)
                    for c in range(channels):
                        line[c, x] = palette[colour, c]
                change = following[change]
            for c in range(channels):
                _copy(line[c], images[b, c, y])


@njit(nogil=True, cache=True)
def _chain(top, bottom, head, following, height):
    """Chain up, for each row, the runs that begin there (2 · run) and those that ended above (2 · run + 1)."""
    head[:] = -1
    for run in range(top.size):
        first, after = max(top[run], 0), min(bottom[run], height - 1) + 1
        if first < after:
            following[2 * run] = head[first]
            head[first] = 2 * run
            following[2 * run + 1] = head[after]
            head[after] = 2 * run + 1


@njit(nogil=True, cache=True)
def _clear(line, palette):
    for c in range(line.shape[0]):
        line[c, :] = palette[0, c]


@njit(nogil=True, cache=True, inline="always")
def _copy(line, row):
    for x in range(line.size):  # a slice assignment takes twenty times as long
        row[x] = line[x]
