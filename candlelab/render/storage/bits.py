"""Bit packing of pictures of two colours: eight pixels to a byte, the leftmost in the highest bit, as `numpy.packbits`."""

from __future__ import annotations

import sys

import numpy as np

from candlelab.core.compiled import at_hand, compiled

LOWEST = np.uint64(0x0101010101010101)  # of each of eight bytes
GATHER = np.uint64(0x8040201008040201)  # times their lowest bits has these in its highest byte, the first byte's on top


def packed(images: np.ndarray, levels: tuple[int, int]) -> np.ndarray:
    """Return one bit per pixel, 1 where it is not paper; (b, H, ceil(W / 8)) uint8.

    images  (b, H, W) uint8 of the two levels (paper, ink) and no others.
    """
    wide = images.shape[2] % 8 == 0 and images.flags.c_contiguous and sys.byteorder == "little"
    if not (wide and at_hand(images.size)):
        return np.packbits(images != levels[0], axis=-1)
    paper, ink = levels
    differs = (paper ^ ink) & -(paper ^ ink)  # a bit in which the two are not the same
    out = np.empty((*images.shape[:2], images.shape[2] // 8), np.uint8)
    _pack(images.reshape(-1).view(np.uint64), np.uint64(differs.bit_length() - 1), np.uint64(paper), out.reshape(-1))
    return out


@compiled
def _pack(eights, bit, paper, out):
    blank = (paper >> bit & np.uint64(1)) * LOWEST
    for k in range(out.size):
        here = (eights[k] >> bit & LOWEST) ^ blank
        out[k] = np.uint8(here * GATHER >> np.uint64(56))
