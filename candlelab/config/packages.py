"""Declared packages: where the code of a `_target_` may come from.

candlelab itself; installed packages that declare the entry point `candlelab.extensions`; and the modules that the person at
the keyboard names in CANDLELAB_EXTENSIONS. A config alone can never add one.
"""

from __future__ import annotations

import hashlib
import keyword
import os
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

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
    named = os.environ.get(VARIABLE, "").replace(";", ",").split(",")
    chosen = {name.strip() for name in named if name.strip().isidentifier()}
    return tuple(sorted((set(_installed(tuple(sys.path))) | chosen) - {OURS}))


def place_of(package: str) -> Path | None:
    """Return the folder of a declared package, or the file of a module; None if it is not declared or not installed."""
    if package == OURS:
        return HOME
    return _place(package, tuple(sys.path)) if package in extensions() else None


@lru_cache(maxsize=64)
def _place(package: str, path: tuple[str, ...]) -> Path | None:
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


def identity(package: str) -> dict[str, str | None]:
    """Return the version of a declared package and a hash of its source: what decides what its components do.

    version  of the distribution that declares it, None for a module that CANDLELAB_EXTENSIONS names.
    source   16 hex digits over every Python file, None where the package is absent.
    """
    place = place_of(package)
    return {
        "version": _installed(tuple(sys.path)).get(package),
        "source": None if place is None else _source_hash(place),
    }


def used_extensions(tree: Any) -> dict[str, dict[str, str | None]]:
    """Return the identity of every extension that a resolved config takes components from, by name."""
    names = {target.split(".")[0] for target in targets(tree)} - {OURS}
    return {name: identity(name) for name in sorted(names)}


def changed_extensions(told: Any, now: Mapping[str, Mapping[str, str | None]]) -> str | None:
    """Return in words which extensions are others than those a run was trained with; None where none is or nothing was told."""
    known = told if isinstance(told, Mapping) else {}
    other = [name for name in now if isinstance(known.get(name), Mapping) and dict(known[name]) != dict(now[name])]
    pairs = [f"{name} {known[name].get('version')} (source {known[name].get('source')})" for name in other]
    here = [f"{name} {now[name]['version']} (source {now[name]['source']})" for name in other]
    return f"it was trained with {', '.join(pairs)}; installed is {', '.join(here)}" if other else None


def targets(node: Any) -> Iterator[str]:
    """Yield every `_target_` of a tree of dicts and lists."""
    parts: list[Any] = []
    if isinstance(node, Mapping):
        if isinstance(node.get("_target_"), str):
            yield node["_target_"]
        parts = list(node.values())
    elif isinstance(node, (list, tuple)):
        parts = list(node)
    for part in parts:
        yield from targets(part)


@lru_cache(maxsize=8)
def _installed(path: tuple[str, ...]) -> dict[str, str | None]:
    """Return the version of every package on the search path that declares the entry point; a path that grew is read again."""
    from importlib.metadata import entry_points

    points = entry_points(group=GROUP)
    return {point.value.split(":")[0].split(".")[0]: point.dist.version if point.dist else None for point in points}


def _source_hash(place: Path) -> str:
    digest = hashlib.sha256()
    for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
        digest.update(f"{path.relative_to(place.parent).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
