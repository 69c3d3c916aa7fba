"""All thresholds in one pass over rows sorted by how sure they are: running sums of profits after costs, as compiled loops."""

from __future__ import annotations

import numpy as np

from candlelab.core.compiled import compiled, inlined

# one record per row and one per instant: neighbours share a cache line, which halves the time of the pass
ROW = np.dtype([("gain", "f8"), ("instant", "i4"), ("side", "i1"), ("edge", "i1"), ("held", "i1"), ("pad", "i1")])
INSTANT = np.dtype([("profit", "f8"), ("weight", "f8"), ("times", "f8"), ("pad", "f8")])
FIRST, LAST = 1, 2
BLOCK = 1024  # rows


@compiled
def sweep_instants(order, begins, row, at, cost, means, variances, opened):
    """Write mean and variance of the profit per instant after costs at each threshold, and positions opened; (groups,) each.

    order  (n,) rows from the least to the most sure; begins (n,) the first row of each threshold. row (N,) ROW, at (T,) INSTANT.
    """
    total, squares, entries, group = 0.0, 0.0, 0, means.size
    for j in range(len(order) - 1, -1, -1):
        i = order[j]
        now, edge = row[i].side, row[i].edge
        before = 0 if edge & FIRST else row[i - 1].held
        after = 0 if edge & LAST else row[i + 1].held
        row[i].held = now
        entries += (now != before) - (after == now)
        own = now * row[i].gain - cost * (abs(now - before) - abs(before))
        follow = -cost * (abs(after - now) - abs(after))
        # the last row of a chain pays for going flat itself, otherwise the next row pays
        u = row[i].instant if edge & LAST else row[i + 1].instant
        more, more_squares = 0.0, 0.0
        for t, change in ((u, follow), (row[i].instant, own)):
            change *= at[t].weight
            more += at[t].times * change
            more_squares += at[t].times * change * (2 * at[t].profit + change)
            at[t].profit += change
        total, squares = total + more, squares + more_squares
        if begins[j]:
            group -= 1
            means[group], variances[group], opened[group] = total, squares, entries
    _to_moments(means, variances, len(at))


@compiled
def changes_of_rows(score, side, edge, gain, times, cost, sums, opened):
    """Write what joining changes where every instant has one row: sums of profits and of their squares (N, 2), positions opened (N,) int8.

    A row joins before those that are less sure, and before the row ahead of it if both are as sure: who stands
    beside it then follows from the scores, so memory is read in order. side (N,) int8; 0 never joins.
    """
    for i in range(side.size):
        now, first, last = np.int64(side[i]), edge[i] & FIRST, edge[i] & LAST
        before = np.int64(0 if first or not score[i - 1] > score[i] else side[i - 1])
        after = np.int64(0 if last or not score[i + 1] >= score[i] else side[i + 1])
        opened[i] = (now != before) - (after == now)
        own = now * gain[i] - cost * (abs(now - before) - abs(before))
        follow = -cost * (abs(after - now) - abs(after))
        paid = -cost * abs(before)  # what the row before has let this one pay for going flat
        if last:
            more, squares = times[i] * follow, times[i] * follow * (2 * paid + follow)
            paid += follow
        else:
            earned = _earned(after, gain[i + 1], edge[i + 1] & LAST, cost)
            more, squares = times[i + 1] * follow, times[i + 1] * follow * (2 * earned + follow)
        sums[i, 0], sums[i, 1] = more + times[i] * own, squares + times[i] * own * (2 * paid + own)


@inlined
def _earned(side, gain, last, cost):
    """What a row has earned while the one before it stood aside; 0 if it stands aside, too."""
    own = side * gain - cost * abs(side)
    flat = -cost * abs(side) if last else 0.0
    return flat + own if side != 0 else 0.0


@compiled
def sweep_rows(order, begins, changes, opening, means, variances, opened):
    """`sweep_instants` of what `changes_of_rows` found, with the same numbers."""
    total, squares, entries, group = 0.0, 0.0, 0, means.size
    mine, opens = np.empty((BLOCK, 2)), np.empty(BLOCK, np.int8)
    for end in range(len(order), 0, -BLOCK):
        start = max(0, end - BLOCK)
        for j in range(start, end):  # many places of memory at a time: the sums after it go one by one
            i = order[j]
            mine[j - start, 0], mine[j - start, 1], opens[j - start] = changes[i, 0], changes[i, 1], opening[i]
        reached = group
        for j in range(end - 1, start - 1, -1):
            total, squares = total + mine[j - start, 0], squares + mine[j - start, 1]
            entries += opens[j - start]
            if begins[j]:
                group -= 1
                means[group], variances[group], opened[group] = total, squares, entries
        _to_moments(means[group:reached], variances[group:reached], opening.size)


@compiled
def _to_moments(sums, squares, size):
    """Turn sums of profits and of their squares into mean and variance (NaN where nothing moves) in place."""
    for k in range(sums.size):
        mean = sums[k] / size
        variance = (squares[k] - size * mean * mean) / (size - 1)
        # rounding leaves about 1e-16 of the squares on a constant series
        moves = (variance > 1e-13 * squares[k] / size) & (variance > 1e-30)
        sums[k], squares[k] = mean, variance if moves else np.nan
