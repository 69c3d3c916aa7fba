"""The process as the shell sees it: signals that ask it to stop, narrow encodings, a reader that went away."""

from __future__ import annotations

import os
import signal
import sys
import threading
import unicodedata
from types import FrameType

from candlelab.core.errors import Stopped, UserError

ASKED = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))  # Windows has no SIGHUP
HIDDEN = ("Cc", "Cf", "Cs")  # control characters, marks of direction, halves of letters
EXIT_CLOSED_PIPE = 141  # 128 + SIGPIPE, as other programs end whose reader went away


def stop_when_asked() -> None:
    """Raise Stopped where a signal asks this process to end; one that nohup or a scheduler ignores stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ASKED:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise_stopped)


def _raise_stopped(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


def print_anything() -> None:
    """Let a console that knows few letters show a question mark for the others, and one that was closed show nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a test or a notebook may have put something simpler there
            stream.reconfigure(errors="replace")


def refuse_lost_folder() -> None:
    """Raise UserError if the folder that this process works in was removed."""
    try:
        os.getcwd()
    except OSError:
        raise UserError("the folder that this command runs in is gone: change to one that is there (cd)") from None


def visible(text: str) -> str:
    """Return a text with what a terminal would obey, or use to turn letters round, written out; its lines stay lines."""
    return "".join(
        letter if letter == "\n" or unicodedata.category(letter) not in HIDDEN else _escaped(letter) for letter in text
    )


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def leave_closed_pipe() -> None:
    """End without a word where nobody reads any more, as in `candlelab … | head`."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # the interpreter flushes once more on its way out
    sys.exit(EXIT_CLOSED_PIPE)
