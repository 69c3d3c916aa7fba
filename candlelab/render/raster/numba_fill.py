"""Spans to pixels on the CPU, line by line: each byte of a picture is written once, in order.

With one layer, every column holds one run, and a pixel has ink where (row - top) <= (length - 1) in unsigned bytes: no
branch, 64 pixels at a time. With several layers a line of pixels differs from the one above only where a run begins or ends:
the runs are chained up by the rows where something changes, one line per channel is kept up to date and copied into each row.
"""

from __future__ import annotations

import numpy as np

from candlelab.core.compiled import compiled, inlined
from candlelab.render.spans import Canvas, Spans

BAND = 256  # rows that a byte can number
NONE = np.uint32(0xFFFFFFFF)  # the end of a chain


def paint(spans: Spans, canvas: Canvas, images: np.ndarray) -> None:
    """Paint the spans into images, uint8 (B, C, H, W), C-contiguous. Releases the GIL."""
    top, bottom, ink = (np.ascontiguousarray(part) for part in spans)
    runs = (top, bottom, ink, canvas.left, canvas.right, canvas.palette)
    if len(canvas.layers) == 1:
        _paint_one_layer(*runs, images)
    else:
        _paint_layers(*runs, canvas.bit_of_run, canvas.run_below, canvas.highest, images)


@compiled
def _paint_one_layer(top, bottom, ink, left, right, palette, images):
    """Nothing is ever covered: in bands of 256 rows each column's run is a first row, a reach and a colour."""
    batch, channels, height, width = images.shape
    first, reach = np.empty(width, np.uint8), np.empty(width, np.uint8)
    colour = np.empty((channels, width), np.uint8)
    for b in range(batch):
        inks = ink[b if ink.shape[0] > 1 else 0]
        for start in range(0, height, BAND):
            end = min(start + BAND, height)
            first[:], reach[:] = 0, 0
            _clear(colour, palette)  # a column without ink in this band paints paper on paper
            for run in range(left.size):
                above, below = max(top[b, run], start), min(bottom[b, run], end - 1)
                if above <= below:
                    for x in range(left[run], right[run]):
                        first[x], reach[x] = above - start, below - above
                        for c in range(channels):
                            colour[c, x] = palette[inks[run], c]
            for c in range(channels):
                for y in range(start, end):
                    _line(np.uint8(y - start), first, reach, colour[c], palette[0, c], images[b, c, y])


@inlined
def _line(y, first, reach, colour, paper, row):
    for x in range(row.size):
        row[x] = colour[x] if np.uint8(y - first[x]) <= reach[x] else paper


@compiled
def _paint_layers(top, bottom, ink, left, right, palette, bit, run_below, highest, images):
    """Where layers lie over each other, the highest one that has ink in this row shows. Unsigned numbers index without a sign test."""
    batch, channels, height, width = images.shape
    head, following = np.empty(height + 1, np.uint32), np.empty(2 * left.size, np.uint32)
    active = np.empty(width, np.uint8)  # one bit per layer that has ink in this column now
    shade = np.zeros(run_below.shape, np.uint8)  # the ink of each layer in each column; 0 is the paper below them
    line = np.empty((channels, width), np.uint8)
    for b in range(batch):
        inks = ink[b if ink.shape[0] > 1 else 0]
        for layer in range(1, run_below.shape[0]):
            for x in range(width):
                shade[layer, x] = inks[run_below[layer, x]]
        _chain(top[b], bottom[b], head, following, height)
        _clear(line, palette)
        active[:] = 0
        for y in range(height):
            change = head[y]
            while change != NONE:
                run = np.uintp(change >> np.uint32(1))
                for x in range(np.uintp(left[run]), np.uintp(right[run])):
                    active[x] ^= bit[run]
                    colour = np.uintp(shade[np.uintp(highest[active[x]]), x])
                    for c in range(channels):
                        line[c, x] = palette[colour, c]
                change = following[np.uintp(change)]
            for c in range(channels):
                _copy(line[c], images[b, c, y])


@compiled
def _chain(top, bottom, head, following, height):
    """Chain up, for each row, the runs that begin there (2 · run) and those that ended above (2 · run + 1)."""
    head[:] = NONE
    for run in range(top.size):
        first, after = np.uintp(max(top[run], 0)), np.uintp(max(min(bottom[run], height - 1) + 1, 0))
        if first < after:
            begins, ends = np.uint32(2 * run), np.uint32(2 * run + 1)
            following[begins], head[first] = head[first], begins
            following[ends], head[after] = head[after], ends


@compiled
def _clear(line, palette):
    for c in range(line.shape[0]):
        line[c, :] = palette[0, c]


@inlined
def _copy(line, row):
    for x in range(line.size):  # a slice assignment takes twenty times as long
        row[x] = line[x]
