"""Find the class or function that a `_target_` names, in declared packages only."""

from __future__ import annotations

import importlib
from typing import Any

from candlelab.config.packages import OURS, VARIABLE, extensions, is_dotted_name
from candlelab.config.schema import Schema, names_of, schema_of
from candlelab.config.words import hint
from candlelab.core.errors import ConfigError

PLUGIN = "hydra_plugins.candlelab_launch."  # Hydra takes launchers and sweepers from its own namespace; the work is done in LAUNCH
LAUNCH = "candlelab.launch."


def locate(target: str, room: str | None = None) -> Any:
    """Return the class or function a `_target_` names.

    room  the first key above the target: a component of ours must lie in the room that its key names.
    Raises ConfigError unless it is defined in candlelab or a declared extension: a config may come with somebody else's model.
    """
    target_schema(target, room)
    module, _, name = _own(target).rpartition(".")
    return getattr(importlib.import_module(module), name)


def target_schema(target: str, room: str | None = None) -> Schema:
    """Return what a `_target_` takes, read from its source without importing it; ConfigError if it may not be built."""
    if not isinstance(target, str) or not is_dotted_name(target):
        raise ConfigError(f"{target!r} names no class or function: write package.module.Name")
    room = "launch" if room == "hydra" else room
    target = _own(target)
    package, *inner = target.split(".")
    if package != OURS and package not in extensions():
        raise ConfigError(
            f"'{target}' is not a component of candlelab or of an installed extension: install the package '{package}' if "
            f"you trust it and it declares itself as one, or name it in {VARIABLE}"
        )
    if package == OURS and room is not None and inner[0] != room:
        raise ConfigError(f"'{target}' does not belong here: choose a component of candlelab.{room}")
    module, _, name = target.rpartition(".")
    names = names_of(module)
    if names is None:
        raise ConfigError(f"there is no module '{module}'")
    if name not in names:
        raise ConfigError(f"'{module}' defines no '{name}'{hint(name, names)}")
    return schema_of(module, name)


def _own(target: str) -> str:
    """Return the component of ours that a plugin of Hydra stands for; any other target as it is."""
    return LAUNCH + target.removeprefix(PLUGIN) if isinstance(target, str) and target.startswith(PLUGIN) else target
