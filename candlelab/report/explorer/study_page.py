"""The explorer of a study: its runs as a table with sparklines and filters, and any two of them on one price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from candlelab.core.candles import Candles
from candlelab.core.times import to_ms
from candlelab.evaluate.curves import evenly
from candlelab.report.explorer.content import MOST_BARS, pack_bars
from candlelab.report.explorer.packed import Pack
from candlelab.report.explorer.page import STUDY_SCRIPTS, write_scripted

POINTS = 600  # of an equity line
MOST_TRADES = 20_000  # of a run, the newest
FIGURES = ("auroc_direction", "accuracy")
MONEY = ("sharpe_net_annual", "return_net_pct", "max_drawdown_pct", "trades")
PARTS_OF_EQUITY = 100_000


@dataclass(frozen=True)
class ExploredRun:
    """One finished run of a study.

    settings  leaves of its config by dotted name, as words
    equity    time (ms UTC) and net of its test rows, as of curves.json; empty for recognition
    trades    as of `ledger.trade_list`, or None
    market    number of the market that it stands on, None where its bars are not in the page
    delay     ms from a row's bar to the close at which its return is known; bar: ms of a bar
    """

    name: str
    model: str
    data: str
    settings: Mapping[str, str]
    metrics: Mapping[str, Any]
    verdict: str
    kind: str
    equity: Mapping[str, np.ndarray]
    trades: pd.DataFrame | None
    market: int | None
    bar: int
    delay: int
    page: bool


@dataclass(frozen=True)
class PricedBars:
    """Bars that runs stand on, from the first to the last moment (ms UTC) of their test rows."""

    candles: Candles
    first: int
    last: int
    rows: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        inside = (self.candles.time >= self.first) & (self.candles.time <= self.last)
        object.__setattr__(self, "rows", np.flatnonzero(inside))


def write_study_explorer(
    path: Path, *, title: str, runs: Sequence[ExploredRun], markets: Sequence[PricedBars], left_out: str
) -> Path:
    """Write the explorer of a study into a file; left_out says what it does not show, in one sentence."""
    pack = Pack()
    held = _fitting(markets)
    told = _pack_markets(pack, [markets[k] for k in held])
    place = {market: number for number, market in enumerate(held)}
    facts = {
        "runs": [_told(pack, number, run, place) for number, run in enumerate(runs)],
        "markets": told,
        "keys": varied_keys(runs),
    }
    context = {
        "title": title,
        "subtitle": f"{len(runs)} finished runs",
        "left_out": left_out,
        "note": "Times are UTC, and those of the bar's opening.",
    }
    return write_scripted(path, "study_explorer.html.j2", context, facts=facts, pack=pack, scripts=STUDY_SCRIPTS)


def varied_keys(runs: Sequence[ExploredRun]) -> list[str]:
    """Names of the settings in which the runs differ, in the order of their configs."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    return [name for name in names if len({run.settings.get(name) for run in runs}) > 1]


def _fitting(markets: Sequence[PricedBars]) -> list[int]:
    """The first markets that fit into a page together."""
    held, room = [], MOST_BARS
    for number, market in enumerate(markets):
        if 0 < len(market.rows) <= room:
            held.append(number)
            room -= len(market.rows)
    return held


def _pack_markets(pack: Pack, markets: Sequence[PricedBars]) -> list[list[dict[str, Any]]]:
    """Add the bars of all markets one behind the other; return name and place of each one's symbols."""
    told, first, parts = [], 0, []
    for market in markets:
        symbols = []
        for code in np.unique(market.candles.symbol[market.rows]):
            rows = market.rows[market.candles.symbol[market.rows] == code]
            symbols.append({"name": market.candles.symbols[code], "bars": [first, first + len(rows)]})
            first += len(rows)
            parts.append((market.candles, rows))
        told.append(symbols)
    if parts:
        pack_bars(pack, _joined(parts), np.arange(first))
    return told


def _joined(parts: Sequence[tuple[Candles, np.ndarray]]) -> Candles:
    """Columns of several tapes one behind the other: what packing reads of them, no tape to compute with."""
    columns = {
        name: np.concatenate([getattr(candles, name)[rows] for candles, rows in parts])
        for name in ("time", "open", "high", "low", "close", "volume", "segment")
    }
    gone = [np.zeros(len(rows), bool) if candles.missing is None else candles.missing[rows] for candles, rows in parts]
    part = np.repeat(np.arange(len(parts)), [len(rows) for _, rows in parts])  # codes of two markets may be alike
    return Candles(symbols=(), intervals=(), symbol=part, missing=np.concatenate(gone), **columns)


def _told(pack: Pack, number: int, run: ExploredRun, place: Mapping[int, int]) -> dict[str, Any]:
    """Facts of a run; its equity and trades become columns with its number in their names."""
    symbols: list[str] = []
    if len(run.equity.get("net", ())):
        keep = evenly(len(run.equity["net"]), POINTS)
        pack.whole(f"at_{number}", np.asarray(run.equity["time"])[keep].astype(np.int64) + run.delay)
        pack.whole(
            f"equity_{number}", np.rint(np.asarray(run.equity["net"])[keep] * PARTS_OF_EQUITY), scale=PARTS_OF_EQUITY
        )
        symbols = _pack_trades(pack, number, run)
    figures = (*FIGURES, *(MONEY if run.kind == "forecast" else ()))
    found = {name: run.metrics.get(f"test/{name}") for name in figures}
    return {
        "name": run.name,
        "model": run.model,
        "data": run.data,
        "settings": dict(run.settings),
        "figures": {name: value for name, value in found.items() if value is not None},
        "verdict": run.verdict,
        "market": None if run.market is None else place.get(run.market),
        "symbols": symbols,
        "bar_ms": run.bar,
        "page": run.page,
    }


def _pack_trades(pack: Pack, number: int, run: ExploredRun) -> list[str]:
    """Add when and on which side a run's positions were held; return the names of their symbols."""
    trades = (
        run.trades.iloc[-MOST_TRADES:]
        if run.trades is not None
        else pd.DataFrame(columns=["symbol", "entry", "exit", "side"])
    )
    codes, names = pd.factorize(trades["symbol"].astype(str))
    for column in ("entry", "exit"):
        times = to_ms(pd.to_datetime(trades[column])) if len(trades) else np.empty(0, np.int64)
        pack.whole(f"{column}_{number}", times)
    pack.whole(f"side_{number}", np.where(trades["side"] == "long", 1, -1))
    pack.whole(f"of_{number}", codes)
    return [str(name) for name in names]
