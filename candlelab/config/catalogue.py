"""Catalogue of the configuration: groups, options and what each is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from candlelab.config.packages import OURS
from candlelab.config.search_path import CONF as CONF
from candlelab.config.search_path import refuse_unfit, roots, stamp, yaml_files

Options = dict[str, dict[str, str]]


def groups() -> Options:
    """Return {group: {option: first comment line}} of every yaml of candlelab and its extensions; a leading _ marks parts.

    Raises ConfigError if two of them bring the same option.
    """
    return _all_groups(stamp())


@lru_cache(maxsize=4)
def _all_groups(key: tuple[tuple[str, str, int], ...]) -> Options:
    refuse_unfit()
    found: Options = {}
    for root in roots().values():
        for group, options in groups_of(root).items():
            found[group] = found.get(group, {}) | options
    return found


def groups_of(root: Path) -> Options:
    """Return the groups and options of one root."""
    found: Options = {}
    for path in yaml_files(root):
        group = path.parent.relative_to(root).as_posix()
        if group != "." and not path.name.startswith("_"):
            found.setdefault(group, {})[path.stem] = purpose(path)
    return found


def purpose(path: Path) -> str:
    """Return the first comment line of a yaml: what it is and when to choose it."""
    with path.open(encoding="utf-8") as lines:
        comments = (line[1:].strip() for line in lines if line.startswith("#"))
        return next((text for text in comments if not text.startswith("@package")), "")


def catalogue() -> str:
    """Return every group and option with its purpose, as `--help` prints it; those of extensions under their names."""
    width = 2 + max(len(name) for options in groups().values() for name in options)
    lines = []
    for owner, root in roots().items():
        if owner != OURS:
            lines.append(f"\nfrom {owner}:")
        for group, options in groups_of(root).items():
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
        made = _over(made, with_parts(_beside(path, name)))
    return _over(made, own)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return two trees as Hydra merges them: setting by setting where both have a branch."""
    merged = dict(below)
    for key, value in above.items():
        mine = merged.get(key)
        merged[key] = _over(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return merged


def _beside(path: Path, name: str) -> Path:
    """Return the yaml of that name in the group of `path`: in its own root, or in an earlier one."""
    mine = path.parent / f"{name}.yaml"
    root = next((root for root in roots().values() if path.is_relative_to(root)), None)
    if mine.is_file() or root is None:
        return mine
    places = (other / path.parent.relative_to(root) / f"{name}.yaml" for other in roots().values())
    return next((place for place in places if place.is_file()), mine)


def leaves(tree: Mapping[Any, Any], prefix: str = "") -> Iterator[str]:
    """Yield every dotted key of a tree, inner nodes included."""
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
