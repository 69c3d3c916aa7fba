"""Markdown page on how often the verdict was right on simulated markets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.stats import norm

Row = Mapping[str, str | int | float]
WANTED = {  # the start of a column's name -> lowest and highest share that are right
    "yes: ": (0.0, 0.04),
    "covers: ": (0.93, 0.97),
    "power": (0.75, 0.87),
}
INTRO = """# How often the verdict is right

Markets whose truth is known, and models that know nothing or exactly as much as the smallest edge a verdict names, scored by the verdict's own
code. `python -m candlelab task=simulate` draws {worlds} histories of {bars} test bars for each of {cells} kinds (seed {seed}) and prints this table. Where
a share lies outside what is right, fresh histories ({again}) tell luck from error, and the line shows these alone (column drawn).

- **market** plain: fat-tailed returns; ties: prices in coarse steps; drift: a tenth of the volatility up each bar; calm and lively: volatility comes in
  stretches of about fifty bars, labels have a neutral class
- **horizon** bars the label looks ahead; **coins** that share 70 % of their variance; **memory** autocorrelation of the answers from bar to bar
- **answers** graded by how sure the model is, or two-valued: up or down
- **yes** shares of worlds in which a model that knows nothing hears yes (volatility: "volatility only"; beyond: better than another that knows nothing)
- **covers** shares of 95 % intervals that hold the truth (difference: of two models' AUROC of up against down)
- **KS p** that the p-values of two know-nothing models are uniform; **edge** the smallest AUROC the verdict names; **power** how often it is found
"""


def markdown(rows: Sequence[Row]) -> str:
    """The page: what was simulated, a summary and one line per kind of world."""
    first = rows[0]
    settings = ("worlds", "again", "bars", "seed", "code")
    intro = INTRO.format(**{name: first[name] for name in settings}, cells=len(rows))
    told = [name for name in first if name not in settings]
    lines = table(told, ([said(row[name]) for name in told] for row in rows))
    return "\n".join(
        [
            intro,
            "## Summary",
            "",
            *summary(rows),
            "",
            noise_of(int(first["worlds"])),
            "",
            "## Every kind",
            "",
            *lines,
            "",
        ]
    )


def summary(rows: Sequence[Row]) -> list[str]:
    """Lines of a table: each share's mean and range over the kinds of worlds, and how many are as they should be."""
    body = []
    for name in rows[0]:
        if (ends := bounds(name)) is None:
            continue
        found = [float(row[name]) for row in rows]
        inside = sum(holds(value, ends) for value in found)
        span = f"{said(min(found))} to {said(max(found))}"
        body.append(
            [name, f"{ends[0]:g} to {ends[1]:g}", said(float(np.mean(found))), span, f"{inside} of {len(found)}"]
        )
    return table(["share", "right", "mean", "range", "kinds within"], body)


def bounds(name: str) -> tuple[float, float] | None:
    """Lowest and highest share that are right in this column; None where it holds no share."""
    return next((ends for start, ends in WANTED.items() if name.startswith(start)), None)


def holds(value: float, ends: tuple[float, float]) -> bool:
    """Whether a share lies within its bounds."""
    return ends[0] - 1e-9 <= value <= ends[1] + 1e-9


def is_doubtful(row: Row) -> bool:
    """Whether any share of a line is not as it should be."""
    known = {name: ends for name in row if (ends := bounds(name)) is not None}
    return not all(holds(float(row[name]), ends) for name, ends in known.items())


def noise_of(worlds: int) -> str:
    """What the number of worlds itself does to a coverage."""
    deviation = np.sqrt(0.95 * 0.05 / worlds)
    out = 2 * norm.sf(0.02 / deviation)
    seen = f"With {worlds} worlds a true coverage of .95 is seen with a standard deviation of {deviation:.4f}"
    return f"{seen}: {100 * out:.1f} % of kinds lie outside .93 to .97 by luck."


def table(header: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, *body)]
    return [lines[0], "|" + "---|" * len(header), *lines[1:]]


def said(value: str | int | float) -> str:
    """A share with three digits."""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
