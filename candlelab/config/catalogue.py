"""Catalogue of the configuration: groups, options and what each is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

PACKAGE = Path(__file__).resolve().parents[1]
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"


def groups(conf: Path = CONF) -> dict[str, dict[str, str]]:
    """Return {group: {option: first comment line}} of every yaml below conf; names with a leading _ are parts."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(conf.rglob("*.yaml")):
        group = path.parent.relative_to(conf).as_posix()
        if group != "." and not path.name.startswith("_"):
            found.setdefault(group, {})[path.stem] = purpose(path)
    return found


def purpose(path: Path) -> str:
    """Return the first comment line of a yaml: what it is and when to choose it."""
    with path.open(encoding="utf-8") as lines:
        comments = (line[1:].strip() for line in lines if line.startswith("#"))
        return next((text for text in comments if not text.startswith("@package")), "")


def catalogue() -> str:
    """Return every group and option with its purpose, as `--help` prints it."""
    found = groups()
    width = 2 + max(len(name) for options in found.values() for name in options)
    lines = []
    for group, options in found.items():
        lines.append(f"\n{group}=")
        lines += [f"    {name:<{width}}{text}" for name, text in options.items()]
    return "\n".join(lines)


def with_parts(path: Path) -> dict[str, Any]:
    """Return a yaml's own settings over those of the parts and options beside it that it is composed from, unresolved."""
    from omegaconf import OmegaConf

    own = cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.load(path), resolve=False) or {})
    parts = [name for name in own.pop("defaults", []) if isinstance(name, str) and name != "_self_"]
    made: dict[str, Any] = {}
    for name in parts:
        made |= with_parts(path.parent / f"{name}.yaml")
    return made | own


def leaves(tree: Mapping[Any, Any], prefix: str = "") -> Iterator[str]:
    """Yield every dotted key of a tree, inner nodes included."""
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
