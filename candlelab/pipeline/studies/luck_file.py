"""What the worlds without an edge of a study showed, kept beside its leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from candlelab import run as runs
from candlelab.core import forms
from candlelab.core.reading import json_of
from candlelab.evaluate.luck import Luck

LUCK = "luck.json"


def write_luck(study: Path, found: Sequence[Luck]) -> None:
    """Keep what the worlds showed, for the study's report."""
    runs.write_json(study / LUCK, [asdict(each) for each in found])


def read_luck(study: Path) -> list[Luck]:
    """Return what the worlds of a study showed; [] where nobody asked. Raises Unreadable for a damaged file."""
    if not (study / LUCK).is_file():
        return []
    return [Luck(**{**each, "worlds": tuple(each["worlds"])}) for each in json_of(study / LUCK, [forms.LUCK])]
