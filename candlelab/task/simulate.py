"""Monte Carlo check of the verdict: coverage, false alarms and power on simulated worlds of known truth."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

from omegaconf import DictConfig
from rich.table import Table

from candlelab.core.errors import UserError
from candlelab.evaluate.simulation import MEASURES, Cell, run
from candlelab.evaluate.worlds import MARKETS, World
from candlelab.pipeline import console

SAYS_YES = ("information", "volatility", "beyond", "money")


def simulate(
    cfg: DictConfig,
    *,
    worlds: int,
    bars: int,
    horizons: list[int],
    symbols: list[int],
    memories: list[float],
    markets: list[str],
    two_valued: list[bool],
) -> list[dict]:
    """Score many simulated worlds of every kind; print the table and write it to outputs/simulation.csv.

    Answers at chance should be "yes" in at most 4 % of the worlds, intervals hold the truth in 93 to 97 %, and the smallest edge
    that a verdict names be found in about 80 %.
    """
    _check(worlds, bars, horizons, symbols, memories, markets)
    rows = []
    for market, horizon, coins, memory, plain in product(markets, horizons, symbols, memories, two_valued):
        world = World(int(horizon), int(coins), float(memory), market, bool(plain))
        rows.append(_row(run(world, count=worlds, bars=bars, seed=cfg.seed)))
        print(
            f"{len(rows)}: " + " · ".join(f"{name} {_said(value)}" for name, value in list(rows[-1].items())[:6]),
            flush=True,
        )
        _write(Path(cfg.outputs) / "simulation.csv", rows)
    console.show(_table(rows))
    return rows


def _check(
    worlds: int, bars: int, horizons: list[int], symbols: list[int], memories: list[float], markets: list[str]
) -> None:
    if worlds < 2:
        raise UserError(f"worlds is {worlds}; give at least 2, and 300 to tell 4 % from chance")
    if not horizons or bars < 20 * max(horizons):
        raise UserError(f"bars is {bars} for horizons {list(horizons)}; give at least twenty horizons")
    wrong = [name for name in markets if name not in MARKETS]
    if wrong:
        raise UserError(f"markets holds {wrong[0]!r}; choose from {', '.join(MARKETS)}")
    if min(horizons) < 1 or min(symbols) < 1 or not all(0 <= memory < 1 for memory in memories):
        raise UserError("horizons and symbols start at 1, and memories lie from 0 to below 1")


def _row(cell: Cell) -> dict:
    """One line of the table."""
    world = {
        "market": cell.world.market,
        "horizon": cell.world.horizon,
        "coins": cell.world.symbols,
        "memory": cell.world.memory,
        "answers": "two-valued" if cell.world.two_valued else "graded",
    }
    shares = {f"yes: {name}": getattr(cell, name) for name in SAYS_YES}
    coverage = {f"covers: {name.replace('_', ' ')}": cell.coverage[name] for name in MEASURES}
    return (
        world
        | shares
        | coverage
        | {f"KS p: {name}": value for name, value in cell.ks.items()}
        | {"edge": cell.edge, "power": cell.power}
    )


def _table(rows: list[dict]) -> Table:
    table = Table(*rows[0], title="verdict on simulated worlds", title_justify="left")
    for row in rows:
        table.add_row(*map(_said, row.values()))
    return table


def _said(value: str | float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _write(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
