"""Label audit: does a forecast label read the future and nothing else, and no further than its declared end?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from candlelab.audit.probes import where
from candlelab.audit.record import AuditFinding
from candlelab.audit.rewriting import after, mirrored_before, rewritten
from candlelab.core.candles import Candles
from candlelab.core.contracts import Labels

TRIALS = 24
OFTEN = 0.25  # share of the trials from which a label follows the direction of its own window


def label_reach(
    label: Callable[[Candles], Labels], candles: Candles, rows: np.ndarray, *, seed: int
) -> Iterator[AuditFinding]:
    """Yield what is wrong with a label that calls itself a forecast; rows (n,) with a label, some of which are tried."""
    own = label(candles)
    tried = rows[np.linspace(0, len(rows) - 1, min(TRIALS, len(rows))).astype(int)]
    beyond, depends, mirrored = _late(label, candles, own, tried, seed), 0, []
    for number, row in enumerate(tried.tolist()):
        future = label(rewritten(candles, after(candles, candles.time[row]), seed=seed + number))
        depends += int(future.label[row] != own.label[row])
        past = label(mirrored_before(candles, row))
        mirrored.append(past.label[row] != own.label[row])
    if beyond is not None:
        yield beyond
    if not depends and len(tried) >= TRIALS // 2:
        yield AuditFinding(
            "label reads its own window",
            "leak",
            f"data.label, {where(candles, int(tried[0]))}",
            f"in {len(tried)} trials the label stayed as it was when every bar after its window was rewritten: it is drawn "
            "inside the input and forecasts nothing",
            "call it recognition, or make the label of bars after the window's last",
        )
    elif np.mean(mirrored) > OFTEN:
        row = int(tried[int(np.argmax(mirrored))])
        yield AuditFinding(
            "label reads bars of its own window",
            "leak",
            f"data.label, {where(candles, row)}",
            f"in {sum(mirrored)} of {len(tried)} trials the label turned when the bars before its window's last were mirrored",
            "measure the outcome from the close of the window's last bar on",
        )


def _late(
    label: Callable[[Candles], Labels], candles: Candles, own: Labels, tried: np.ndarray, seed: int
) -> AuditFinding | None:
    """A label that changes with bars after its declared end."""
    for number, row in enumerate(tried.tolist()):
        end = int(own.label_end[row])
        later = after(candles, candles.time[max(end, row)])
        if not later.any():
            continue
        future = label(rewritten(candles, later, seed=seed + number))
        known = np.arange(max(0, row - 50), row + 1)
        known = known[
            (own.label[known] >= 0) & (own.label_end[known] <= end) & (candles.symbol[known] == candles.symbol[row])
        ]
        wrong = known[own.label[known] != future.label[known]]
        if len(wrong):
            return AuditFinding(
                "label reads further than its label_end",
                "leak",
                f"data.label, {where(candles, int(wrong[0]))}",
                f"{len(wrong)} labels that say they are known at {where(candles, end)} changed with the bars after it: the purge "
                "between the parts is too small",
                "let label_end be the last row that the label looked at",
            )
    return None


def parts_apart(candles: Candles, ends: np.ndarray, label_stop: np.ndarray, part: np.ndarray) -> Iterator[AuditFinding]:
    """Yield one finding for each pair of parts whose labels share bars.

    ends        (n,) last row of each window; label_stop (n,) last row of each label, that of the window where there is none.
    part        (n,) 0 train, 1 validation, 2 test, -1 dropped.
    """
    start, stop = candles.time[ends], candles.time[np.maximum(label_stop, ends)]
    names = ("training", "validation", "test")
    for earlier, later in ((0, 1), (0, 2), (1, 2)):
        mine, theirs = np.flatnonzero(part == earlier), part == later
        if not len(mine) or not theirs.any():
            continue
        before = np.searchsorted(np.sort(start[theirs]), stop[mine], side="right")
        gone = np.searchsorted(np.sort(stop[theirs]), start[mine], side="left")
        shared = mine[before > gone]
        if len(shared):
            yield AuditFinding(
                "purge missing",
                "leak",
                f"data.split, {where(candles, int(ends[shared[0]]))}",
                f"{len(shared):,} {names[earlier]} labels look at bars of the {names[later]} part",
                f"drop the {names[earlier]} windows whose label ends after the {names[later]} part begins",
            )
