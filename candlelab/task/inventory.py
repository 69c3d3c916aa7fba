"""List what is on disk: market data, chart stores, runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pandas as pd
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.table import Table
from yaml import YAMLError

from candlelab import run as runs
from candlelab.core.terminal import visible
from candlelab.core.times import iso
from candlelab.core.trial_ledger import Ledger, read_ledger
from candlelab.market import cache
from candlelab.pipeline.scores.looks import SCORED, UNSEALED
from candlelab.pipeline.studies import console as tables
from candlelab.render.storage import store as stores

BEST = "best"
FALLING = (
    "loss",
    "log_loss",
    "brier",
    "ece",
    "forecast_mse",
    "max_drawdown_pct",
    "turnover",
)  # metrics that are better when smaller


def inventory(
    cfg: DictConfig,
    *,
    what: Literal["all", "candles", "stores", "models", "trials"],
    metric: str,
    show: Literal["all", "latest", "best"],
) -> dict[str, list[dict[str, Any]]]:
    """Print and return what lies under the outputs folder, as one list of rows per kind.

    metric  by which `show=best` sorts models; show is all, latest or best.
    """
    outputs = Path(cfg.outputs)
    makers = {
        "candles": lambda: candle_rows(outputs),
        "stores": lambda: store_rows(outputs),
        "models": lambda: model_rows(outputs, metric, show),
        "trials": lambda: trial_rows(read_ledger(outputs)),
    }
    found = {kind: rows() for kind, rows in makers.items() if what in ("all", kind)}
    for kind, rows in found.items():
        if rows:
            tables.print_table(_table(kind, rows))
        else:
            print(f"no {kind} under '{outputs}'")
    for fault in read_ledger(outputs).faults:
        print(f"Suspicion: {fault}")
    return found


def trial_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Return one row per study in the ledger of trials: scorings of test rows, distinct runs, failures, time of the last."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in ledger.entries:
        study = str(entry.get("study"))
        row = rows.setdefault(study, {"study": study, "scorings": 0, "runs": set(), "failed": 0, "last": None})
        if entry.get("state") in (SCORED, UNSEALED, "failed"):
            row["failed" if entry["state"] == "failed" else "scorings"] += 1
        row["runs"].add(str(entry.get("run")))
        row["last"] = entry.get("time", row["last"])
    return [row | {"runs": len(row["runs"])} for row in rows.values()]


def candle_rows(outputs: Path) -> list[dict[str, Any]]:
    """Return one row per cached series: symbol, interval, span, bars, gaps, size."""
    return [
        {
            "source": c.source,
            "market": c.market,
            "symbol": c.symbol,
            "interval": c.interval,
            "first": _day(c.first),
            "last": _day(c.last),
            "bars": c.rows,
            "gaps": c.gaps,
            "MB": round(c.bytes / 1e6, 2),
            "fetched": c.fetched,
            "state": c.state,
        }
        for c in cache.cache_inventory(outputs / "cache" / "candles")
    ]


def store_rows(outputs: Path) -> list[dict[str, Any]]:
    """Return one row per chart store: count, shape, size, style, whether it is whole."""
    folders = [outputs, *sorted(path for path in outputs.glob("*") if path.is_dir())]
    return [stores.describe_store(path) for folder in folders for path in stores.find_stores(folder)]


def model_rows(outputs: Path, metric: str, show: str) -> list[dict[str, Any]]:
    """Return one row per run: data, model, verdict, state, figures, date, exports, size; newest first, or best first."""
    rows = [model_row(config.parent, metric) for config in outputs.glob(f"*/*/{runs.CONFIG}")]
    rows.sort(key=lambda row: row["date"], reverse=True)
    if show == BEST:
        sign = 1 if metric.rsplit("/", 1)[-1] in FALLING else -1
        rows = sorted((r for r in rows if r[metric] is not None), key=lambda row: sign * row[metric])
    return rows if show == "all" else rows[:1]


def model_row(folder: Path, metric: str) -> dict[str, Any]:
    """Return what the registry says of one run; what an unfinished or damaged run does not know is None."""
    try:
        return _known(folder, metric)
    except (ValueError, KeyError, TypeError, AttributeError, OmegaConfBaseException, YAMLError) as error:
        known = dict.fromkeys(
            ("data", "model", "verdict", "state", metric, "accuracy", "sharpe net", "date", "exports", "MB")
        )
        return {"run": str(folder), **known, "state": f"unreadable: {' '.join(str(error).split())[:120]}", "date": ""}


def _known(folder: Path, metric: str) -> dict[str, Any]:
    run = runs.Run(folder)
    cfg, card, metrics = (
        run.recipe,
        run.card if run.has(runs.DATA) else {},
        run.metrics if run.has(runs.METRICS) else {},
    )
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    date = pd.Timestamp((folder / runs.CONFIG).stat().st_mtime, unit="s").strftime("%Y-%m-%d %H:%M")
    net = OmegaConf.select(cfg, "model.net.backbone") or str(cfg.model.net["_target_"]).rsplit(".", 1)[-1]
    data = (
        f"{'+'.join(card['symbols'])} {card['interval']} w{card['window']} {card['first'][:10]} to {card['last'][:10]}"
        if card
        else None
    )
    return {
        "run": str(folder),
        "data": data,
        "model": str(net),
        "verdict": _verdict(run.verdict),
        "state": runs.state(folder),
        metric: metrics.get(metric),
        "accuracy": metrics.get("test/accuracy"),
        "sharpe net": metrics.get("test/sharpe_net"),
        "date": date,
        "exports": len(list((folder / runs.EXPORTS).glob("*.onnx"))),
        "MB": round(size / 1e6, 1),
    }


def _verdict(stored: dict[str, Any]) -> str | None:
    """Return the three answers in a few words."""
    asked = {"knows": "information", "beats a simple rule": "beyond_baseline", "pays": "money"}
    told = [f"{words}: {stored[name]['answer']}" for words, name in asked.items() if stored.get(name)]
    return ", ".join(told) or None


def _table(kind: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(*rows[0], title=kind, title_justify="left")
    for row in rows:
        table.add_row(*map(_said, row.values()))
    return table


def _said(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(part)}" for name, part in value.items())
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else visible(str(value))


def _day(ms: int | None) -> str:
    return "" if ms is None else iso(ms)
