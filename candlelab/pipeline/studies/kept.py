"""What worlds without an edge and planted edges showed of a study, kept beside its leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from candlelab import run as runs
from candlelab.core import forms
from candlelab.core.reading import json_of
from candlelab.evaluate.luck import Luck
from candlelab.evaluate.sensitivity import Sensitivity

LUCK, SENSITIVITY = "luck.json", "sensitivity.json"


def write_luck(study: Path, found: Sequence[Luck]) -> None:
    """Keep what the worlds showed, for the study's report."""
    runs.write_json(study / LUCK, [asdict(each) for each in found])


def read_luck(study: Path) -> list[Luck]:
    """Return what the worlds of a study showed; [] where nobody asked. Raises Unreadable for a damaged file."""
    if not (study / LUCK).is_file():
        return []
    return [Luck(**{**each, "worlds": tuple(each["worlds"])}) for each in json_of(study / LUCK, [forms.LUCK])]


def write_sensitivity(study: Path, found: Sequence[Sensitivity]) -> None:
    """Keep what was found, beside what was kept before of other models and rules."""
    kept = {(each.model, each.rule): each for each in [*read_sensitivity(study), *found]}
    runs.write_json(study / SENSITIVITY, [asdict(each) for each in kept.values()])


def read_sensitivity(study: Path) -> list[Sensitivity]:
    """Return what edges of a study's models were found; [] where nobody asked. Raises Unreadable for a damaged file."""
    if not (study / SENSITIVITY).is_file():
        return []
    told = json_of(study / SENSITIVITY, [forms.SENSITIVITY])
    return [
        Sensitivity(
            each["model"],
            each["rule"],
            tuple(each["sizes"]),
            tuple(each["found"]),
            tuple(each["worlds"]),
            each["smallest"],
        )
        for each in told
    ]
