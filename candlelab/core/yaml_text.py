"""Guards for YAML files, before anything is built in memory: limits on size and depth for all; no interpolation, alias or tag in those of others."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from candlelab.core.errors import ConfigError
from candlelab.core.reading import text_of

LARGEST = 1_000_000  # bytes
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events, ten times as fast where libyaml is there
DEEPEST, MOST_NODES = 20, 20_000
INTERPOLATION = re.compile(r"\$\{")
LARGEST_OWN = 200_000  # bytes of a yaml of one's own, which is read by the slower parser of the two
MEND = "mend this file, or take it out of the folder"
CURE = "bring back the file as the run wrote it, or train the run again"


def plain_text_of(path: Path) -> str:
    """Return the text of a stored config. Raises UserError for a file that is missing, too large, or holds what none of ours does."""
    text = text_of(path, most=LARGEST, cure=CURE)
    try:
        _refuse_tricks(text, path)
    except yaml.YAMLError as error:
        raise ConfigError(f"'{path}' is no valid config ({' '.join(str(error).split())[:120]}): {CURE}") from None
    return text


def own_text_of(path: Path) -> str:
    """Return the text of a yaml that its user wrote, which may hold aliases. Raises UserError for what would never end or fit."""
    text = text_of(path, most=LARGEST_OWN, cure=MEND)
    try:
        _refuse_growth(text, path)
    except yaml.YAMLError as error:
        raise ConfigError(f"'{path}' is no valid YAML ({' '.join(str(error).split())[:200]}): {MEND}") from None
    return text


def _refuse_growth(text: str, path: Path) -> None:
    """Refuse what is deeper or, its aliases written out, larger than any config, before anything of it is built up."""
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]  # anchor and entries of each collection that has not ended
    entries: dict[str, int] = {}
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, 1))
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, count = open_nodes.pop()
            if anchor is not None:
                entries[anchor] = count
        elif isinstance(event, yaml.AliasEvent):
            count = entries.get(event.anchor, 1)
        else:
            count = int(isinstance(event, yaml.ScalarEvent))
        name, sum_before = open_nodes[-1]
        open_nodes[-1] = (name, sum_before + count)
        if len(open_nodes) > DEEPEST or sum_before + count > MOST_NODES:
            raise ConfigError(
                f"'{path}' is nested deeper than {DEEPEST} or has more than {MOST_NODES:,} entries: {MEND}"
            )


def _refuse_tricks(text: str, path: Path) -> None:
    """Refuse what a resolved config never holds, before anything of it is built up in memory."""
    if INTERPOLATION.search(text):
        raise ConfigError(
            f"'{path}' holds an interpolation (${{…}}): a stored config is plain values, so this one was edited; do not use it"
        )
    depth = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=LOADER)):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise ConfigError(
                f"'{path}' holds a YAML alias or tag: a stored config has none, so this one was edited; do not use it"
            )
        if depth > DEEPEST or nodes > MOST_NODES:
            raise ConfigError(
                f"'{path}' is nested deeper than {DEEPEST} or has more than {MOST_NODES:,} entries: it is no config of a run"
            )
    if INTERPOLATION.search(_unescaped(text)):
        raise ConfigError(
            f"'{path}' holds an interpolation (${{…}}): a stored config is plain values, so this one was edited; do not use it"
        )


def _unescaped(text: str) -> str:
    """Return all scalars of a YAML text as they will be read, so that an escaped `$` hides nothing."""
    return "\n".join(event.value for event in yaml.parse(text, Loader=LOADER) if isinstance(event, yaml.ScalarEvent))
