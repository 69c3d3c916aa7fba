"""Settings of glibc's memory allocator for training on a CPU."""

from __future__ import annotations

import ctypes
import os

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # parameters of mallopt(3)
NEVER = -1
PAD = 1 << 26  # bytes asked for at once
ROOMY = 32 << 30  # bytes of a machine that can spare what is kept


def has_room_to_keep() -> bool:
    """Return whether this machine has memory to spare for what a training process never gives back.

    With charts of 500x400 pixels a step's time in the system falls to a sixth, but the process grows from 7.4 to 13.3 GB: pieces of
    other sizes leave holes that nothing fits into.
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >= ROOMY
    except (AttributeError, OSError, ValueError):
        return False


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
