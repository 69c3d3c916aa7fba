"""Tables for people: nothing is cut off, in a terminal, a pipe or a log."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table


def print_table(table: Table) -> None:
    """Print a table; outside a terminal as wide as it needs, in a narrow terminal with words folded instead of cut."""
    for column in table.columns:
        column.overflow = "fold"
    console = Console(markup=False)  # what stands in brackets is text: candlelab[ray], a symbol, a path
    if not console.is_terminal:
        console.width = max(console.width, console.measure(table, options=console.options.update(width=10_000)).maximum)
    console.print(table)
