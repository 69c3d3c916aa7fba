"""Audit record: findings with severity, place, evidence and cure, what was clean and what could not be checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

Severity = Literal["leak", "doubt", "note"]
ORDER: tuple[Severity, ...] = ("leak", "doubt", "note")


@dataclass(frozen=True)
class AuditFinding:
    """One thing that an audit found.

    name      of the mechanism, such as "look-ahead" or "label readable from the last candle".
    severity  leak: no forecast claim can rest on it; doubt: it may change a verdict; note: worth knowing.
    place     component, column and first bar, file or row.
    evidence  what was seen, with its numbers.
    cure      what to do.
    value, low, high   the number with its 95 % interval, and what it would be without the leak (`chance`), where there is one.
    pictures  uint8 (C, H, W) with a caption each, to look at.
    """

    name: str
    severity: Severity
    place: str
    evidence: str
    cure: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    pictures: tuple[tuple[np.ndarray, str], ...] = ()

    def row(self) -> dict[str, Any]:
        """Plain values for json; pictures stay in the page."""
        return asdict(replace(self, pictures=())) | {"pictures": [words for _, words in self.pictures]}

    def __str__(self) -> str:
        return f"{self.name} ({self.place}): {self.evidence}"


@dataclass(frozen=True)
class Audit:
    """What one audit found.

    subject    what was looked at, in words.
    claim      what a leak takes away from it, such as "this data set cannot support a forecast claim".
    clean      names of the checks that found nothing.
    unchecked  (check, why it could not be made).
    """

    subject: str
    claim: str
    findings: tuple[AuditFinding, ...]
    clean: tuple[str, ...]
    unchecked: tuple[tuple[str, str], ...] = ()

    @property
    def leaks(self) -> tuple[AuditFinding, ...]:
        """The findings that take the claim away."""
        return tuple(each for each in self.findings if each.severity == "leak")

    @property
    def doubts(self) -> tuple[AuditFinding, ...]:
        """The findings that may change a verdict."""
        return tuple(each for each in self.findings if each.severity == "doubt")

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        if self.leaks:
            return f"{self.claim}: {self.leaks[0].name}, {self.leaks[0].evidence}"
        checks = f"{len(self.clean)} check{'s' * (len(self.clean) != 1)} found nothing"
        return f"no leak found in {self.subject}: {checks}" + (f", {len(self.doubts)} in doubt" if self.doubts else "")

    def row(self) -> dict[str, Any]:
        """Plain values for json."""
        return {
            "subject": self.subject,
            "verdict": self.verdict,
            "findings": [each.row() for each in self.findings],
            "clean": list(self.clean),
            "unchecked": [list(pair) for pair in self.unchecked],
        }


Check = tuple[str, Iterable[AuditFinding]]  # what is checked, and what was found


def audit_of(subject: str, claim: str, checks: Iterable[Check], unchecked: Iterable[tuple[str, str]] = ()) -> Audit:
    """Return the record of some checks, worst findings first; a check that only notes something is clean all the same."""
    found: list[AuditFinding] = []
    clean, left = [], tuple(unchecked)
    for name, findings in checks:
        here = list(findings)
        found += here
        if not any(each.severity != "note" for each in here) and name not in dict(left):
            clean.append(name)
    return Audit(subject, claim, tuple(sorted(found, key=lambda each: ORDER.index(each.severity))), tuple(clean), left)


def merged(subject: str, audits: Iterable[Audit]) -> Audit:
    """Return several audits of one thing as one record."""
    parts = list(audits)
    found = sorted((each for part in parts for each in part.findings), key=lambda each: ORDER.index(each.severity))
    first = next((part for part in parts if part.leaks), parts[0])
    return Audit(
        subject,
        first.claim,
        tuple(found),
        tuple(dict.fromkeys(name for part in parts for name in part.clean)),
        tuple(dict.fromkeys(pair for part in parts for pair in part.unchecked)),
    )
