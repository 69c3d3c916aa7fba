"""How many jobs a sweep asks for, counted before any of them is composed."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, RangeSweep, Sweep

from candlelab.config.catalogue import groups

MOST_JOBS = 5_000  # each is composed and checked before the first starts: minutes
MANY_JOBS = 50  # from here on the wait is announced


def sweep_problems(parsed: list[Override]) -> Iterator[str]:
    """Yield what makes a sweep impossible: no list of values, or more jobs than can be checked."""
    swept = [o for o in parsed if o.is_sweep_override()]
    total = 1
    for override in swept:
        trouble = _trouble(override)
        if trouble:
            yield f"'{override.input_line}' {trouble}"
            return
        total *= values_in(override)
    if total > MOST_JOBS:
        yield f"the sweep asks for {total:,} jobs: give at most {MOST_JOBS:,} at once, with shorter lists or a larger step"


def values_in(override: Override) -> int:
    """Return the number of values of a sweep over one setting, without making them."""
    value = override.value()
    if isinstance(value, RangeSweep):
        assert value.start is not None and value.stop is not None
        return max(0, math.ceil((value.stop - value.start) / value.step))
    return len(matches(override)) if isinstance(value, Glob) else sum(1 for _ in override.sweep_iterator())


def matches(override: Override) -> list[str]:
    """Return the options of a group that a glob sweep matches."""
    value = override.value()
    assert isinstance(value, Glob)
    return value.filter(sorted(groups().get(override.key_or_group, ())))


def _trouble(override: Override) -> str | None:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return "has no list of values: write choice(a,b,c) or range(start,stop,step)"
    if isinstance(value, ChoiceSweep) and any(isinstance(each, Sweep) for each in value.list):
        return "has a sweep inside a sweep: write its values as one list, choice(a,b,c)"
    if isinstance(value, RangeSweep):
        ends = (value.start, value.stop, value.step)
        if not all(isinstance(end, (int, float)) and math.isfinite(end) for end in ends) or value.step == 0:
            return "never ends: give range(start,stop,step) with numbers and a step other than 0"
    return None
