"""A goal, what was measured against what, and whether it holds: one row of the table that docs/performance.md explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One row. figure is a ratio where `against` names a rival, else in `unit`."""

    work: str
    against: str
    goal: str
    figure: float
    unit: str
    holds: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self) | {"holds": "yes" if self.holds else "no"}


def reaches(work: str, figure: float, goal: float, *, against: str = "", unit: str = "x") -> Row:
    """Return a row whose figure should reach the goal."""
    return Row(work, against, f">= {goal:,g} {unit}", float(figure), unit, figure >= goal)


def stays_within(work: str, figure: float, goal: float, *, against: str = "", unit: str = "x") -> Row:
    """Return a row whose figure should not pass the goal."""
    return Row(work, against, f"<= {goal:,g} {unit}", float(figure), unit, figure <= goal)


def told(rows: Sequence[Row]) -> dict[str, Any]:
    """Return rows as a benchmark gives them back."""
    return {"rows": [row.as_dict() for row in rows]}


def as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as a table."""
    head = ["| work | against | goal | figure | holds |", "| --- | --- | --- | --- | --- |"]
    body = [
        f"| {row['work']} | {row['against']} | {row['goal']} | {row['figure']:,.3g} {row['unit']} | {row['holds']} |"
        for row in rows
    ]
    return "\n".join([*head, *body]) + "\n"
