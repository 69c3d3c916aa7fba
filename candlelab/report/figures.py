"""The pictures of a report: plain arrays in, one titled SVG out."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from candlelab.core.files import write_text
from candlelab.evaluate.intervals import wilson
from candlelab.report import formats
from candlelab.report.svg import Panel, labelled, name_space, row_height, row_name, ticks, time_ticks, value_range


@dataclass(frozen=True)
class Figure:
    """A picture with the sentence that says how to read it; legend = (kind, words) pairs."""

    title: str
    note: str
    svg: Markup
    legend: tuple[tuple[str, str], ...] = ()

    def document(self) -> str:
        """Return the picture as an SVG file of its own, with the report's colours in it."""
        style = (Path(__file__).parent / "templates" / "style.css.j2").read_text(encoding="utf-8")
        head, _, rest = str(self.svg).partition(">")
        name = "" if "xmlns=" in head else ' xmlns="http://www.w3.org/2000/svg"'
        return f"{head}{name}><style>{style.replace('&', '&amp;').replace('<', '&lt;')}</style>{rest}"

    def save(self, path: str | Path) -> Path:
        """Write the picture as an SVG file and return its path."""
        write_text(Path(path), self.document())
        return Path(path)

    def _repr_html_(self) -> str:
        """Return the picture as a notebook shows it, in colours that do not leak into the page."""
        source = b64encode(self.document().encode("utf-8")).decode("ascii")
        words = f"<strong>{escape(self.title)}</strong> {escape(self.note)}"
        return f'<figure><figcaption>{words}</figcaption><img alt="{escape(self.title)}" src="data:image/svg+xml;base64,{source}"></figure>'


@dataclass(frozen=True)
class Reference:
    """A value to compare with (chance, zero, the Bayes optimum) and its name."""

    value: float
    name: str
    kind: str = "chance"


@dataclass(frozen=True)
class Estimate:
    """One row of a dot-and-interval plot; low and high may be None."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: str = "base"


def range_bar(estimate: Estimate, reference: Reference, words: Callable[[float], str]) -> Markup:
    """A verdict's interval drawn against the value that would mean nothing is there."""
    low, high = _ends(estimate)
    panel = Panel(
        value_range([low, high, estimate.value, reference.value], pad=0.22, least=1e-6),
        (0, 1),
        f"{words(estimate.value)}, {reference.name}",
        width=300,
        height=62,
        left=8,
        right=8,
        top=0,
        bottom=0,
    )
    panel.stroke(panel.x[0], 0.5, panel.x[1], 0.5, "axis")
    panel.bar(low, high, 0.58, 0.42, "interval")
    panel.stroke(reference.value, 0.72, reference.value, 0.28, "chance")
    panel.dot(estimate.value, 0.5, "model", words(estimate.value), radius=6)
    panel.text(estimate.value, 0.8, words(estimate.value), kind="strong", anchor=_anchor(panel, estimate.value))
    panel.text(reference.value, 0.08, reference.name, kind="small", anchor=_anchor(panel, reference.value), dy=2)
    return panel.svg()


def _ends(estimate: Estimate) -> tuple[float, float]:
    """The interval's ends, or the value itself where there is no interval."""
    low, high = (end if formats.is_known(end) else estimate.value for end in (estimate.low, estimate.high))
    return low, high


def _anchor(panel: Panel, value: float) -> str:
    """Keeps a word near the border inside the picture."""
    share = (value - panel.x[0]) / (panel.x[1] - panel.x[0])
    return "start" if share < 0.25 else "end" if share > 0.75 else "middle"


def _apart(panel: Panel, reference: Reference, references: Sequence[Reference]) -> str:
    """As `_anchor`, but the names of two lines are set to their outer sides, where there is room for both."""
    gaps = [other.value - reference.value for other in references if other is not reference]
    near = min(gaps, key=abs, default=None)
    if not near:
        return _anchor(panel, reference.value)
    return "end" if near > 0 else "start"


def comparison_figure(
    rows: Sequence[Estimate],
    references: Sequence[Reference],
    *,
    title: str,
    note: str,
    axis: str,
    words: Callable[..., str],
) -> Figure:
    """Dots with intervals, one row per model, on one scale."""
    ends = [end for row in rows for end in (*_ends(row), row.value)] + [reference.value for reference in references]
    right = 18 if len(references) < 2 else 78  # the second reference writes its name to its right
    panel = Panel(
        value_range(ends),
        (len(rows) - 0.5, -0.5),
        title,
        height=64 + row_height(row.name for row in rows) * len(rows),
        left=name_space(row.name for row in rows),
        right=right,
        top=20,
    )
    panel.bottom_axis(labelled(ticks(*panel.x, 4), words, scale=_scale(words)), axis, grid=True)
    for reference in references:
        panel.stroke(reference.value, panel.y[0], reference.value, panel.y[1], reference.kind)
        side = _apart(panel, reference, references)
        away = {"start": 4, "end": -4}.get(side, 0) if len(references) > 1 else 0
        panel.text(reference.value, -0.5, reference.name, kind="small", anchor=side, dx=away, dy=-7)
    for place, row in enumerate(rows):
        low, high = _ends(row)
        panel.stroke(low, place, high, place, f"interval-{row.kind}")
        panel.dot(row.value, place, row.kind, f"{row.name}: {words(row.value)}")
        row_name(panel, place, row.name, "strong" if row.kind == "model" else "")
    return Figure(title, note, panel.svg())


def confusion_figure(matrix: np.ndarray, classes: Sequence[str]) -> Figure:
    """Shares of each true class by answer; matrix (K, K) of counts, rows true."""
    matrix = np.asarray(matrix, dtype=float)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    size, side = len(classes), min(92.0, 312.0 / len(classes))
    left, below = (92.0, 62.0) if size < 6 else (112.0, 116.0)
    height, right = side * size + below + 8, 440 - left - side * size
    panel = Panel((0, size), (size, 0), "confusion matrix", height=height, left=left, right=right, top=8, bottom=below)
    for true in range(size):
        panel.text(
            0, true + 0.5, classes[true].replace("_", " ")[:18], anchor="end", dx=-10, kind="" if size < 6 else "small"
        )
        for answer in range(size):
            note = f"{classes[true]} called {classes[answer]}: {formats.count(matrix[true, answer])}"
            panel.cell(true, answer, share[true, answer], note)
            _cell_words(panel, true, answer, share[true, answer], matrix[true, answer], side)
    for answer in range(size):
        _column_name(panel, answer + 0.5, classes[answer].replace("_", " "), slanted=size > 5)
    panel.text(size / 2, size, "answer (columns) · truth (rows)", kind="small", anchor="middle", dy=below - 18)
    note = "Each row adds up to 100 %: what the model answered when the truth was the class on the left."
    return Figure("Confusion matrix", note, panel.svg())


def _column_name(panel: Panel, place: float, name: str, *, slanted: bool) -> None:
    """A class name under its column, turned where many stand side by side."""
    x, y = float(panel.to_x(place)), panel.height - panel.bottom
    if slanted:
        panel.add(
            '<text class="small" x="{:.1f}" y="{:.1f}" text-anchor="end" transform="rotate(-48 {:.1f} {:.1f})">{}</text>',
            x + 4,
            y + 14,
            x + 4,
            y + 14,
            name[:18],
        )
    else:
        panel.add('<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>', x, y + 20, name[:12])


def _cell_words(panel: Panel, true: int, answer: int, share: float, cases: float, side: float) -> None:
    """Percentage and, where there is room, the count."""
    kind = "oncell" if share > 0.55 else ""
    if side < 50:
        panel.text(answer + 0.5, true + 0.5, f"{100 * share:.0f}", kind=f"small {kind}", anchor="middle")
        return
    panel.text(answer + 0.5, true + 0.5, formats.percent(share), kind=f"strong {kind}", anchor="middle", dy=0)
    panel.text(answer + 0.5, true + 0.5, formats.count(cases), kind=f"small {kind}", anchor="middle", dy=18)


def reliability(confidence: np.ndarray, hit: np.ndarray, cases: np.ndarray) -> Figure:
    """Stated confidence against the share that was right, per bin; (M,) arrays, NaN where a bin is empty."""
    confidence, hit, cases = (np.asarray(values, dtype=float) for values in (confidence, hit, cases))
    used = (cases > 0) & np.isfinite(confidence) & np.isfinite(hit)
    confidence, hit, cases = confidence[used], hit[used], cases[used]
    spread = 1.96 * np.sqrt(np.clip(hit * (1 - hit), 1e-4, None) / cases)
    low, high = value_range([*confidence, *np.clip(hit - spread, 0, 1), *np.clip(hit + spread, 0, 1)], least=0.1)
    panel = Panel((max(low, 0), min(high, 1)), (max(low, 0), min(high, 1)), "reliability", height=300)
    marks = labelled(ticks(*panel.x, 5), formats.percent, scale=100)
    panel.left_axis(marks)
    panel.bottom_axis(marks, "confidence stated")
    panel.stroke(panel.x[0], panel.x[0], panel.x[1], panel.x[1], "chance")
    for x, y, extra, number in zip(confidence, hit, spread, cases):
        panel.stroke(x, max(y - extra, panel.y[0]), x, min(y + extra, panel.y[1]), "interval-model")
        panel.dot(
            x, y, "model", f"stated {formats.percent(x)}, right {formats.percent(y)}, {formats.count(number)} rows"
        )
    return Figure(
        "Calibration",
        "Share that was right against confidence stated, in groups of equally many rows. On the dashed line the model means what it says.",
        panel.svg(),
    )


def threshold_curve(
    threshold: np.ndarray, validation: np.ndarray, test: np.ndarray, chosen: float | None, across: str
) -> Figure:
    """Yearly Sharpe after fees by threshold; (M,) each, NaN where there is none."""
    both = np.concatenate([validation, test]).astype(float)
    both = both[np.isfinite(both)]
    panel = Panel(
        value_range(threshold, pad=0.03, least=1e-6), value_range([0.0, *both], least=0.5), "Sharpe by threshold"
    )
    panel.left_axis(labelled(ticks(*panel.y, 5), formats.number))
    panel.bottom_axis(labelled(ticks(*panel.x, 5), formats.percent, scale=100), across)
    panel.stroke(panel.x[0], 0, panel.x[1], 0, "zero")
    if chosen is not None and panel.x[0] <= chosen <= panel.x[1]:
        right = chosen > sum(panel.x) / 2
        panel.stroke(chosen, panel.y[0], chosen, panel.y[1], "chance")
        panel.text(
            chosen, panel.y[1], "chosen", kind="small", anchor="end" if right else "start", dx=-6 if right else 6, dy=4
        )
    panel.line(threshold, validation, "base", "validation")
    panel.line(threshold, test, "model", "test")
    note = "Annualised Sharpe after fees. A peak on validation that the test line does not share is luck."
    return Figure(
        "Threshold", note, panel.svg(), (("base", "validation (chosen here)"), ("model", "test (applied unchanged)"))
    )


def equity(time: np.ndarray, curves: Sequence[tuple[str, str, np.ndarray]]) -> Figure:
    """Growth of one unit on a logarithmic scale; curves = (kind, name, values (T,) above 0), time (T,) ms UTC."""
    logs = [(kind, name, np.log10(np.maximum(values, 1e-6))) for kind, name, values in curves]
    panel = _over_time(time, logs, 0.0, "equity")
    panel.read = "log"
    low, high = (10**edge for edge in panel.y)
    marks = (
        ticks(low, high, 5)
        if high / low < 4
        else np.array(
            [size * 10.0**power for power in range(-6, 10) for size in ((1, 2, 5) if high / low < 100 else (1,))]
        )
    )
    panel.left_axis(
        [(np.log10(at), words) for at, words in labelled(marks[(marks >= low) & (marks <= high)], formats.number)]
    )
    return Figure(
        "Equity",
        "What one unit of money became over the test period; equal steps upwards are equal percentages.",
        panel.svg(),
        _legend(curves),
    )


def drawdown(time: np.ndarray, curves: Sequence[tuple[str, str, np.ndarray]]) -> Figure:
    """Fall from the highest equity so far; fractions, zero or negative."""
    panel = _over_time(time, curves, 0.0, "drawdown")
    panel.read = "percent"
    panel.left_axis(labelled(ticks(*panel.y, 5), formats.percent, scale=100))
    return Figure("Drawdown", "How far below its own peak the account stood.", panel.svg(), _legend(curves))


def _over_time(time: np.ndarray, curves: Sequence[Any], start: float, label: str) -> Panel:
    """Curves over calendar time, thinned to what a screen can show."""
    values = np.concatenate([np.asarray(curve, dtype=float) for _, _, curve in curves])
    panel = Panel((float(np.min(time)), float(np.max(time)) + 1), value_range([start, *values], least=0.01), label)
    panel.bottom_axis(time_ticks(*panel.x, most=5))
    panel.stroke(panel.x[0], start, panel.x[1], start, "zero")
    for kind, name, curve in curves:
        panel.line(*thinned_line(time, curve), kind, name)
    return panel


def _scale(words: Callable[..., str]) -> float:
    """What the words multiply a value by."""
    return 100 if words in (formats.percent, formats.points) else 1


def _legend(curves: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((kind, name) for kind, name, _ in curves)


def thinned_line(x: np.ndarray, y: np.ndarray, most: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """At most `2 * most` points that keep the lowest and highest value of every stretch."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) <= 2 * most:
        return x, y
    kept = {0, len(x) - 1}
    for part in np.array_split(np.arange(len(x)), most):
        if np.isfinite(y[part]).any():
            kept |= {int(part[np.nanargmin(y[part])]), int(part[np.nanargmax(y[part])])}
    order = sorted(kept)
    return x[order], y[order]


def over_time(
    time: np.ndarray,
    value: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    references: Sequence[Reference],
    *,
    title: str,
    note: str,
) -> Figure:
    """A share per stretch of time with its interval; (B,) each, time in ms UTC."""
    ends = [*low, *high, *(reference.value for reference in references)]
    panel = Panel(value_range(time, pad=0.06, least=1e6), value_range(ends, least=0.02), title)
    panel.left_axis(labelled(ticks(*panel.y, 5), formats.percent, scale=100))
    panel.bottom_axis(time_ticks(*panel.x, most=5))
    for reference in references:
        panel.stroke(panel.x[0], reference.value, panel.x[1], reference.value, reference.kind)
    for place, middle, bottom, top in zip(time, value, low, high, strict=True):
        panel.stroke(place, bottom, place, top, "interval-model")
        panel.dot(place, middle, "model", f"{formats.percent(middle)} ({formats.interval(bottom, top)})", radius=3.5)
    return Figure(title, note, panel.svg())


def by_difficulty(levels: Sequence[Mapping[str, float]], chance: float) -> Figure | None:
    """Share of right answers at each difficulty with its interval; levels hold difficulty (0 to 1), samples and right."""
    if not levels:
        return None
    shares = [(each["difficulty"], each["right"] / each["samples"], each["samples"]) for each in levels]
    panel = Panel((-0.05, 1.05), (0.0, 1.02), "Right by difficulty")
    panel.left_axis(labelled(ticks(*panel.y, 5), formats.percent, scale=100))
    panel.bottom_axis(labelled([place for place, _, _ in shares], formats.number), "difficulty")
    panel.stroke(panel.x[0], chance, panel.x[1], chance, "chance")
    panel.line(
        np.array([place for place, _, _ in shares]), np.array([share for _, share, _ in shares]), "model", "the model"
    )
    for place, share, size in shares:
        low, high = wilson(share, size, 0.95)
        panel.stroke(place, low, place, high, "interval-model")
        panel.dot(place, share, "model", f"{formats.percent(share)} ({formats.interval(low, high)})", radius=3.5)
    note = f"New samples at each difficulty, {shares[0][2]} each; dashed: chance. A net that reads shapes fails slowly as noise drowns them."
    return Figure("Right by difficulty", note, panel.svg())


def training_figure(
    epoch: np.ndarray,
    curves: Sequence[tuple[str, str, np.ndarray]],
    *,
    title: str,
    note: str,
    words: Callable[..., str],
) -> Figure:
    """One quantity per epoch; curves = (kind, name, values)."""
    values = [value for _, _, curve in curves for value in curve]
    panel = Panel(
        value_range(epoch, pad=0.03, least=1),
        value_range(values, least=0.02 if words is formats.percent else 0.005),
        title,
        height=220,
    )
    panel.left_axis(labelled(ticks(*panel.y, 4), words, scale=_scale(words)))
    panel.bottom_axis(
        labelled([value for value in ticks(*panel.x, 6) if value == round(value)], formats.number), "epoch"
    )
    for kind, name, curve in curves:
        panel.line(epoch, curve, kind, name)
        for x, y in zip(epoch, curve):
            if np.isfinite(y) and len(epoch) <= 40:
                panel.dot(x, y, kind, f"{name}, epoch {x:.0f}: {words(y)}", radius=2.5)
    return Figure(title, note, panel.svg(), _legend(curves))
