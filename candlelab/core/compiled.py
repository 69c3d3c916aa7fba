"""Just-in-time compilation of loops over arrays by numba; where it is not installed they run as plain Python, with the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

try:
    from numba import njit

    COMPILES = True
except ModuleNotFoundError:
    COMPILES = False

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Return the loop as machine code that is kept on disk; the loop itself where numba is not installed."""
    return cast(Loop, njit(cache=True)(loop)) if COMPILES else loop
