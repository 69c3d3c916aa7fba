"""Columns of bars and their manifest lines, put together and compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from candlelab.core.interval import next_open
from candlelab.core.times import iso
from candlelab.market.archive import COLUMNS
from candlelab.market.cache import Ranges

Bars = dict[str, np.ndarray]  # COLUMNS of equal length: time int64 ms UTC ascending, the others float64


def outside(covered: Ranges) -> Ranges:
    """Return all time outside ascending disjoint ranges."""
    edges = [-(2**62), *(t for r in covered for t in r), 2**62]
    return [[a, b] for a, b in zip(edges[::2], edges[1::2], strict=True)]


def merge_asked(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the manifest's lines on REST, those that touch made one."""
    merged: list[dict[str, Any]] = []
    for entry in sorted((e for e in entries if e["start"] < e["end"]), key=lambda e: e["start"]):
        last = merged[-1] if merged else None
        if last and last["url"] == entry["url"] and last["end"] == entry["start"]:
            last["end"], last["rows"] = entry["end"], last["rows"] + entry["rows"]
        else:
            merged.append(dict(entry))
    return merged


def inside(entry: dict[str, Any], covered: Ranges) -> bool:
    """Return whether an entry's range lies wholly in one of the covered ones."""
    return any(a <= entry["start"] and entry["end"] <= b for a, b in covered)


def between(bars: Bars, start: int, end: int) -> Bars:
    """Return the bars with start <= time < end of ascending columns."""
    first, last = np.searchsorted(bars["time"], [start, end])
    return {name: column[first:last] for name, column in bars.items()}


def join(parts: list[Bars]) -> Bars:
    """Return parts as one, ascending in time (a stable sort, so repeated times keep their order)."""
    parts = [p for p in parts if len(p["time"])]
    if not parts:
        return {name: np.zeros(0, np.int64 if name == "time" else np.float64) for name in COLUMNS}
    parts.sort(key=lambda p: int(p["time"][0]))
    shared = [n for n in COLUMNS if all(n in p for p in parts)]  # not every exchange counts trades
    bars = {n: np.concatenate([p[n] for p in parts]) for n in shared} if len(parts) > 1 else parts[0]
    if (np.diff(bars["time"]) < 0).any():
        order = np.argsort(bars["time"], kind="stable")
        bars = {name: column[order] for name, column in bars.items()}
    return bars


def one_of_each(bars: Bars) -> tuple[Bars, np.ndarray]:
    """Return the bars without repeated times, and the times whose copies differ, of which no copy is kept; (n,) int64 ms.

    bars  ascending in time. Of identical copies one remains.
    """
    follows = np.diff(bars["time"]) == 0
    if not follows.any():
        return bars, bars["time"][:0]
    differs = np.logical_or.reduce([np.diff(column) != 0 for name, column in bars.items() if name != "time"]) & follows
    doubtful = np.unique(bars["time"][1:][differs])
    keep = ~np.append(False, follows) & ~np.isin(bars["time"], doubtful)
    return {name: column[keep] for name, column in bars.items()}, doubtful


def holes_of(time: np.ndarray, interval: str, covered: Ranges) -> Ranges:
    """Return the covered ranges between two bars that hold none."""
    expected = next_open(time[:-1], interval)
    rows = np.flatnonzero(time[1:] > expected)
    gaps = [[int(expected[i]), int(time[i + 1])] for i in rows]
    return [[max(g[0], c[0]), min(g[1], c[1])] for g in gaps for c in covered if max(g[0], c[0]) < min(g[1], c[1])]


def differences(old: Bars | None, new: Bars, covered: Ranges, series: str) -> list[str]:
    """Return sentences on how bars inside the ranges that were covered before differ now."""
    if old is None or not len(old["time"]):
        return []
    new = join([between(new, a, b) for a, b in covered])
    both, i, j = np.intersect1d(old["time"], new["time"], return_indices=True)
    said = []
    changed = {n: old[n][i] != new[n][j] for n in COLUMNS[1:] if n in old and n in new}
    rows = np.logical_or.reduce(list(changed.values())) if len(both) else np.zeros(0, bool)
    if rows.any():
        names = ", ".join(n for n, c in changed.items() if c.any())
        said.append(
            f"{series}: {int(rows.sum())} bars restated in {names}, {iso(int(both[rows][0]))} "
            f"to {iso(int(both[rows][-1]))}"
        )
    for word, here, there in (("added", new, old), ("withdrawn", old, new)):
        alone = here["time"][~np.isin(here["time"], there["time"])]
        if len(alone):
            said.append(f"{series}: {len(alone)} bars {word}, {iso(int(alone[0]))} to {iso(int(alone[-1]))}")
    return said
