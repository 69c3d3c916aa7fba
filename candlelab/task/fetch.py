"""Bring market data into the cache and say what they are worth."""

from __future__ import annotations

from omegaconf import DictConfig
from rich.box import SIMPLE_HEAD
from rich.table import Table

from candlelab.audit.findings import suspicious_bars
from candlelab.config import build, plain
from candlelab.core.contracts import Inspected, Refreshable, Source
from candlelab.core.interval import to_time
from candlelab.core.times import day
from candlelab.data.tape import checked_intervals
from candlelab.market.quality import Quality, of_tape
from candlelab.pipeline.studies.console import print_table

COUNTS = ("missing_bars", "duplicates", "conflicts", "misaligned", "broken", "unfinished", "zero_volume", "flat")


def fetch(cfg: DictConfig) -> list[Quality]:
    """Fetch data.symbols at data.interval from data.start to data.end; print and return one quality row per symbol."""
    source = build(cfg, "data.source")
    asked = plain(cfg)["data"]
    intervals = checked_intervals(asked["interval"], None)
    found = [row for interval in intervals for row in _fetch(source, asked, interval)]
    print_table(quality_table(found))
    for row in found:
        for note in row.notes:
            print(f"{row.symbol} {row.interval}: {note}")
    return found


def _fetch(source: Source, asked: dict, interval: str) -> list[Quality]:
    """Return what was found of each symbol at one interval, after a line on all of them."""
    candles = source.fetch(asked["symbols"], interval, to_time(asked["start"]), to_time(asked["end"]))
    _print_changes(source)
    print(
        f"{len(candles):,} bars of {len(candles.symbols)} symbols in {int(candles.segment[-1]) + 1} unbroken stretches"
    )
    for finding in suspicious_bars(candles):
        print(f"suspicious: {finding}")
    return (source.quality if isinstance(source, Inspected) else None) or of_tape(candles)


def _print_changes(source: Source) -> None:
    """Say what a refresh noticed, where the source was asked for one."""
    if not isinstance(source, Refreshable):
        return
    for change in source.changes:
        print(f"changed: {change}")
    if source.refresh and not source.changes:
        print("nothing changed since the files were fetched")


def quality_table(rows: list[Quality]) -> Table:
    """Return the table a fetch ends with: one line per symbol; what no symbol has is left out."""
    counts = {name.replace("_", " "): [getattr(row, name) for row in rows] for name in COUNTS}
    counts["re-listed"] = [len(row.relistings) for row in rows]
    seen = {name: values for name, values in counts.items() if any(values)}
    table = Table(title="market data", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("symbol", "", "first", "last"):
        table.add_column(name, no_wrap=True)
    for name in ("bars", "gaps", *seen):
        table.add_column(name, justify="right")
    for k, row in enumerate(rows):
        table.add_row(
            row.symbol,
            row.interval,
            day(row.first),
            day(row.last),
            f"{row.rows:,}",
            str(row.gaps),
            *(f"{values[k]:,}" if values[k] else "" for values in seen.values()),
        )
    return table
