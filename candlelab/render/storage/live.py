"""No store: charts are drawn when they are needed."""

from __future__ import annotations


class Live:
    """Keep nothing on disk."""

    kind = "live"
    path = None
