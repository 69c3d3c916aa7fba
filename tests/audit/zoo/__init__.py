"""The leak zoo: generators that plant one leak into an otherwise clean world, and clean worlds of all kinds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from candlelab.audit.record import Audit


@dataclass(frozen=True)
class Leak:
    """A planted leak: `audit` makes the world and audits it; name and place are what must be found."""

    title: str
    audit: Callable[[Path], Audit]
    name: str
    place: str


@dataclass(frozen=True)
class Clean:
    """A world without a leak."""

    title: str
    audit: Callable[[Path], Audit]


def titled(cases):
    """Return cases as parameters of a test, with their titles as ids."""
    import pytest

    return [pytest.param(case, id=case.title.replace(" ", "-")) for case in cases]
