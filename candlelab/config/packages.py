"""Declared packages: where the code of a `_target_` may come from.

candlelab itself; installed packages that declare the entry point `candlelab.extensions`; and the modules that the person at
the keyboard names in CANDLELAB_EXTENSIONS. A config alone can never add one.
"""

from __future__ import annotations

import keyword
import os
from functools import lru_cache
from pathlib import Path

OURS = "candlelab"
HOME = Path(__file__).resolve().parents[1]
GROUP = "candlelab.extensions"
VARIABLE = "CANDLELAB_EXTENSIONS"


def is_dotted_name(text: str) -> bool:
    """Return whether every part of a dotted name is a public identifier: no path, no operator, nothing private."""
    parts = text.split(".")
    return len(parts) > 1 and all(
        part.isidentifier() and part.isascii() and not keyword.iskeyword(part) and part[0] != "_" for part in parts
    )


def extensions() -> tuple[str, ...]:
    """Return the names of the declared extension packages, sorted."""
    return _extensions(os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=8)
def _extensions(named: str) -> tuple[str, ...]:
    from importlib.metadata import entry_points

    installed = {point.value.split(":")[0].split(".")[0] for point in entry_points(group=GROUP)}
    chosen = {name.strip() for name in named.replace(";", ",").split(",") if name.strip().isidentifier()}
    return tuple(sorted((installed | chosen) - {OURS}))


@lru_cache(maxsize=64)
def place_of(package: str) -> Path | None:
    """Return the folder of a declared package, or the file of a module; None if it is not declared or not installed."""
    if package == OURS:
        return HOME
    if package not in extensions():
        return None
    from importlib.util import find_spec

    spec = find_spec(package)  # a top-level name: nothing is imported
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def source_file(module: str) -> Path | None:
    """Return the source file of a module of a declared package, without importing it; None if there is none."""
    package, *parts = module.split(".")
    place = place_of(package)
    if place is None:
        return None
    if place.is_file():
        return None if parts else place
    inner = place.joinpath(*parts)
    return next((path for path in (inner.with_suffix(".py"), inner / "__init__.py") if path.is_file()), None)
