"""Monte Carlo check of the verdict: coverage, false alarms and power on simulated worlds of known truth."""

from __future__ import annotations

import csv
import hashlib
import io
from contextlib import suppress
from itertools import pairwise, product
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig
from rich.table import Table

from candlelab import evaluate
from candlelab.core.errors import UserError
from candlelab.core.files import write_text
from candlelab.core.reading import text_of
from candlelab.evaluate.simulation import MEASURES, Cell, score_worlds
from candlelab.evaluate.worlds import MARKETS, Market, World
from candlelab.pipeline.studies import console
from candlelab.report import simulation_page
from candlelab.report.simulation_page import said

FILE = "simulation.csv"
SETTINGS = ("worlds", "again", "bars", "seed", "code")
FRESH = 1_000_000  # added to the seed each time that a kind is drawn again
SAYS_YES = ("information", "volatility", "beyond", "money")


def simulate(
    cfg: DictConfig,
    *,
    worlds: int,
    again: list[int],
    bars: int,
    horizons: list[int],
    symbols: list[int],
    autocorrelations: list[float],
    markets: list[str],
    two_valued: list[bool],
) -> list[dict[str, Any]]:
    """Score many simulated worlds of every kind; print the table and write it to outputs/simulation.csv and, with a summary, .md.

    Answers at chance should be "yes" in at most 4 % of the worlds, intervals hold the truth in 93 to 97 %, and the smallest edge
    that a verdict names be found in about 80 %. A kind with a share outside is drawn afresh as often as `again` says next, and only
    what that shows is told: so many tell luck from error. Kinds that an interrupted simulation finished are not drawn again.
    """
    _check(worlds, again, bars, horizons, symbols, autocorrelations, markets)
    place = Path(cfg.outputs) / FILE
    settings = dict(zip(SETTINGS, (worlds, " then ".join(map(str, again)), bars, cfg.seed, _code()), strict=True))
    rows, kinds = _found_before(place, settings), product(markets, horizons, symbols, autocorrelations, two_valued)
    wanted = [
        World(int(h), int(coins), float(memory), cast("Market", name), bool(plain))
        for name, h, coins, memory, plain in kinds
    ]
    for number, world in enumerate(wanted, 1):
        for look, count in enumerate((worlds, *again)):
            before = _of(world, rows)
            if before is None or (before["drawn"] < count and simulation_page.is_doubtful(before)):
                found = (
                    _row(score_worlds(world, count=count, bars=bars, seed=cfg.seed + look * FRESH))
                    | {"drawn": count}
                    | settings
                )
                rows = [*(row for row in rows if row is not before), found]
                _write(place, rows)
        told = list((_of(world, rows) or {}).items())[:6]
        print(f"{number}: " + " · ".join(f"{name} {said(value)}" for name, value in told), flush=True)
    rows = [row for world in wanted if (row := _of(world, rows)) is not None]
    console.print_table(_table(rows))
    write_text(place.with_suffix(".md"), simulation_page.markdown(rows))
    return rows


def _of(world: World, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((row for row in rows if _named(world).items() <= row.items()), None)


def _code() -> str:
    """A hash of all that judges: cells of other code are not believed."""
    files = sorted(Path(evaluate.__file__).parent.rglob("*.py"))
    return "evaluate " + hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


def _found_before(place: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells of an interrupted simulation with the same settings."""
    if not place.exists():
        return []
    stored = [{name: _read(cell) for name, cell in row.items()} for row in csv.DictReader(text_of(place).splitlines())]
    return [row for row in stored if all(str(row.get(name)) == str(value) for name, value in settings.items())]


def _read(cell: str) -> str | int | float:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(cell)
    return cell


def _check(
    worlds: int,
    again: list[int],
    bars: int,
    horizons: list[int],
    symbols: list[int],
    autocorrelations: list[float],
    markets: list[str],
) -> None:
    if worlds < 2:
        raise UserError(f"worlds is {worlds}; give at least 2, and 300 to tell 4 % from chance")
    if any(more <= fewer for fewer, more in pairwise((worlds, *again))):
        raise UserError(f"again is {list(again)}; give ever more than worlds ({worlds}), or [] to draw nothing afresh")
    if not horizons or bars < 20 * max(horizons):
        raise UserError(f"bars is {bars} for horizons {list(horizons)}; give at least twenty horizons")
    wrong = [name for name in markets if name not in MARKETS]
    if wrong:
        raise UserError(f"markets holds {wrong[0]!r}; choose from {', '.join(MARKETS)}")
    if min(horizons) < 1 or min(symbols) < 1 or not all(0 <= memory < 1 for memory in autocorrelations):
        raise UserError("horizons and symbols start at 1, and autocorrelations lie from 0 to below 1")


def _named(world: World) -> dict[str, Any]:
    return {
        "market": world.market,
        "horizon": world.horizon,
        "coins": world.symbols,
        "memory": world.memory,
        "answers": "two-valued" if world.two_valued else "graded",
    }


def _row(cell: Cell) -> dict[str, Any]:
    """One line of the table."""
    shares = {f"yes: {name}": getattr(cell, name) for name in SAYS_YES}
    coverage = {f"covers: {name.replace('_', ' ')}": cell.coverage[name] for name in MEASURES}
    return (
        _named(cell.world)
        | shares
        | coverage
        | {f"KS p: {name}": value for name, value in cell.ks.items()}
        | {"edge": cell.edge, "power": cell.power}
    )


def _table(rows: list[dict[str, Any]]) -> Table:
    told = [name for name in rows[0] if name not in SETTINGS]
    settings = ", ".join(f"{name} {rows[0][name]}" for name in SETTINGS)
    table = Table(*told, title=f"verdict on simulated worlds ({settings})", title_justify="left")
    for row in rows:
        table.add_row(*(said(row[name]) for name in told))
    return table


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
