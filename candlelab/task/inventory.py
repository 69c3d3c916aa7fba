"""List what is on disk: market data, chart stores, runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from candlelab import run as runs
from candlelab.data import cache
from candlelab.render.storage import store as stores

LATEST, BEST = "latest", "best"


def inventory(cfg: DictConfig, *, what: Literal["all", "candles", "stores", "models"], metric: str, show: str) -> dict[str, list[dict]]:
    """Print and return what lies under the outputs folder, as one list of rows per kind.

    metric  by which `show=best` sorts models; show is all, latest or best.
    """
    outputs = Path(cfg.outputs)
    makers = {"candles": lambda: candle_rows(outputs), "stores": lambda: store_rows(outputs),
              "models": lambda: model_rows(outputs, metric, show)}
    found = {kind: rows() for kind, rows in makers.items() if what in ("all", kind)}
    for kind, rows in found.items():
        Console().print(_table(kind, rows) if rows else f"no {kind} under '{outputs}'")
    return found


def candle_rows(outputs: Path) -> list[dict]:
    """Return one row per cached series: symbol, interval, span, bars, gaps, size."""
    return [{"source": c.source, "market": c.market, "symbol": c.symbol, "interval": c.interval, "first": _day(c.first),
             "last": _day(c.last), "bars": c.rows, "gaps": c.gaps, "MB": round(c.bytes / 1e6, 2), "fetched": c.fetched}
            for c in cache.inventory(outputs / "cache" / "candles")]


def store_rows(outputs: Path) -> list[dict]:
    """Return one row per chart store: count, shape, size, style, whether it is whole."""
    return [stores.describe(path) for path in stores.find_stores(outputs / "stores")]


def model_rows(outputs: Path, metric: str, show: str) -> list[dict]:
    """Return one row per run: data, model, state, verdict in figures, date, size; newest first, or best first."""
    rows = []
    for config in outputs.glob(f"*/*/{runs.CONFIG}"):
        folder = config.parent
        metrics = runs.read_json(folder / runs.METRICS) if (folder / runs.METRICS).exists() else {}
        size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        rows.append({"run": str(folder), "state": runs.state(folder), metric: metrics.get(metric),
                     "accuracy": metrics.get("test/accuracy"), "sharpe net": metrics.get("test/sharpe_net"),
                     "date": pd.Timestamp(config.stat().st_mtime, unit="s").strftime("%Y-%m-%d %H:%M"),
                     "exports": len(list((folder / "export").glob("*.onnx"))), "MB": round(size / 1e6, 1)})
    rows.sort(key=lambda row: row["date"], reverse=True)
    if show == BEST:
        rows = sorted((r for r in rows if r[metric] is not None), key=lambda row: -row[metric])
    return rows if show == "all" else rows[:1]


def _table(kind: str, rows: list[dict]) -> Table:
    table = Table(*rows[0], title=kind, title_justify="left")
    for row in rows:
        table.add_row(*("" if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()))
    return table


def _day(ms: int | None) -> str:
    return "" if ms is None else pd.Timestamp(ms, unit="ms").strftime("%Y-%m-%d %H:%M")
