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


def markdown_of(table: Table) -> str:
    """Return a table as Markdown under its title."""
    heads = [str(column.header) for column in table.columns]
    rows = zip(*(list(column.cells) for column in table.columns), strict=True)
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return f"## {table.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
