"""Pictures of a track record: fee curve with break-even, rolling Sharpe ratio, monthly returns as a heat map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from candlelab.report import formats
from candlelab.report.cost_figures import cost_figures
from candlelab.report.figures import Figure, thinned_line
from candlelab.report.svg import Panel, labelled, ticks, time_ticks, value_range

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOST_YEARS = 12


def fee_curve_figure(curve: Mapping[str, np.ndarray], own: float, breakeven: float | None) -> Figure:
    """Sharpe ratio of the same trades by cost; own, breakeven in basis points, None where no cost is low enough."""
    bps, ratio = (np.asarray(curve[name], dtype=float) for name in ("bps", "sharpe"))
    panel = Panel((0.0, float(bps[-1])), value_range([0.0, *ratio], least=0.5), "Sharpe by fee")
    panel.left_axis(labelled(ticks(*panel.y, 5), formats.number))
    panel.bottom_axis(
        labelled(ticks(*panel.x, 5), formats.number), "fee and slippage, basis points per change of position"
    )
    panel.stroke(panel.x[0], 0, panel.x[1], 0, "zero")
    panel.line(bps, ratio, "model", "Annualised Sharpe")
    marks = [(own, "as scored", panel.y[1])]
    if breakeven is not None and 0 < breakeven <= bps[-1]:
        marks.append((breakeven, f"break-even {formats.number(breakeven, 1)} bp", panel.y[0]))
    for at, words, height in marks:
        right = at > bps[-1] / 2
        panel.stroke(at, panel.y[0], at, panel.y[1], "chance")
        panel.text(
            at,
            height,
            words,
            kind="small",
            anchor="end" if right else "start",
            dx=-6 if right else 6,
            dy=4 if height == panel.y[1] else -6,
        )
    return Figure("Fees", f"{_breakeven_words(breakeven)} The threshold stays as it was chosen.", panel.svg())


def _breakeven_words(breakeven: float | None) -> str:
    if breakeven is None or breakeven <= 0:
        return "Annualised Sharpe of the same trades by what a change of position costs: they lose even without fees."
    return f"Annualised Sharpe of the same trades by what a change of position costs: they pay below {formats.number(breakeven, 1)}{formats.THIN}bp."


def rolling(curve: Mapping[str, np.ndarray]) -> Figure:
    """Annualised Sharpe ratio of the days before each moment."""
    time, ratio = thinned_line(curve["time"], curve["sharpe"])
    panel = Panel((float(time[0]), float(time[-1]) + 1), value_range([0.0, *ratio], least=0.5), "rolling Sharpe")
    panel.left_axis(labelled(ticks(*panel.y, 5), formats.number))
    panel.bottom_axis(time_ticks(*panel.x, most=5))
    panel.stroke(panel.x[0], 0, panel.x[1], 0, "zero")
    panel.line(time, ratio, "model", "Annualised Sharpe")
    days = float(np.ravel(curve["days"])[0])
    note = f"Annualised Sharpe of the {formats.number(days, 0 if days >= 10 else 1)} days before. A record that lives on one stretch is luck or a regime."
    return Figure("Rolling Sharpe", note, panel.svg())


def months_figure(curve: Mapping[str, np.ndarray]) -> Figure:
    """Net return of every month; years are rows, the newest last, at most twelve."""
    year, month, gain = (np.asarray(curve[name], dtype=float) for name in ("year", "month", "return_pct"))
    years = np.unique(year)[-MOST_YEARS:]
    side = 30.0
    panel = Panel(
        (0, 12), (len(years), 0), "returns by month", height=side * len(years) + 34, left=44, right=8, top=6, bottom=28
    )
    most = max(float(np.abs(gain).max()), 1e-9)
    for row, one in enumerate(years):
        panel.text(0, row + 0.5, f"{one:.0f}", anchor="end", dx=-8)
        for place in np.flatnonzero(year == one):
            column, value = int(month[place]) - 1, float(gain[place])
            words = formats.signed(value, 1)
            panel.cell(
                row,
                column,
                abs(value) / most,
                f"{MONTHS[column]} {one:.0f}: {words} %",
                kind="gain" if value >= 0 else "loss",
            )
            panel.text(
                column + 0.5,
                row + 0.5,
                words,
                kind="small dark" if abs(value) > 0.55 * most else "small",
                anchor="middle",
            )
    for column, name in enumerate(MONTHS):
        panel.text(column + 0.5, len(years), name, kind="small", anchor="middle", dy=17)
    return Figure("Months", "Return after fees in per cent, as if each month began with the same money.", panel.svg())


def plots_of(curves: Mapping[str, Any], own: float, breakeven: float | None) -> list[Figure]:
    """The pictures that the curves of a run allow."""
    made = []
    if curves.get("fees"):
        made.append(fee_curve_figure(curves["fees"], own, breakeven))
    if curves.get("costs"):
        made += cost_figures(curves["costs"])
    if curves.get("rolling"):
        made.append(rolling(curves["rolling"]))
    if curves.get("months"):
        made.append(months_figure(curves["months"]))
    return made
