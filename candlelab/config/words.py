"""Did-you-mean suggestions, and many problems as one message."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


def hint(word: str, known: Iterable[Any]) -> str:
    """Return " (did you mean 'x'?)" or the known names, ready to append to a sentence."""
    names = sorted({str(name) for name in known})
    meant = word.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".yaml").lower()  # a file, or in capitals
    close = [meant] if meant in names else difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:
        tails = {name: name.rsplit(".", 1)[-1] for name in names}
        near = difflib.get_close_matches(word.rsplit(".", 1)[-1], tails.values(), n=1, cutoff=0.75)
        close = [name for name, tail in tails.items() if tail in near][:1]
    if close:
        return f" (did you mean '{close[0]}'?)"
    return f" (known: {', '.join(names)})" if 0 < len(names) <= 40 else ""


def several(found: list[str]) -> str:
    """Return one message for all problems of a config."""
    if len(found) == 1:
        return found[0]
    return f"{len(found)} problems:\n" + "\n".join(f"  - {line}" for line in found)
