"""Pictures of the cost map: Sharpe ratio over fee, delay and cap with the break-even contour, and the band of random strategies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from candlelab.report import formats
from candlelab.report.figures import Figure
from candlelab.report.svg import Panel, labelled, ticks, value_range

SIDE = 22.0


def cost_figures(table: Mapping[str, np.ndarray]) -> list[Figure]:
    """The map, and the band where the map has signals that are neither late nor capped."""
    plain = (np.asarray(table["delay"]) == 0) & (np.asarray(table["cap"]) == 1)
    return [cost_map_figure(table), *([random_band_figure(table)] if plain.sum() > 1 else [])]


def cost_map_figure(table: Mapping[str, np.ndarray]) -> Figure:
    """Heat map: a row per delay and cap, a column per fee; the line is where the mean net return is 0."""
    bps, rows = np.unique(table["bps"]), len(table["bps"]) // len(np.unique(table["bps"]))
    shape = rows, len(bps)
    ratio, delay, cap, even, high = (
        np.asarray(table[name], float).reshape(shape) for name in ("sharpe", "delay", "cap", "breakeven_bps", "high")
    )
    most = max(float(np.nanmax(np.abs(ratio), initial=0.0)), 1e-9)
    panel = Panel(
        (0, len(bps)), (rows, 0), "Sharpe by costs", height=SIDE * rows + 44, left=112, right=8, top=6, bottom=38
    )
    for row in range(rows):
        words = f"{delay[row, 0]:.0f} late" if delay[row, 0] else "at once"
        panel.text(0, row + 0.5, f"{words}, {cap[row, 0]:.4g}×", kind="small", anchor="end", dx=-8)
        for column in range(len(bps)):
            _cell(panel, row, column, float(ratio[row, column]), most, bps[column], high[row, column])
    _contour(panel, even[:, 0], bps)
    for column, value in enumerate(bps):
        panel.text(column + 0.5, rows, f"{value:g}", kind="small", anchor="middle", dy=15)
    panel.text(len(bps) / 2, rows, "basis points per change of position", kind="small", anchor="middle", dy=31)
    note = (
        "Annualised net Sharpe ratio of the same signals, held at once or some bars late, with turnover capped at 1, ½, ¼ or ⅛ of their own (a "
        "change that is not saved up yet is left out). Line: the cost at which nothing is left. Bold: above nineteen of twenty random "
        "strategies of that turnover. The rule stays as it was chosen on validation; nothing here was chosen."
    )
    return Figure("Cost map", note, panel.svg())


def _cell(panel: Panel, row: int, column: int, value: float, most: float, bps: float, high: float) -> None:
    if not np.isfinite(value):
        return
    words, share = formats.number(value, 1), abs(value) / most
    panel.cell(row, column, share, f"{bps:g} bp: {words}", kind="gain" if value >= 0 else "loss")
    kind = f"small{' dark' if share > 0.55 else ''}{' strong' if value > high else ''}"
    panel.text(column + 0.5, row + 0.5, words, kind=kind, anchor="middle")


def _contour(panel: Panel, even: np.ndarray, bps: np.ndarray) -> None:
    """A line through the rows at each break-even, where it lies between the columns' fees."""
    place = np.interp(even, bps, np.arange(len(bps)) + 0.5, left=0.0, right=float(len(bps)))
    for row, at in enumerate(place):
        if np.isfinite(at):
            panel.stroke(at, row, at, row + 1, "second")
            if row and np.isfinite(place[row - 1]):
                panel.stroke(place[row - 1], row, at, row, "second")


def random_band_figure(table: Mapping[str, np.ndarray]) -> Figure:
    """Sharpe ratio by fee without delay or cap, in the band of the same positions put at random times."""
    here = (np.asarray(table["delay"]) == 0) & (np.asarray(table["cap"]) == 1)
    bps, ratio, low, high = (np.asarray(table[name], float)[here] for name in ("bps", "sharpe", "low", "high"))
    panel = Panel(
        (0.0, max(float(bps[-1]), 1e-9)),
        value_range([0.0, *ratio, *low, *high], least=0.5),
        "Sharpe beside random strategies",
    )
    panel.left_axis(labelled(ticks(*panel.y, 5), formats.number))
    panel.bottom_axis(labelled(ticks(*panel.x, 5), formats.number), "basis points per change of position")
    if np.isfinite(low).all():
        panel.area(bps, low, high, "band")
    panel.stroke(panel.x[0], 0, panel.x[1], 0, "zero")
    panel.line(bps, ratio, "model", "Annualised Sharpe")
    note = (
        "The band holds nine tenths of strategies that hold the same positions, as long and as often, at random times."
    )
    return Figure(
        "Beside random strategies", note, panel.svg(), (("model", "this model"), ("band", "random, equal turnover"))
    )
