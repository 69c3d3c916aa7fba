"""The pictures of a study: many models side by side."""

from collections.abc import Callable, Sequence
from math import ceil, floor, log10

import numpy as np

from candlelab.report import formats
from candlelab.report.figures import Estimate, Figure, Reference
from candlelab.report.svg import Panel, labelled, name_space, row_height, row_name, ticks, value_range


def scatter(
    points: Sequence[tuple[float, Estimate]],
    references: Sequence[Reference],
    *,
    title: str,
    note: str,
    across: str,
    words_x: Callable[[float], str],
) -> Figure:
    """Accuracy with its interval against a cost on a logarithmic axis, dots numbered from the best; points = (x > 0, estimate)."""
    x = np.log10([at for at, _ in points])
    ends = [end for _, row in points for end in (row.value, row.low, row.high) if end is not None] + [
        reference.value for reference in references
    ]
    panel = Panel(
        value_range(x, pad=0.12, least=0.4), value_range(ends, least=0.02), title, height=350, style="scatter"
    )
    panel.left_axis(labelled(ticks(*panel.y, 5), formats.percent, scale=100))
    panel.bottom_axis(_powers(panel.x, words_x), across)
    for reference in references:
        panel.stroke(panel.x[0], reference.value, panel.x[1], reference.value, reference.kind)
        panel.text(panel.x[1], reference.value, reference.name, kind="small", anchor="end", dy=-5)
    ranked = sorted(zip(x, (row for _, row in points), strict=True), key=lambda pair: -pair[1].value)
    taken = [
        (float(panel.to_x(place)) - 6, float(panel.to_x(place)) + 6, float(panel.to_y(row.value)))
        for place, row in ranked
    ]
    for number, (place, row) in enumerate(ranked, start=1):
        if row.low is not None and row.high is not None:
            panel.stroke(place, row.low, place, row.high, f"interval-{row.kind}")
        panel.dot(place, row.value, row.kind, f"{row.name}: {formats.percent(row.value)}")
        _name(panel, place, row.value, str(number), taken)
    key = tuple(("number", f"{number} {row.name}") for number, (_, row) in enumerate(ranked, start=1))
    return Figure(title, note, panel.svg(), key)


_WHOLE_TIMES = [size / 10 for size in range(1, 10)] + [
    size * unit for unit in (1, 60, 3600) for size in (*range(1, 10), *range(10, 60, 10))
]  # seconds; every one has words of its own


def _powers(limits: tuple[float, float], words: Callable[[float], str]) -> list[tuple[float, str]]:
    """Round values of a logarithmic axis (times: 1 s, 10 s, 1 min, 10 min, 1 h, …), at most six."""
    powers = range(floor(limits[0]), ceil(limits[1]) + 1)
    if words is formats.seconds:
        coarse, fine = [0.1, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10800, 36000, 86400], _WHOLE_TIMES
    else:
        coarse, fine = ([size * 10.0**power for power in powers for size in sizes] for sizes in ((1, 3), range(1, 10)))
    inside, finer = ([value for value in values if limits[0] <= log10(value) <= limits[1]] for values in (coarse, fine))
    chosen = inside if len(inside) > 1 else finer
    return [(log10(value), _round(value, words)) for value in chosen[:: max(1, -(-len(chosen) // 6))]]


def _round(value: float, words: Callable[[float], str]) -> str:
    """Whole minutes and hours without their seconds."""
    if words is formats.seconds and value >= 60:
        return f"{value / 60:.0f}{formats.THIN}min" if value < 3600 else f"{value / 3600:.0f}{formats.THIN}h"
    return words(value)


def _name(panel: Panel, place: float, value: float, name: str, taken: list[tuple[float, float, float]]) -> None:
    """A label beside its dot, moved up or down until it covers no dot and no earlier label."""
    x, y = float(panel.to_x(place)), float(panel.to_y(value))
    width, start = 8.0 * len(name), x + 8

    def free(shift: float) -> bool:
        return not any(
            abs(y + shift - other) < 12 and start < end and begin < start + width for begin, end, other in taken
        )

    shift = next(shift for step in range(200) for shift in (3 * step, -3 * step) if free(shift))
    taken.append((start, start + width, y + shift))
    panel.text(place, value, name, kind="strong", dx=8, dy=4 + shift)


def bars(rows: Sequence[tuple[str, float]], *, title: str, note: str, words: Callable[[float], str]) -> Figure:
    """One horizontal bar per model with its value at the end, from zero."""
    most = max(value for _, value in rows) or 1.0
    panel = Panel(
        (0, most * 1.25),
        (len(rows) - 0.5, -0.5),
        title,
        height=16 + row_height(name for name, _ in rows) * len(rows),
        left=name_space(name for name, _ in rows),
        top=4,
        bottom=4,
    )
    for place, (name, value) in enumerate(rows):
        panel.bar(0, value, place - 0.3, place + 0.3, "model", f"{name}: {words(value)}")
        row_name(panel, place, name)
        panel.text(value, place, words(value), kind="small", dx=6)
    return Figure(title, note, panel.svg())


def history(
    name: str,
    epoch: np.ndarray,
    train: np.ndarray,
    validation: np.ndarray,
    others: Sequence[tuple[np.ndarray, np.ndarray]],
    limits: tuple[float, float],
    last: float,
) -> Figure:
    """Loss per epoch of one model, the others pale behind it, on the scale common to all."""
    panel = Panel((1, max(last, 2)), limits, f"loss of {name}", height=190, width=300, left=44, bottom=38, top=8)
    panel.left_axis(labelled(ticks(*limits, 3), formats.number))
    panel.bottom_axis(
        labelled([value for value in ticks(*panel.x, 4) if value == round(value)], formats.number), "epoch"
    )
    for epochs, curve in others:
        panel.line(epochs, np.clip(curve, *limits), "pale")
    panel.line(epoch, np.clip(train, *limits), "base", "training")
    panel.line(epoch, np.clip(validation, *limits), "model", "validation")
    return Figure(name, "", panel.svg())


def critical_difference_figure(names: Sequence[str], ranks: Sequence[float], difference: float) -> Figure:
    """Mean ranks, best first; a bar joins models that lie within the critical difference of each other."""
    order = np.argsort(ranks, kind="stable")
    ranks, names = [float(ranks[place]) for place in order], [names[place] for place in order]
    groups = _groups(np.array(ranks), difference)
    panel = Panel(
        (0.7, max(len(names), 2) + 0.3),
        (len(names) - 0.4, -1.2 - 0.5 * len(groups)),
        "mean ranks",
        height=70 + row_height(names) * len(names) + 12 * len(groups),
        left=name_space(names),
        top=10,
    )
    panel.bottom_axis(labelled(range(1, len(names) + 1), formats.number), "mean rank (1 is best)", grid=True)
    for place, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        panel.stroke(panel.x[0], place, rank, place, "axis")
        panel.dot(rank, place, "model" if place == 0 else "base", f"{name}: {rank:.2f}")
        row_name(panel, place, name)
        panel.text(rank, place, formats.number(rank, 2), kind="small", dx=9)
    for level, (first, last) in enumerate(groups):
        panel.stroke(ranks[first] - 0.05, -0.9 - 0.5 * level, ranks[last] + 0.05, -0.9 - 0.5 * level, "critical")
    critical = formats.number(difference, 2)
    note = f"Models under one bar cannot be told apart: their mean ranks differ by less than the critical difference of {critical}."
    return Figure("Mean ranks", note, panel.svg())


def _groups(ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """Longest stretches of sorted ranks no wider than the critical difference, as (first, last) places."""
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.flatnonzero(ranks - ranks[first] < difference)[-1])
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
