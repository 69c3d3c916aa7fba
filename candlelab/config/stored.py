"""Read a stored configuration as data: no interpolation, no alias, no tag, and nothing of another machine.

A run's config.yaml may have been written by anybody. What it says of nets and labels is checked like any config; the
addresses, files, folders and loggers it names belong to the machine that wrote it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from candlelab.config.catalogue import with_parts
from candlelab.config.locate import target_schema
from candlelab.config.search_path import roots, yaml_files
from candlelab.core.errors import ConfigError, UserError
from candlelab.core.yaml_text import plain_text_of


def read_stored(path: Path) -> dict[str, Any]:
    """Return a stored config as plain dicts and lists.

    Raises ConfigError if the file is missing, too large, no YAML mapping, or holds an interpolation, an alias or a tag.
    """
    try:
        tree = OmegaConf.to_container(OmegaConf.create(plain_text_of(path)), resolve=False)
    except UserError:
        raise
    except (yaml.YAMLError, OmegaConfBaseException, AssertionError, ValueError) as error:
        raise ConfigError(
            f"'{path}' is no valid config ({' '.join(str(error).split())[:120]}): train the run again"
        ) from None
    if not isinstance(tree, dict) or not isinstance(tree.get("data"), dict) or not isinstance(tree.get("model"), dict):
        raise ConfigError(f"'{path}' is no config of a run: it has no data and model; train the run again")
    return {str(key): value for key, value in tree.items()}


def without_places(tree: dict[str, Any], outputs: str = "outputs") -> dict[str, Any]:
    """Return a config that came from elsewhere with this machine's own addresses, folders and loggers in it.

    Settings without a default of ours, such as the path of a file, become `???`: they must be given before they are used.
    """
    kept = {key: _ours(value, key, outputs) for key, value in tree.items()} | {"outputs": outputs}
    if isinstance(kept.get("trainer"), dict):
        kept["trainer"]["logger"] = _defaults("candlelab.trainer.logger.csv_log.CsvLog", outputs)
    if isinstance(kept.get("render"), dict):
        kept["render"]["storage"] = _defaults("candlelab.render.storage.live.Live", outputs)
    return kept


def _ours(node: Any, key: str, outputs: str) -> Any:
    if isinstance(node, list):
        return [_ours(part, key, outputs) for part in node]
    if not isinstance(node, dict):
        return node
    made = {name: _ours(value, f"{key}.{name}", outputs) for name, value in node.items()}
    target = node.get("_target_")
    if not isinstance(target, str):
        return made
    own = _defaults(target, outputs)
    return made | {
        name: own.get(name, "???") for name in target_schema(target, key.split(".")[0]).local if name in made
    }


def _defaults(target: str, outputs: str) -> dict[str, Any]:
    """Return the settings that an installed yaml gives a component; {} if none names it."""
    for path in (path for root in roots().values() for path in yaml_files(root) if path.name[0] != "_"):
        if target in path.read_text(encoding="utf-8"):
            node = with_parts(path)
            if node.get("_target_") == target:
                whole = OmegaConf.create({"outputs": outputs, "here": node})
                return {name: _value(whole.here, name) for name in whole.here}
    return {}


def _value(node: Any, name: str) -> Any:
    try:
        value = node[name]
    except OmegaConfBaseException:  # missing, or an interpolation that only the whole config can resolve
        return "???"
    return OmegaConf.to_container(value, resolve=False) if OmegaConf.is_config(value) else value
