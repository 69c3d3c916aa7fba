"""Build components from their configuration: dependency injection by `_target_`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from candlelab.config.check import setting_problems
from candlelab.config.locate import locate
from candlelab.config.words import several
from candlelab.core.errors import ConfigError, UserError


def build(cfg: Any, key: str, *runtime: Any) -> Any:
    """Return the component at `key`, its own components built first; for a task, what running it returns.

    runtime  what the program hands in, left of the `*` of the target's signature.
    Raises ConfigError for an unknown or forbidden target, and what a constructor refuses with the address in front.
    """
    node = OmegaConf.select(cfg if isinstance(cfg, DictConfig) else OmegaConf.create(cfg), key)
    if isinstance(node, DictConfig):
        node = OmegaConf.to_container(node, resolve=True)
    if not isinstance(node, dict) or "_target_" not in node:
        raise ConfigError(f"'{key}' is no component: it has no _target_")
    return _make(node, key, *runtime)


def _make(node: dict[str, Any], key: str, *runtime: Any) -> Any:
    found = list(setting_problems(node, key))
    if found:
        raise ConfigError(several(found))
    settings = {name: _grow(value, f"{key}.{name}") for name, value in node.items() if not name.startswith("_")}
    made = locate(node["_target_"], key.split(".")[0])
    if not inspect.isclass(made):
        return made(*runtime, **settings)  # a task: its own sentences name no argument
    try:
        return made(*runtime, **settings)
    except UserError as error:
        raise type(error)(at(key, str(error), settings)) from error


def _grow(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return (
            _make(value, key)
            if "_target_" in value
            else {name: _grow(part, f"{key}.{name}") for name, part in value.items()}
        )
    return [_grow(part, f"{key}.{k}") for k, part in enumerate(value)] if isinstance(value, list) else value


def at(key: str, message: str, settings: Iterable[str]) -> str:
    """Return a component's sentence with its address in front: "fold is 7" of data.split becomes "data.split.fold is 7"."""
    if message.startswith(key):
        return message
    word = re.match(r"\w+", message)
    return f"{key}.{message}" if word and word[0] in settings else f"{key}: {message}"
