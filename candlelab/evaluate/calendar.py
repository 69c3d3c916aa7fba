"""Bars and years of markets that never close (METHODS section 1)."""

from __future__ import annotations

import re

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
YEAR_MS = 365 * _UNIT_MS["d"]


def interval_ms(interval: str) -> int:
    """Length of one bar in milliseconds, from words such as 5m, 1h, 1d."""
    match = re.fullmatch(r"([1-9]\d*)([smhdw])", interval)
    if not match:
        raise ValueError(f"interval was {interval!r}; write a number and one of s m h d w, for example 1h")
    return int(match[1]) * _UNIT_MS[match[2]]


def bars_per_year(interval: str) -> float:
    """Bars in 365 days of 24 hours; 1h gives 8760."""
    return YEAR_MS / interval_ms(interval)
