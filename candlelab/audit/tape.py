"""Structural audit of a tape of bars: unmarked gaps, windows across borders, a last bar that has not closed, resampling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from candlelab.audit.probes import where
from candlelab.audit.record import AuditFinding
from candlelab.core.blocks import blocks
from candlelab.core.candles import Candles, rows_of
from candlelab.core.interval import interval_ms, next_open
from candlelab.core.times import iso

FOUND = 0.98  # share of coarse bars that a shifted resampling must reproduce to be named


def unmarked_gaps(candles: Candles) -> Iterator[AuditFinding]:
    """Yield one finding if bars stand in one segment though they do not follow each other, or are of two symbols."""
    found = [_not_following(candles.rows(block)) + block.start for block in blocks(candles)]
    wrong = np.concatenate(found) if found else np.zeros(0, np.int64)
    if len(wrong):
        yield AuditFinding(
            "segment border missing",
            "leak",
            f"candles, {where(candles, int(wrong[0]))}",
            f"{len(wrong):,} bars stand in the segment of a bar that they do not follow: windows, returns and labels run across",
            "begin a new segment at each gap and each symbol",
        )


def _not_following(candles: Candles) -> np.ndarray:
    """Rows of bars that stand in one segment with the bar before them and do not follow it."""
    joined = candles.segment[1:] == candles.segment[:-1]
    follows = candles.symbol[1:] == candles.symbol[:-1]
    for code in np.unique(candles.symbol).tolist():
        own = rows_of(candles.symbol, code)
        time = candles.time[own]
        follows[own.start : own.stop - 1] &= next_open(time[:-1], candles.intervals[code]) == time[1:]
    return np.flatnonzero(joined & ~follows) + 1


def windows_inside(candles: Candles, ends: np.ndarray, bars: int) -> Iterator[AuditFinding]:
    """Yield one finding if windows with their warm-up, `bars` long, reach out of the segment of their last bar."""
    first = ends - bars + 1
    outside = ends[(first < 0) | (candles.segment[np.maximum(first, 0)] != candles.segment[ends])]
    if len(outside):
        yield AuditFinding(
            "window across a segment border",
            "leak",
            f"windows, {where(candles, int(outside[0]))}",
            f"{len(outside):,} windows reach into another segment",
            "end no window before its segment has window and warm-up bars",
        )


def unclosed(candles: Candles, known_at: int) -> Iterator[AuditFinding]:
    """Yield one finding for each symbol whose last bar was open at the moment at which the bars were known, ms UTC.

    Bars that open later still were made up: nothing of them will change.
    """
    stretches = [rows_of(candles.symbol, code) for code in range(len(candles.symbols))]
    for row in [rows.stop - 1 for rows in stretches if rows.stop > rows.start]:
        closes = int(next_open(candles.time[[row]], candles.intervals[candles.symbol[row]])[0])
        if int(candles.time[row]) <= known_at < closes:
            yield AuditFinding(
                "unclosed last bar",
                "leak",
                f"candles, {where(candles, row)}",
                f"it closes at {iso(closes)}, and the bars were known at {iso(known_at)}: its high, low, close and volume will change",
                "drop the last bar until it has closed",
            )


def resampled_side(fine: Candles, coarse: Candles) -> Iterator[AuditFinding]:
    """Yield one finding if the coarse bars hold the fine bars of another interval than the one that their time opens."""
    step = interval_ms(coarse.intervals[0])
    unit = interval_ms(fine.intervals[0])
    for symbol in sorted(set(fine.symbols) & set(coarse.symbols)):
        one = fine.select(fine.symbol == fine.symbols.index(symbol))
        two = coarse.select(coarse.symbol == coarse.symbols.index(symbol))
        shifts = {0: "", -step: "", step: "", unit: "", -unit: ""}
        shares = {shift: _agreement(one, two, shift, step) for shift in shifts}
        best = max(shares, key=lambda shift: (shares[shift], shift == 0))
        if best and shares[best] >= FOUND and shares[0] < FOUND:
            side = "from the future" if best > 0 else "late"
            yield AuditFinding(
                "resampled on the wrong side",
                "leak" if best > 0 else "doubt",
                f"data.resample, {where(two, 0)}",
                f"the bar that opens at a time holds the trades of {abs(best) // unit} fine bars {'later' if best > 0 else 'earlier'} "
                f"({shares[best]:.1%} of the bars agree so, {shares[0]:.1%} as they are labelled): every bar is {side}",
                "label a coarse bar by its opening time, and close it on the left",
            )


def _agreement(fine: Candles, coarse: Candles, shift: int, step: int) -> float:
    """Share of coarse bars whose close is that of the last fine bar in [time + shift, time + shift + step)."""
    last = np.searchsorted(fine.time, coarse.time + shift + step, side="left") - 1
    inside = (last >= 0) & (fine.time[np.maximum(last, 0)] >= coarse.time + shift)
    first = np.searchsorted(fine.time, coarse.time + shift, side="left")
    inside &= first < len(fine)
    if inside.sum() < 3:
        return 0.0
    same = (fine.close[last[inside]] == coarse.close[inside]) & (fine.open[first[inside]] == coarse.open[inside])
    return float(same.mean())
