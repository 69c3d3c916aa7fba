"""Configuration validation: types, unknown and missing settings, and what a component itself objects to."""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from candlelab.config.locate import locate, target_schema
from candlelab.config.override_words import words_of
from candlelab.config.root import A_SEED, is_seed, root_problems
from candlelab.config.words import hint, several
from candlelab.core.errors import ConfigError


def check_config(cfg: DictConfig) -> None:
    """Raise ConfigError, listing every problem, if a composed config does not fit the code."""
    found = list(problems(plain(cfg)))
    if found:
        raise ConfigError(several(found))


def problems(node: Any, path: str = "") -> Iterator[str]:
    """Yield one line for each place where a resolved config does not fit the code it names."""
    if not isinstance(node, dict):
        return
    if not path:
        yield from root_problems(node)
    if "_target_" in node:
        found = list(setting_problems(node, path))
        yield from found or _objections(node, path)
    for key, value in node.items():
        for part in value if isinstance(value, list) else [value]:
            yield from problems(part, f"{path}.{key}".lstrip("."))


def setting_problems(node: dict[str, Any], path: str) -> Iterator[str]:
    """Yield one line for each setting of a component that does not fit its schema; nothing of the component is imported."""
    try:
        settings = target_schema(node["_target_"], path.split(".")[0] or None).settings
    except ConfigError as error:
        yield f"{path}._target_: {error}"
        return
    given = {key: value for key, value in node.items() if not key.startswith("_")}
    for key, value in given.items():
        if key not in settings:
            yield f"{path}.{key}: unknown setting{hint(key, settings)}"
        elif value == "???":
            yield f"{path}.{key}: missing; give {path}.{key}=… ({spell(settings[key])})"
        elif not fits(value, settings[key]):
            yield f"{path}.{key}: expected {spell(settings[key])}, got {value!r}{_as_meant(value, settings[key], path, key)}"
        elif key == "seed" and not is_seed(value):
            yield f"{path}.{key}: expected {A_SEED}, got {value!r}"
    yield from (f"{path}.{key}: missing setting" for key in settings if key not in given)


def _as_meant(value: Any, kind: Any, path: str, key: str) -> str:
    """Return how to write a value that only needs brackets or quotes; nothing for any other."""
    if isinstance(value, str) and fits([value], kind):
        return f": write {path}.{key}=[{value}]"
    if isinstance(value, int) and not isinstance(value, bool) and fits(str(value), kind):
        return f": quote it as {path}.{key}=\"'{value}'\""
    return ""


def _objections(node: dict[str, Any], path: str) -> Iterator[str]:
    """Yield what only the component itself can know, such as which backbones exist; nothing where its packages are absent."""
    if not target_schema(node["_target_"]).objects:
        return
    try:
        objection = locate(node["_target_"]).objection(
            **{key: value for key, value in node.items() if not key.startswith("_")}
        )
    except ModuleNotFoundError:
        return  # exported models are used without torch
    if objection:
        yield f"{path}: {objection}"


def fits(value: Any, kind: Any) -> bool:
    """Return whether a yaml value fits a type annotation; unknown kinds of annotation fit everything."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return value in args
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, arg) for arg in args)
    if origin in (list, tuple) or kind in (list, tuple):
        return isinstance(value, list) and all(fits(v, args[0]) for v in value if args)
    if isinstance(value, dict) and "_target_" in value:
        return kind not in (str, bool, int, float)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in (str, bool, type(None)):
        return isinstance(value, kind)
    if dict in (kind, origin):
        return isinstance(value, dict)
    return not isinstance(value, str) if inspect.isclass(kind) and kind is not Path else True


def spell(kind: Any) -> str:
    """Return a type annotation in words a yaml author knows."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, args))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(spell(arg) for arg in args)
    if origin is list:
        return f"a list of {spell(args[0])}" if args else "a list"
    words = {str: "text", int: "a whole number", float: "a finite number", bool: "true or false", type(None): "null"}
    return words.get(kind, getattr(kind, "__name__", str(kind)))


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Return the config as resolved dicts and lists, without Hydra's own node."""
    keep = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    try:
        return typing.cast("dict[str, Any]", OmegaConf.to_container(keep, resolve=True))
    except OmegaConfBaseException as error:
        raise ConfigError(words_of(error)) from None
