"""Scales, axes and marks of a static figure: SVG that takes its colours from the page it stands in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import floor, log10
from typing import Any

import numpy as np
from markupsafe import Markup

WIDTH = 440


@dataclass(frozen=True)
class Axis:
    """A straight line from data units to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: Any) -> Any:
        """Pixels of `value`; any shape, NaN stays NaN."""
        share = (np.asarray(value, dtype=float) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def value_range(values: Iterable[float], *, pad: float = 0.06, least: float = 1e-9) -> tuple[float, float]:
    """The range of the finite values, widened by `pad` of its width on both sides and to `least` at least."""
    array = np.asarray([value for value in values if value is not None], dtype=float)
    array = array[np.isfinite(array)]
    if not len(array):
        return 0.0, 1.0
    low, high = float(array.min()), float(array.max())
    extra = max((high - low) * pad, (least - (high - low)) / 2, abs(high) * 1e-9, 1e-12)
    return low - extra, high + extra


def ticks(low: float, high: float, count: int = 5) -> np.ndarray:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten) inside [low, high], about `count` of them."""
    rough = (high - low) / max(count, 1)
    power = 10.0 ** floor(log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    found = np.arange(first, np.floor(high / step + 1e-9) + 1) * step
    return np.where(np.abs(found) < step * 1e-6, 0.0, found)


def time_ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Calendar marks of [low, high] (milliseconds UTC) with the shortest label that tells them apart."""
    steps = [("h", 1), ("h", 6), ("D", 1), ("D", 2), ("D", 7), ("D", 14), ("M", 1), ("M", 2), ("M", 3), ("M", 6)]
    steps += [("Y", 1), ("Y", 2), ("Y", 5), ("Y", 10)]
    for unit, step in steps:
        edges = np.array([low, high]).astype("int64").astype("M8[ms]").astype(f"M8[{unit}]").astype("int64")
        marks = np.arange(edges[0] // step * step, edges[1] + 1, step).astype(f"M8[{unit}]")
        place = marks.astype("M8[ms]").astype("int64").astype(float)
        inside = (place >= low) & (place <= high)
        if inside.sum() <= most:
            break
    cut = {"h": slice(5, 13), "D": slice(5, 10), "M": slice(0, 7), "Y": slice(0, 4)}[unit]
    label = [str(mark)[cut].replace("T", " ") + ("h" if unit == "h" else "") for mark in marks]
    return [(at, text) for at, text, keep in zip(place, label, inside) if keep]


@dataclass
class Panel:
    """One plotting area; marks are added in painting order.

    x, y       data ranges (low, high).
    label      what the picture shows, for people who cannot see it.
    style      a class of the whole picture.
    read       how the page's script reads values off the lines: number, percent (of fractions) or log (powers of ten).
    kind       of a mark is a class of the page's style sheet: model, base, hold, good, bad, muted, band, …
    """

    x: tuple[float, float]
    y: tuple[float, float]
    label: str
    height: float = 250
    width: float = WIDTH
    left: float = 52
    right: float = 14
    top: float = 14
    bottom: float = 44
    style: str = ""
    read: str = "number"
    marks: list[Markup] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.to_x: Axis = Axis(*self.x, self.left, self.width - self.right)
        self.to_y: Axis = Axis(*self.y, self.height - self.bottom, self.top)

    def add(self, pattern: str, *values: Any, **named: Any) -> None:
        """Append markup; every value is escaped."""
        self.marks.append(Markup(pattern).format(*values, **named))

    def bottom_axis(self, marks: Sequence[tuple[float, str]], title: str = "", *, grid: bool = False) -> None:
        """Ticks with labels along the bottom, and what they measure."""
        floor_y = self.height - self.bottom
        for at, label in marks:
            x = float(self.to_x(at))
            top = self.top if grid else floor_y
            self.add(
                '<line class="{}" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>',
                "grid" if grid else "tick",
                x,
                x,
                top,
                floor_y + (0 if grid else 4),
            )
            self.add('<text class="small" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>', x, floor_y + 17, label)
        self.add(
            '<line class="axis" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>',
            self.left,
            self.width - self.right,
            floor_y,
            floor_y,
        )
        middle = (self.left + self.width - self.right) / 2
        if title:
            self.add(
                '<text class="small" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>',
                middle,
                self.height - 7,
                title,
            )

    def left_axis(self, marks: Sequence[tuple[float, str]]) -> None:
        """Horizontal grid lines with labels on the left."""
        for at, label in marks:
            y = float(self.to_y(at))
            self.add(
                '<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>',
                self.left,
                self.width - self.right,
                y,
                y,
            )
            self.add(
                '<text class="small" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>', self.left - 7, y + 4, label
            )

    def line(self, x: Any, y: Any, kind: str, note: str = "") -> None:
        """A polyline, broken where a value is missing."""
        px, py = np.asarray(self.to_x(x)), np.asarray(self.to_y(y))
        kept = np.isfinite(px) & np.isfinite(py)
        for part in np.split(np.arange(len(px)), np.flatnonzero(~kept)):
            part = part[kept[part]]
            if len(part):
                path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px[part], py[part]))
                self.add('<polyline class="line {}" points="{}"><title>{}</title></polyline>', kind, path, note)

    def area(self, x: Any, low: Any, high: Any, kind: str) -> None:
        """The region between two curves."""
        x, low, high = np.broadcast_arrays(np.asarray(x, float), low, high)
        ahead = [f"{a:.1f},{b:.1f}" for a, b in zip(self.to_x(x), self.to_y(high))]
        back = [f"{a:.1f},{b:.1f}" for a, b in zip(self.to_x(x[::-1]), self.to_y(low[::-1]))]
        self.add('<polygon class="area {}" points="{}"/>', kind, " ".join(ahead + back))

    def dot(self, x: float, y: float, kind: str, note: str = "", radius: float = 4.5) -> None:
        """A round mark with a note shown on hover."""
        self.add(
            '<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>',
            kind,
            float(self.to_x(x)),
            float(self.to_y(y)),
            radius,
            note,
        )

    def bar(self, x1: float, x2: float, y1: float, y2: float, kind: str, note: str = "") -> None:
        """A rectangle between two corners in data units."""
        (left, right), (top, bottom) = sorted(map(float, self.to_x([x1, x2]))), sorted(map(float, self.to_y([y1, y2])))
        self.add(
            '<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>',
            kind,
            left,
            top,
            right - left,
            bottom - top,
            note,
        )

    def cell(self, row: int, column: int, share: float, note: str, kind: str = "") -> None:
        """A square of a table, as dark as its share (0 to 1); kind gain or loss for a colour of its own."""
        left, top = float(self.to_x(column)), float(self.to_y(row))
        width, height = float(self.to_x(column + 1)) - left, float(self.to_y(row + 1)) - top
        pattern = '<rect class="bar cell {}" style="--share:{:.3f}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
        self.add(pattern, kind, share, left + 1, top + 1, width - 2, height - 2, note)

    def stroke(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line between two points in data units."""
        px, py = self.to_x([x1, x2]), self.to_y([y1, y2])
        self.add(
            '<line class="stroke {}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>',
            kind,
            px[0],
            py[0],
            px[1],
            py[1],
        )

    def text(
        self, x: float, y: float, words: str, *, kind: str = "", anchor: str = "start", dx: float = 0, dy: float = 4
    ) -> None:
        """Words at a point in data units, shifted by pixels."""
        self.add(
            '<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>',
            kind,
            float(self.to_x(x)) + dx,
            float(self.to_y(y)) + dy,
            anchor,
            words,
        )

    def _scales(self) -> Markup:
        """What the page's script needs to read values off the lines; nothing where there are none."""
        if not any('<polyline class="line' in mark for mark in self.marks):
            return Markup("")
        pattern = ' data-x="{!r} {!r} {:g} {:g}" data-y="{!r} {!r} {:g} {:g}" data-read="{}"'
        ends = [
            *map(float, self.x),
            self.to_x.start,
            self.to_x.end,
            *map(float, self.y),
            self.to_y.start,
            self.to_y.end,
        ]
        return Markup(pattern.format(*ends, self.read))

    def svg(self) -> Markup:
        """The finished picture."""
        head = Markup('<svg class="{}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}"{}>').format(
            self.style, self.width, self.height, self.label, self._scales()
        )
        return head + Markup("").join(self.marks) + Markup("</svg>")


LONGEST = 22  # letters of a line


def name_lines(name: str) -> list[str]:
    """A name in lines of at most 22 letters, broken between its words; a word that is longer still loses its middle."""
    lines: list[str] = []
    for word in name.split() or [""]:
        if lines and len(lines[-1]) + 1 + len(word) <= LONGEST:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [line if len(line) <= LONGEST else f"{line[:12]}…{line[-9:]}" for line in lines]


def name_space(names: Iterable[str]) -> float:
    """Pixels that the longest line of a name on the left needs, at the larger type of a phone."""
    return 18 + 7.9 * max(len(line) for name in names for line in name_lines(name))


def row_height(names: Iterable[str]) -> float:
    """Pixels of a row, high enough for the name with the most lines."""
    return 10 + 15 * max(len(name_lines(name)) for name in names)


def row_name(panel: Panel, place: float, name: str, kind: str = "") -> None:
    """Write a name to the left of its row, its lines around the row's middle."""
    lines = name_lines(name)
    for number, line in enumerate(lines):
        panel.text(
            panel.x[0], place, line, kind=kind, anchor="end", dx=-10, dy=4 + 15 * (number - (len(lines) - 1) / 2)
        )


def labelled(
    values: Iterable[float], words: Callable[[float, int], str], *, scale: float = 1
) -> list[tuple[float, str]]:
    """Tick positions with labels of just enough digits; `scale` is what the words multiply by (100 for percent)."""
    values = [float(value) for value in values]
    digits = next(
        (few for few in range(5) if all(abs(scale * value - round(scale * value, few)) < 1e-6 for value in values)), 5
    )
    return [(value, words(value, digits)) for value in values]
