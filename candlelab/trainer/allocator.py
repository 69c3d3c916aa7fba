"""Settings of glibc's memory allocator for training on a CPU."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # parameters of mallopt(3)
NEVER = -1
PAD = 1 << 26  # bytes asked for at once


def keep_freed_memory() -> bool:
    """Let freed memory stay with this process for the next step; False where the system has no glibc.

    A training step frees and asks for the same hundreds of megabytes again. Given back in between, every page is cleared anew:
    half of a step's time with charts of 500x400 pixels.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all([mallopt(MMAP_MAX, 0), mallopt(TRIM_THRESHOLD, NEVER), mallopt(TOP_PAD, PAD)])
