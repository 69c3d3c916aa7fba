"""Configuration: compose, check, build, name and describe what a run is made of.

A component is a yaml node with a `_target_` in candlelab or in an installed extension; the target's keyword-only parameters
are its schema.
"""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf

from candlelab.config.build import build
from candlelab.config.catalogue import CONF, catalogue, groups, leaves
from candlelab.config.check import check_config, fits, plain, problems
from candlelab.config.locate import locate
from candlelab.config.signature import NOT_IN_SIGNATURE, completed, reads_images, run_folder, signature
from candlelab.config.words import hint, several
from candlelab.core.errors import ConfigError

__all__ = [
    "CONF",
    "NOT_IN_SIGNATURE",
    "ConfigError",
    "build",
    "catalogue",
    "check_config",
    "completed",
    "compose",
    "fits",
    "groups",
    "hint",
    "leaves",
    "locate",
    "plain",
    "problems",
    "reads_images",
    "run_folder",
    "several",
    "signature",
]

# ${first:a,b} in a yaml: the first that is not null; oc.select knows only missing keys.
OmegaConf.register_new_resolver(
    "first", lambda *values: next((value for value in values if value is not None), None), replace=True
)


def compose(*overrides: str) -> DictConfig:
    """Return the checked config that the command line would make of these overrides.

    Raises ConfigError, listing every problem.
    """
    from candlelab.config.command_line import check_overrides

    return check_overrides(list(overrides))[0]
