"""Just-in-time compilation of loops over arrays by numba; where it is not installed they run as plain Python, with the same numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper
from importlib.util import find_spec
from threading import RLock
from typing import Any, ClassVar, TypeVar, cast

try:
    COMPILES = find_spec("numba") is not None
except ModuleNotFoundError:  # what hides a package may refuse to look for it
    COMPILES = False

LONG = 20_000  # rows
WORTH_LOADING = 10_000  # numbers

Loop = TypeVar("Loop", bound=Callable[..., Any])
_making = RLock()


def compiled(loop: Loop) -> Loop:
    """Return the loop as machine code that is kept on disk; the loop itself where numba is not installed.

    numba is imported by the first call: whoever reads a file that holds loops may never run one.
    """
    return cast(Loop, _Deferred(loop)) if COMPILES else loop


def compiled_if_long(loop: Loop) -> Loop:
    """Return the loop as machine code, but as plain Python over arrays of few rows in a process that has no machine code of it yet.

    For loops whose numbers are the same both ways to the last bit: scalar functions of `math`, and no others.
    """
    return cast(Loop, _DeferredIfLong(loop)) if COMPILES else loop


def inlined(loop: Loop) -> Loop:
    """Return a piece that is copied into the compiled loops that call it: handing arrays over takes longer than a short piece."""
    return cast(Loop, _Inlined(loop)) if COMPILES else loop


def at_hand(work: int) -> bool:
    """Return whether machine code is worth using for this many numbers: where numba is not loaded yet, from 10,000 on."""
    return COMPILES and (work >= WORTH_LOADING or "numba" in sys.modules)


class _Deferred:
    """A loop that is compiled when it is first called, with the loops that it calls."""

    options: ClassVar[dict[str, Any]] = {"cache": True, "nogil": True}

    def __init__(self, loop: Callable[..., Any]) -> None:
        self.loop = loop
        self.made: Callable[..., Any] | None = None
        self.ready: Callable[..., Any] | None = (
            None  # `made`, once all that it calls is made: other threads wait until then
        )
        update_wrapper(self, loop)

    def __call__(self, *given: Any) -> Any:
        return (self.ready or self.make())(*given)

    def make(self) -> Callable[..., Any]:
        """Return numba's function, put in the place of every deferred loop that the loop's own file names."""
        from numba import njit

        with _making:
            if self.made is None:
                self.made = cast(Callable[..., Any], njit(**self.options)(self.loop))
                names = self.loop.__globals__
                for name, value in list(names.items()):
                    if isinstance(value, _Deferred):
                        names[name] = value.make()
                self.ready = self.made
            return self.made


class _Inlined(_Deferred):
    """A piece that is never called alone."""

    options: ClassVar[dict[str, Any]] = {"nogil": True, "inline": "always"}


class _DeferredIfLong(_Deferred):
    """A loop of which the first short calls are not worth the quarter of a second that loading numba takes."""

    def __call__(self, *given: Any) -> Any:
        return self.loop(*given) if self.made is None and len(given[0]) < LONG else super().__call__(*given)
