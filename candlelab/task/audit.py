"""Leakage audit of a pipeline, a set of labelled pictures, a table of predictions or a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig
from rich.table import Table

from candlelab.audit.record import Audit
from candlelab.config import ConfigError
from candlelab.core.errors import UserError
from candlelab.core.terminal import visible
from candlelab.pipeline.audits.files import read_export, write_audit_files
from candlelab.pipeline.audits.pipelines import audit_pipeline
from candlelab.pipeline.studies import console

ASKED = ("set", "predictions", "run")


def audit(
    cfg: DictConfig,
    *,
    set: str | None,
    predictions: str | None,
    earlier: str | None,
    trades: str | None,
    threshold: float | None,
    run: str | None,
    window: int | None,
    horizon: int | None,
    strict: bool,
) -> dict[str, Any]:
    """Print what was found and write audit.html and audit.json; return the record as plain values.

    set          pictures: a folder, an npz, zarr or HDF5 file, or user/name on the hub.
    predictions  a csv or parquet file; earlier: an older export of it, trades: its list of trades, threshold: its threshold.
    run          a finished run: its predictions and the pipeline that its config describes.
    window, horizon  bars, where pictures or predictions do not say.
    strict       end with exit code 2 if a leak was found.
    Without set, predictions and run the pipeline of model= and data= is audited.
    """
    given = [name for name, value in zip(ASKED, (set, predictions, run), strict=True) if value is not None]
    if len(given) > 1:
        raise ConfigError(f"task.{given[0]} and task.{given[1]} are two audits: give one of them")
    if set is not None:
        from candlelab.pipeline.audits.picture_sets import audit_set

        made = audit_set(set, window=window, horizon=horizon)
    elif predictions is not None:
        made = _of_predictions(predictions, earlier, trades, threshold, horizon)
    elif run is not None:
        from candlelab.pipeline.audits.runs import audit_run

        made = audit_run(run)
    else:
        made = audit_pipeline(cfg)
    name = next((str(value) for value in (set, predictions, run) if value is not None), str(cfg.name))
    page = write_audit_files(Path(cfg.outputs) / "audits" / Path(name).name, made, title=Path(name).name)
    _show(made)
    print(f"\nreport {page}", flush=True)
    if strict and made.leaks:
        raise UserError(f"{made.verdict}: see {page}")
    return made.row()


def _of_predictions(
    path: str, earlier: str | None, trades: str | None, threshold: float | None, horizon: int | None
) -> Audit:
    from candlelab.audit.strategies import audit_predictions

    older, made = (None if each is None else read_export(Path(each)) for each in (earlier, trades))
    table: pd.DataFrame = read_export(Path(path))
    return audit_predictions(table, earlier=older, trades=made, threshold=threshold, horizon=horizon)


def _show(made: Audit) -> None:
    table = Table("", "what", "where", "seen", "cure", title=f"audit of {made.subject}", title_justify="left")
    for each in made.findings:
        table.add_row(*map(visible, (each.severity, each.name, each.place, each.evidence, each.cure)))
    if made.findings:
        console.print_table(table)
    print(f"clean: {', '.join(made.clean) or 'nothing'}")
    for name, why in made.unchecked:
        print(f"not checked: {name} ({why})")
    print(f"\n{made.verdict}")
