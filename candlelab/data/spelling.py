"""Captions as loops over the tape: the levels of a window's fields, and their token ids by table."""

from __future__ import annotations

import math

import numpy as np

from candlelab.core.compiled import compiled

SNAP = 2.0**20  # as in caption
SIZE, SHADOW, PLACE, TREND, RATIO = range(5)  # rows of the edges


@compiled
def window_levels(logs, high, low, volume, opened, closed, body, ends, window, edges, levels):
    """Write `caption.relative_levels` of windows without missing bars into levels (n, 12) uint8, from the same sums in the same order.

    logs, high, low, volume (N,) of the tape, the first in logarithms; opened, closed, body (n,) of the last bars, body their |log
    return|. edges (5, most) float64, inf where a row has fewer.
    """
    quarter, moves, sizes = max(2, window // 4), np.empty(window - 1), np.empty(window - 1)
    for k in range(ends.size):
        start, end = ends[k] - window + 1, ends[k]
        top, bottom = start, start
        for t in range(start, end + 1):
            top, bottom = (t if high[t] > high[top] else top), (t if low[t] < low[bottom] else bottom)
        for j in range(window - 1):
            moves[j] = logs[start + j + 1] - logs[start + j]
            sizes[j] = abs(moves[j])
        typical = pairwise_sum(sizes) / (window - 1)
        typical = 1.0 if typical == 0 else typical
        newest, length = moves[window - 1 - quarter :], high[end] - low[end]
        span, usual = high[top] - low[bottom], pairwise_sum(volume[start : end + 1]) / window
        row = levels[k]
        row[0] = 2 if closed[k] > opened[k] else (0 if closed[k] < opened[k] else 1)
        row[1] = _level(body[k] / typical, edges[SIZE])
        row[2] = _level((high[end] - max(opened[k], closed[k])) / length if length > 0 else 0.0, edges[SHADOW])
        row[3] = _level((min(opened[k], closed[k]) - low[end]) / length if length > 0 else 0.0, edges[SHADOW])
        row[4] = _level((closed[k] - low[bottom]) / span if span > 0 else 0.5, edges[PLACE])
        row[5] = _level(pairwise_sum(moves) / (typical * math.sqrt(window - 1)), edges[TREND])
        row[6] = _level(pairwise_sum(newest) / (typical * math.sqrt(quarter)), edges[TREND])
        row[7] = _level(pairwise_sum(sizes[window - 1 - quarter :]) / quarter / typical, edges[RATIO])
        row[8] = _level(volume[end] / usual if usual > 0 else 0.0, edges[RATIO])
        row[9] = _run(moves)
        row[10], row[11] = (top - start) * 4 // window, (bottom - start) * 4 // window


@compiled
def pairwise_sum(values):
    """Sum as NumPy adds a row of up to 128 numbers: eight at a time, and longer ones in halves."""
    count = values.size
    if count > 128:
        half = count // 2
        half -= half % 8
        return pairwise_sum(values[:half]) + pairwise_sum(values[half:])
    if count < 8:
        total = 0.0 if count == 0 else values[0]
        for k in range(1, count):
            total += values[k]
        return total
    a, b, c, d, e, f, g, h = values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7]
    whole = count - count % 8
    for k in range(8, whole, 8):
        a, b, c, d = a + values[k], b + values[k + 1], c + values[k + 2], d + values[k + 3]
        e, f, g, h = e + values[k + 4], f + values[k + 5], g + values[k + 6], h + values[k + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for k in range(whole, count):
        total += values[k]
    return total


@compiled
def _level(value, edges):
    snapped, reached = np.rint(value * SNAP) / SNAP, 0
    for edge in edges:
        reached += snapped >= edge
    return reached


@compiled
def _run(moves):
    last, count = np.sign(moves[-1]), 0
    if last == 0:
        return 0
    for k in range(min(5, moves.size)):
        if np.sign(moves[-1 - k]) != last:
            break
        count += 1
    return count


@compiled
def longest_row(levels, sizes):
    """Return how many tokens the longest caption has, its first and last included; sizes (fields, words)."""
    longest = 0
    for k in range(levels.shape[0]):
        total = 2
        for field in range(levels.shape[1]):
            total += sizes[field, levels[k, field]]
        longest = max(longest, total)
    return longest


@compiled
def write_tokens(levels, table, sizes, begin, stop, ids, mask):
    """Write the token ids of captions, and where they are, into ids (n, length) full of padding and mask (n, length) of False.

    table  (fields, words, most) ids of each word of each field, of which sizes (fields, words) count.
    """
    for k in range(levels.shape[0]):
        ids[k, 0], at = begin, 1
        for field in range(levels.shape[1]):
            word = levels[k, field]
            for j in range(sizes[field, word]):
                ids[k, at] = table[field, word, j]
                at += 1
        ids[k, at] = stop
        mask[k, : at + 1] = True
