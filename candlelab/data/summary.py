"""What `task=fetch` and `task=inventory` show: records as rows of text."""

from __future__ import annotations

from candlelab.data.cache import CachedSeries
from candlelab.data.merge import iso
from candlelab.data.quality import Quality


def quality_table(records: list[Quality]) -> list[dict[str, str]]:
    """Return one row of text per series, the same keys in each, in the order to show them."""
    return [{
        "symbol": q.symbol, "interval": q.interval, "bars": f"{q.rows:,}",
        "first": iso(q.first) if q.rows else "-", "last": iso(q.last) if q.rows else "-",
        "gaps": f"{q.gaps} ({q.missing_bars} bars)" if q.gaps else "0",
        "duplicates": f"{q.duplicates} same, {q.conflicts} differing" if q.duplicates or q.conflicts else "0",
        "misaligned": str(q.misaligned), "broken": str(q.broken), "unfinished": str(q.unfinished),
        "no volume": str(q.zero_volume), "flat": str(q.flat), "one tick": f"{q.one_tick:.0%}",
        "re-listed": ", ".join(iso(t)[:10] for t in q.relistings) or "-",
        "notes": "; ".join(q.notes) or "-",
    } for q in records]


def inventory_table(series: list[CachedSeries]) -> list[dict[str, str]]:
    """Return one row of text per cached series."""
    return [{
        "symbol": s.symbol, "interval": s.interval, "source": s.source, "market": s.market,
        "first": iso(s.first) if s.rows else "-", "last": iso(s.last) if s.rows else "-", "bars": f"{s.rows:,}",
        "gaps": str(s.gaps), "size": f"{s.bytes / 1e6:.1f} MB", "fetched": s.fetched,
    } for s in series]
