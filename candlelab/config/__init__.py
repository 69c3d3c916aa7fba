"""Where yaml meets code: compose, check, build, name and describe a config.

A component is a yaml node with a `_target_` inside candlelab; the target's keyword-only parameters are its schema.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import json
import re
import types
import typing
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from candlelab.config.schema import Schema, names_of, schema_of
from candlelab.core.errors import ConfigError, UserError

PACKAGE = Path(__file__).resolve().parents[1]
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"
ALLOWED = "candlelab."
# What cannot change the fit, and so must not change the name of a run.
NOT_IN_SIGNATURE = ("study", "resume", "outputs", "name", "bench", "task", "evaluate", "pretrained", "trainer.accelerator", "trainer.devices",
                    "trainer.logger", "trainer.progress", "render.fill", "render.storage")


# ${first:a,b} in a yaml: the first that is not null; oc.select knows only missing keys.
OmegaConf.register_new_resolver("first", lambda *values: next((value for value in values if value is not None), None), replace=True)


def hint(word: str, known) -> str:
    """Return " (did you mean 'x'?)" or the known names, ready to append to a sentence."""
    names = sorted({str(name) for name in known})
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:
        tails = {name: name.rsplit(".", 1)[-1] for name in names}
        near = difflib.get_close_matches(word.rsplit(".", 1)[-1], tails.values(), n=1, cutoff=0.75)
        close = [name for name, tail in tails.items() if tail in near][:1]
    if close:
        return f" (did you mean '{close[0]}'?)"
    return f" (known: {', '.join(names)})" if 0 < len(names) <= 40 else ""


def locate(target: str):
    """Return the class or function a `_target_` names.

    Raises ConfigError unless it lies inside candlelab: a config may come with somebody else's model.
    """
    _schema(target)
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _schema(target: str) -> Schema:
    """Return what a `_target_` takes; ConfigError if it is not defined inside candlelab."""
    if not str(target).startswith(ALLOWED) or str(target).rsplit(".", 1)[-1][:1] == "_":
        raise ConfigError(f"'{target}' is not a component of candlelab: only names that start with '{ALLOWED}' are built")
    module, _, name = target.rpartition(".")
    names = names_of(module)
    if names is None:
        raise ConfigError(f"there is no module '{module}'")
    if name not in names:
        raise ConfigError(f"'{module}' defines no '{name}'{hint(name, names)}")
    return schema_of(module, name)


def fits(value, kind) -> bool:
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
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in (str, bool, dict, type(None)):
        return isinstance(value, kind)
    return not isinstance(value, str) if inspect.isclass(kind) and kind is not Path else True


def spell(kind) -> str:
    """Return a type annotation in words a yaml author knows."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, args))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(spell(arg) for arg in args)
    if origin is list:
        return f"a list of {spell(args[0])}" if args else "a list"
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}
    return words.get(kind, getattr(kind, "__name__", str(kind)))


def problems(node, path: str = ""):
    """Yield one line for each place where a resolved config does not fit the code it names."""
    if not isinstance(node, dict):
        return
    if "_target_" in node:
        yield from _component_problems(node, path)
    for key, value in node.items():
        if isinstance(value, dict):
            yield from problems(value, f"{path}.{key}".lstrip("."))


def _component_problems(node: dict, path: str):
    try:
        settings, objects = _schema(node["_target_"])
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
            yield f"{path}.{key}: expected {spell(settings[key])}, got {value!r}"
    yield from (f"{path}.{key}: missing setting" for key in settings if key not in given)
    if objects and set(given) == set(settings):
        yield from _objections(node["_target_"], given, path)


def _objections(target: str, given: dict, path: str):
    """Yield what only the component itself can know, such as which backbones exist; nothing where its packages are absent."""
    try:
        objection = locate(target).objection(**given)
    except ModuleNotFoundError:
        return  # exported models are used without torch
    if objection:
        yield f"{path}: {objection}"


def check(cfg: DictConfig) -> None:
    """Raise ConfigError, listing every problem, if a composed config does not fit the code."""
    found = list(problems(plain(cfg)))
    if found:
        raise ConfigError(several(found))


def several(found: list[str]) -> str:
    """Return one message for all problems of a config."""
    if len(found) == 1:
        return found[0]
    return f"{len(found)} problems:\n" + "\n".join(f"  - {line}" for line in found)


def plain(cfg: DictConfig) -> dict:
    """Return the config as resolved dicts and lists, without Hydra's own node."""
    keep = OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])
    try:
        return OmegaConf.to_container(keep, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(" ".join(str(error).split())) from None


def build(cfg, key: str, *runtime):
    """Return the component at `key`, its own components built first; for a task, what running it returns.

    runtime  what the program hands in, left of the `*` of the target's signature.
    Raises ConfigError for an unknown or forbidden target, and what a constructor refuses with the address in front.
    """
    node = OmegaConf.select(cfg, key) if isinstance(cfg, DictConfig) else cfg[key]
    if isinstance(node, DictConfig):
        node = OmegaConf.to_container(node, resolve=True)
    if not isinstance(node, dict) or "_target_" not in node:
        raise ConfigError(f"'{key}' is no component: it has no _target_")
    return _make(node, key, *runtime)


def _make(node: dict, path: str, *runtime):
    settings = {k: _grow(v, f"{path}.{k}") for k, v in node.items() if not k.startswith("_")}
    made = locate(node["_target_"])
    if not inspect.isclass(made):
        return made(*runtime, **settings)  # a task: its own sentences name no argument
    try:
        return made(*runtime, **settings)
    except UserError as error:
        raise type(error)(at(path, str(error), settings)) from error


def _grow(value, path: str):
    if isinstance(value, dict):
        return _make(value, path) if "_target_" in value else {k: _grow(v, f"{path}.{k}") for k, v in value.items()}
    return [_grow(v, f"{path}.{k}") for k, v in enumerate(value)] if isinstance(value, list) else value


def at(path: str, message: str, settings) -> str:
    """Return a component's sentence with its address in front: "fold is 7" of data.split becomes "data.split.fold is 7"."""
    if message.startswith(path):
        return message
    first = re.match(r"\w*", message)[0]
    return f"{path}.{message}" if first in settings else f"{path}: {message}"


def finish(cfg: DictConfig, choices) -> DictConfig:
    """Return the config with what only the whole can know filled in: the run's name and a fixed end date."""
    cfg = OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])
    with open_dict(cfg):
        if cfg.get("name") is None:
            model = OmegaConf.select(cfg, "model.net.backbone") or choices["model"]
            cfg.name = f"{choices['data']}-{str(model).replace('/', '-')}"
        if OmegaConf.select(cfg, "data.end") == "latest":
            from datetime import UTC, datetime
            cfg.data.end = datetime.now(UTC).strftime("%Y-%m-%d")
    return cfg


def compose(*overrides: str) -> DictConfig:
    """Return the checked config that the command line would make of these overrides.

    Raises ConfigError, listing every problem.
    """
    from candlelab.config.command_line import check_overrides
    return check_overrides(list(overrides))[0]


def reads_images(tree: dict) -> bool:
    """Return whether the recipe's net looks at charts."""
    net = tree["model"].get("net", {})
    return bool(tree["model"].get("image_size")) and "image" in net.get("inputs", ["image"])


def signature(cfg: DictConfig) -> str:
    """Return 8 hex digits that are equal for configs that fit the same model on the same data."""
    tree = plain(cfg)
    for dotted in NOT_IN_SIGNATURE:
        *parents, last = dotted.split(".")
        node = tree
        for parent in parents:
            node = node.get(parent) or {}
        node.pop(last, None)
    if not reads_images(tree):
        tree.pop("render", None)
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:8]


def run_folder(cfg: DictConfig) -> Path:
    """Return where a run lives: outputs/<study>/<data>-<model>-<8 hex>."""
    return Path(cfg.outputs) / cfg.study / f"{cfg.name}-{signature(cfg)}"


def leaves(tree: dict, prefix: str = ""):
    """Yield every dotted key of a tree, inner nodes included."""
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")


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
    lines = []
    for group, options in groups().items():
        lines.append(f"\n{group}=")
        lines += [f"    {name:<24}{text}" for name, text in options.items()]
    return "\n".join(lines)
