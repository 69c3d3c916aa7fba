"""Keep secrets out of what leaves this machine: find them in any file, plain, base64 or URL-encoded."""

from __future__ import annotations

import base64
import os
import re
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

from candlelab.core.errors import UserError

NAMED = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE)
SHORTEST = 8  # letters; anything shorter would be found by chance
CHUNK = 1 << 24


def secrets() -> dict[str, str]:
    """Return {variable: value} of the environment variables whose name says that they are secret."""
    return {
        name: value.strip()
        for name, value in os.environ.items()
        if NAMED.search(name) and len(value.strip()) >= SHORTEST and not Path(value.strip()).exists()
    }


def forms(value: str) -> set[bytes]:
    """Return what a secret may look like inside a file: itself, URL-encoded, or in base64 at any of its three offsets."""
    raw = value.encode()
    found = {raw, urllib.parse.quote(value, safe="").encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            code = encode(b"\0" * offset + raw)
            found.add(code[4 if offset else 0 : -4] if len(raw) > 12 else code)
    return found


def refuse_secrets(files: Iterable[Path], known: dict[str, str]) -> None:
    """Raise ValueError, naming file and variable but never the value, if a file holds one of the known secrets."""
    looked_for = {name: forms(value) for name, value in known.items()}
    longest = max((len(form) for each in looked_for.values() for form in each), default=0)
    for path in files:
        for piece in _pieces(path, longest):
            for name, shapes in looked_for.items():
                if any(shape in piece for shape in shapes):
                    raise UserError(
                        f"'{path.name}' holds the value of {name}, a secret: take it out before publishing; nothing was sent"
                    )


def _pieces(path: Path, overlap: int):
    """Yield the bytes of a file in pieces that overlap, so that nothing hides on a border."""
    with path.open("rb") as file:
        before = b""
        while piece := file.read(CHUNK):
            yield before + piece
            before = piece[-overlap:] if overlap else b""
