"""Search space of hydra/sweeper=optuna: an axis per setting, read from Hydra's own words interval(…), range(…) and choice(…)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep, Override, RangeSweep
from omegaconf import DictConfig

from candlelab.config.sweep_size import matches
from candlelab.core.errors import ConfigError

SEARCHER = "candlelab_launch.search.OptunaSearch"  # how the target of the sweeper ends


@dataclass(frozen=True)
class SearchAxis:
    """The values that one setting may take: one of `choices`, or a number from low to high, both included.

    whole   only whole numbers; log: drawn by its logarithm; step: from low, None: none.
    """

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    whole: bool = False
    log: bool = False

    def word(self, value: Any) -> str:
        """Return the override that gives the setting a value."""
        return f"{self.key}={value}"

    def ends(self) -> tuple[str, ...]:
        """Return the overrides of all choices, or of the lowest and the highest number."""
        numbers = (self.low, self.high) if self.low < self.high else (self.low,)
        return tuple(map(self.word, self.choices or (int(n) if self.whole else n for n in numbers)))


def is_search(full: DictConfig) -> bool:
    """Return whether a config, Hydra's own node included, searches instead of multiplying its values out."""
    node = full.hydra.sweeper
    return isinstance(node, DictConfig) and str(node.get("_target_", "")).endswith(SEARCHER)


def axes_of(params: Mapping[str, Any], overrides: Iterable[Override]) -> list[SearchAxis]:
    """Return the space: the params of the config, but for what the words of the command settle, and the sweeps among these."""
    named = list(overrides)
    keys = {override.key_or_group for override in named}
    parser = OverridesParser.create()
    own = [parser.parse_override(f"{key}={value}") for key, value in params.items() if key not in keys]
    return [axis_of(override) for override in (*own, *named) if override.is_sweep_override()]


def axis_of(override: Override) -> SearchAxis:
    """Return one sweep as an axis. Raises ConfigError for one without values, or whose ends are the wrong way round."""
    value, key = override.value(), override.get_key_element()
    if isinstance(value, IntervalSweep):
        return _interval(key, value, override.input_line)
    if isinstance(value, RangeSweep):
        return _range(key, list(override.sweep_iterator()), value, override.input_line)
    choices = matches(override) if isinstance(value, Glob) else list(override.sweep_string_iterator())
    if not choices:
        raise ConfigError(f"'{override.input_line}' gives no value: write choice(a,b,c)")
    return SearchAxis(key, choices=tuple(dict.fromkeys(choices)))


def _interval(key: str, value: IntervalSweep, line: str | None) -> SearchAxis:
    low, high, log = value.start, value.end, "log" in value.tags
    if low is None or high is None or not low < high or (log and low <= 0):
        raise ConfigError(f"'{line}' is no interval: write interval(low,high), with a low above 0 where it is log")
    whole = "int" in value.tags or (isinstance(low, int) and isinstance(high, int))
    return SearchAxis(key, low=low, high=high, whole=whole, log=log)


def _range(key: str, values: list[Any], value: RangeSweep, line: str | None) -> SearchAxis:
    if not values or value.step is None or value.step <= 0:
        raise ConfigError(f"'{line}' gives no value: write range(start,stop,step) with a step above 0")
    whole = all(isinstance(each, int) for each in values)
    return SearchAxis(key, low=values[0], high=values[-1], step=value.step, whole=whole)


def at_the_ends(axes: Iterable[SearchAxis]) -> Iterator[tuple[str, ...]]:
    """Yield the overrides of what is checked before a search starts: the first ends of all axes, and each other end beside them."""
    all_ends = [axis.ends() for axis in axes]
    first = tuple(ends[0] for ends in all_ends)
    yield first
    for place, ends in enumerate(all_ends):
        yield from ((*first[:place], end, *first[place + 1 :]) for end in ends[1:])
