"""Launchers and sweepers of Hydra: which are there, which package an absent one needs, and whether their settings fit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from candlelab.config.build import build
from candlelab.config.locate import PLUGIN
from candlelab.config.search_path import CONF
from candlelab.config.words import hint
from candlelab.core.errors import UserError

GROUPS = ("hydra/launcher", "hydra/sweeper")
PLUGINS = {
    "joblib": "hydra-joblib-launcher",
    "submitit_local": "hydra-submitit-launcher",
    "submitit_slurm": "hydra-submitit-launcher",
    "optuna": "'candlelab[optuna]'",
    "ray": "'candlelab[ray]'",
}
NEEDS = {"optuna": "optuna", "ray": "ray"}  # options of ours that are always there, and the package that each needs


def plugin_trouble(group: str, option: str) -> str | None:
    """Return what to install for a launcher or sweeper that is not there; None where it is."""
    known = _options(group)
    if option in known and (option not in NEEDS or find_spec(NEEDS[option]) is not None):
        return None
    cure = f": pip install {PLUGINS[option]}" if option in PLUGINS else hint(option, known)
    return f"{group}={option} is not installed{cure}"


def plugin_problems(full: DictConfig) -> Iterator[str]:
    """Yield what is wrong with the launcher and the sweeper of a composed config: absent ones, and settings of ours that do not fit."""
    for group in GROUPS:
        trouble = plugin_trouble(group, str(full.hydra.runtime.choices.get(group)))
        node = OmegaConf.select(full, group.replace("/", "."))
        if trouble is not None:
            yield trouble
        elif isinstance(node, DictConfig) and str(node.get("_target_", "")).startswith(PLUGIN):
            try:
                build(full, group.replace("/", "."))
            except UserError as error:
                yield str(error)


@lru_cache
def _options(group: str) -> tuple[str, ...]:
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return tuple(GlobalHydra.instance().config_loader().get_group_options(group))
    finally:
        GlobalHydra.instance().hydra = outer
