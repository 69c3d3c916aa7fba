"""Bring market data into the cache and say what they are worth."""

from __future__ import annotations

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from candlelab.config import build
from candlelab.data.quality import Quality, of_tape

COUNTS = ("missing_bars", "duplicates", "conflicts", "misaligned", "broken", "unfinished", "zero_volume", "flat")


def fetch(cfg: DictConfig) -> list[Quality]:
    """Fetch data.symbols at data.interval from data.start to data.end; print and return one quality row per symbol."""
    data = build(cfg, "data", None)
    candles = data.fetch()
    found = getattr(data.source, "quality", None) or of_tape(candles)
    Console().print(quality_table(found))
    for change in getattr(data.source, "changes", ()):
        print(f"changed: {change}")
    for row in found:
        for note in row.notes:
            print(f"{row.symbol} {row.interval}: {note}")
    print(f"{len(candles):,} bars of {len(candles.symbols)} symbols in {int(candles.segment[-1]) + 1} unbroken stretches")
    return found


def quality_table(rows: list[Quality]) -> Table:
    """Return the table a fetch ends with: one line per symbol, zeros left blank."""
    table = Table("symbol", "interval", "first (UTC)", "last (UTC)", title="market data", title_justify="left")
    for name in ("bars", "gaps", *COUNTS, "re-listed"):
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        counts = [row.gaps, *(getattr(row, name) for name in COUNTS), len(row.relistings)]
        table.add_row(row.symbol, row.interval, _day(row.first), _day(row.last), f"{row.rows:,}",
                      *(f"{count:,}" if count else "" for count in counts))
    return table


def _day(ms: int) -> str:
    return pd.Timestamp(ms, unit="ms").strftime("%Y-%m-%d %H:%M")
