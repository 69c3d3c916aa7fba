"""Ranges of a data set's own settings, checked before anything is fetched."""

from __future__ import annotations

from candlelab.core.errors import UserError
from candlelab.core.interval import to_time

LARGEST = {
    "window": 10_000,
    "batch_size": 65_536,
    "stride": 2**31 - 1,
}  # what a picture, a batch and a count of bars can hold


def check_sizes(**sizes: int | str | None) -> None:
    """Raise UserError for a size below 1 or beyond what can be held; null and auto pass."""
    for name, value in sizes.items():
        if isinstance(value, int) and not 1 <= value <= LARGEST.get(name, value):
            raise UserError(
                f"{name} is {value}; give 1 or more" + (f", at most {LARGEST[name]}" if name in LARGEST else "")
            )


def check_dates(start: str | None, end: str | None) -> None:
    """Raise UserError for dates that are none, or a start that is not before the end."""
    first, last = to_time(start), to_time(end)
    if first is not None and last is not None and first >= last:
        raise UserError(f"start is {start}, which is not before end {end}; choose other dates")


def check_share_removed(thin: float) -> None:
    """Raise UserError unless some bars stay."""
    if not 0 <= thin < 1:
        raise UserError(f"thin is {thin}; give a share of bars to remove from 0 to below 1")
