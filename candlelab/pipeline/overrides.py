"""What the person at the keyboard gave, as against what the configuration holds by default."""

from __future__ import annotations

from typing import Any


def overridden() -> list[str] | None:
    """Return the keys that the command line gives, as they are spelt there; None outside of a command."""
    from hydra.core.hydra_config import HydraConfig

    if not HydraConfig.initialized():
        return None
    return keys_of(HydraConfig.get().overrides.task)


def keys_of(words: list[str]) -> list[str]:
    """Return the keys of overrides: `evaluate.fee_bps` of `evaluate.fee_bps=0,2`."""
    return [text.lstrip("+~").split("=", 1)[0] for text in words]


def laid_over(own: dict[str, Any], asked: dict[str, Any], keys: list[str], group: str) -> dict[str, Any]:
    """Return the settings of a run with those of one group that the command line gives: others stay the run's own.

    own, asked  the group as the run stored it, and as the command composed it.
    keys        of the command line: `group`, `group/part` and `group.setting` count.
    """
    made = {name: value for name, value in asked.items() if name not in own} | own  # an older run knows fewer settings
    for key in keys:
        first, *inner = key.replace("/", ".").split("@")[0].split(".")
        if first != group:
            continue
        made = _replaced(made, asked, inner)
    return made


def _replaced(own: dict[str, Any], asked: dict[str, Any], path: list[str]) -> dict[str, Any]:
    if not path:
        return asked
    name, *inner = path
    below = own.get(name)
    return own | {
        name: _replaced(below if isinstance(below, dict) else {}, asked[name], inner) if inner else asked[name]
    }
