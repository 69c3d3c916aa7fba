"""HTML tables for notebooks: what `_repr_html_` of candles, runs and verdicts is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any


def facts(title: str, rows: Mapping[str, Any]) -> str:
    """Return a two-column table with a heading; everything is escaped."""
    body = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items()
    )
    return f"<table><caption>{escape(title)}</caption>{body}</table>"


def paragraphs(title: str, lines: Sequence[str]) -> str:
    """Return a heading and one paragraph per line, escaped."""
    return f"<h4>{escape(title)}</h4>" + "".join(f"<p>{escape(line)}</p>" for line in lines)


class ShowsLines:
    """What says itself in lines of text shows them in a notebook."""

    def lines(self) -> list[str]:
        """Return what is said, line by line."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return paragraphs(type(self).__name__, self.lines())
