"""All thresholds in one pass over rows sorted by how sure they are: running sums of profits after costs, as compiled loops."""

from __future__ import annotations

import numpy as np

from candlelab.core.compiled import compiled, inlined

# one record per row and one per instant: neighbours share a cache line, which halves the time of the pass
ROW = np.dtype([("gain", "f8"), ("instant", "i4"), ("side", "i1"), ("edge", "i1"), ("held", "i1"), ("pad", "i1")])
INSTANT = np.dtype([("profit", "f8"), ("weight", "f8"), ("times", "f8"), ("pad", "f8")])
FIRST, LAST = 1, 2
BLOCK = 1024  # rows

# where an instant has one row, a byte tells all that changes: side + 1 in two bits, then these
SIDE, FIRST_ROW, LAST_ROW, HELD = np.uint8(3), np.uint8(4), np.uint8(8), np.uint8(16)


@compiled
def sweep_instants(order, ends_group, groups, row, at, cost):
    """Mean and variance of the profit per instant after costs at each threshold, and positions opened; (groups,) each.

    order  (n,) rows from the most to the least sure; ends_group (n,) the last row of each threshold. row (N,) ROW, at (T,) INSTANT.
    """
    means, variances, opened = np.empty(groups), np.empty(groups), np.zeros(groups, np.int64)
    total, squares, entries, group, size = 0.0, 0.0, 0, groups, len(at)
    for j in range(len(order)):
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
        for t, change in ((u, follow), (row[i].instant, own)):
            change *= at[t].weight
            total += at[t].times * change
            squares += at[t].times * change * (2 * at[t].profit + change)
            at[t].profit += change
        if ends_group[j]:
            group -= 1
            opened[group] = entries
            means[group], variances[group] = _moments(total, squares, size)
    return means, variances, opened


@compiled
def sweep_rows(order, ends_group, groups, gain, state, times, cost):
    """`sweep_instants` where every instant has one row, with the same numbers: what a row has earned follows from its neighbours.

    state  (N,) uint8, used up; gain, times (N,).
    """
    means, variances, opened = np.empty(groups), np.empty(groups), np.zeros(groups, np.int64)
    sums, group, size = (0.0, 0.0, 0), groups, len(state)
    own_gain, next_gain = np.empty(BLOCK), np.empty(BLOCK)
    for start in range(0, len(order), BLOCK):
        rows = order[start : start + BLOCK]
        _fetch(rows, gain, state, own_gain, next_gain)
        for j in range(rows.size):
            sums = _joined(sums, rows[j], own_gain[j], next_gain[j], state, times, cost)
            if ends_group[start + j]:
                group -= 1
                opened[group] = sums[2]
                means[group], variances[group] = _moments(sums[0], sums[1], size)
    return means, variances, opened


@compiled
def _fetch(rows, gain, state, own_gain, next_gain):
    """Read what a block of rows needs from all over memory, many places at a time: the sums after it go one by one."""
    touched = np.uint8(0)
    for j in range(rows.size):
        i = rows[j]
        touched |= state[i]
        own_gain[j], next_gain[j] = gain[i], gain[min(i + 1, gain.size - 1)]
    return touched


@inlined
def _joined(sums, i, own_gain, next_gain, state, times, cost):
    """The sums of changes and of their squares, and the positions opened, after row i has joined."""
    total, squares, entries = sums
    mine = state[i]
    now, last = np.int64(mine & SIDE) - 1, mine & LAST_ROW
    before = 0 if mine & FIRST_ROW else _held(state[i - 1])
    following = mine if last else state[i + 1]
    after = 0 if last else _held(following)
    state[i] = mine | HELD
    entries += (now != before) - (after == now)
    own = now * own_gain - cost * (abs(now - before) - abs(before))
    follow = -cost * (abs(after - now) - abs(after))
    paid = -cost * abs(before)  # what the row before has let this one pay for going flat
    if last:
        total += times[i] * follow
        squares += times[i] * follow * (2 * paid + follow)
        paid += follow
    else:
        total += times[i + 1] * follow
        squares += times[i + 1] * follow * (2 * _earned(after, next_gain, following, cost) + follow)
    total += times[i] * own
    squares += times[i] * own * (2 * paid + own)
    return total, squares, entries


@inlined
def _held(state):
    return (np.int64(state & SIDE) - 1) * np.int64((state & HELD) != 0)


@inlined
def _earned(side, gain, state, cost):
    """What a row has earned while the one before it stood aside; 0 if it stands aside, too."""
    own = side * gain - cost * abs(side)
    flat = -cost * abs(side) if state & LAST_ROW else 0.0
    return flat + own if side != 0 else 0.0


@inlined
def _moments(total, squares, size):
    mean = total / size
    variance = (squares - size * mean * mean) / (size - 1)
    # rounding leaves about 1e-16 of the squares on a constant series
    moves = variance > 1e-13 * squares / size and variance > 1e-30
    return mean, variance if moves else np.nan
