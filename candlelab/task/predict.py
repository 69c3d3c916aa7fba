"""What a finished run says of the newest candles: long, none or short, or the class it recognises."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Literal

import pandas as pd
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError
from candlelab.core import files
from candlelab.core.errors import DataTrouble
from candlelab.core.reading import bytes_of
from candlelab.core.spreadsheet import neutral_table
from candlelab.core.times import iso
from candlelab.export.rule import left_out_of_signals
from candlelab.pipeline.inputs.new_candles import (
    NOW,
    fetch_new_candles,
    has_a_present,
    moment,
    newest_close,
    period_tapes,
    replacements,
)
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.overrides import overridden
from candlelab.pipeline.scores.every_window import every_window
from candlelab.pipeline.scores.pictures import LARGEST_PICTURE, answer_picture
from candlelab.pipeline.scores.signals import signals
from candlelab.run import Run

MOST_NAMES = 3  # symbols in the name of a file


def predict(
    cfg: DictConfig,
    *,
    run: str,
    engine: Literal["torch", "onnx", "int8"],
    csv: str | None,
    image: str | None,
    at: str | None,
    threshold: float | None,
    max_stale: int | None,
    format: Literal["csv", "parquet", "json"],
    all: bool,
) -> pd.DataFrame:
    """Print and return one row per symbol, and write it into the run's predict/ folder.

    engine      torch, or the exported model: then torch is never imported.
    image       a picture of a chart that somebody else drew, for nets that read pictures alone: nothing else is looked at.
    csv         candles to look at; None: data/source=… of the command, else the run's own source, open at its end.
    at          moment to look at (UTC); None or `now`: the present; `newest`: when the newest bar closed.
    threshold   confidence to ask for; None: the one chosen on validation.
    max_stale  missing bars up to which a signal is given; None: however many, and said.
    all         every window from data.start to data.end instead of the newest, of all symbols, streamed into a Parquet file: then the
                table that is returned counts them.
    Raises UserError for a run, a model file or candles that cannot be used, DataTrouble if no symbol could be answered.
    """
    _check(max_stale)
    found = load_or_download(run)
    if image is not None:
        return _of_picture(found, Path(image), csv, engine=engine, threshold=threshold, format=format)
    maker, given = InputMaker.of(found), overridden() or []
    if all:
        return _all_windows(cfg, found, maker, given, csv, engine=engine, threshold=threshold)
    timeless = at in (None, NOW) and not has_a_present(maker.recipe, given, csv)
    asked = None if timeless else moment(at)
    candles = fetch_new_candles(cfg, maker.recipe, given, csv, at=asked, bars=maker.bars)
    when = newest_close(candles) if asked is None else asked
    table = signals(
        found, maker, candles, None if timeless else when, engine=engine, threshold=threshold, max_stale=max_stale
    )
    print(_spelled(table, found, when), flush=True)
    words = [
        *([Path(csv).name.partition(".")[0]] if csv else []),
        *([] if engine == "torch" else [engine]),
        *([] if threshold is None else [f"threshold{threshold:g}"]),
    ]
    path = write(table, found.folder / runs.PREDICTED / f"{'-'.join([file_stamp(when), *words])}.{format}")
    print(f"\nwritten to {path}", flush=True)
    if table["class"].isna().all():
        raise DataTrouble(
            f"no symbol could be answered ({table.symbol[0]}: {table.reason[0]}): bring newer or longer candles"
        )
    return table


def _of_picture(
    run: Run, path: Path, csv: str | None, *, engine: str, threshold: float | None, format: str
) -> pd.DataFrame:
    """Print, write and return the one row on a picture from elsewhere."""
    if csv is not None:
        raise ConfigError("task.image and task.csv are two questions: give one of them")
    said = answer_picture(
        run,
        bytes_of(
            path, most=LARGEST_PICTURE, cure=f"give the file of one picture, of at most {LARGEST_PICTURE:,} bytes"
        ),
        path.name,
        engine=engine,
        threshold=threshold,
    )
    came, seen = (f"{wide}x{high}" for wide, high in (said["size"], said["seen"]))
    probabilities = {f"p_{name}": value for name, value in said.pop("probabilities").items()}
    table = pd.DataFrame([said | {"size": came, "seen": seen} | probabilities])
    print(f"chart seen by {run.folder.name}: {said['source']}, {came} made {seen} (not financial advice)\n")
    shown = table.drop(columns=["source", "size", "seen"])
    print(shown.to_string(index=False, float_format=lambda value: f"{value:.5g}"))
    written = write(table, run.folder / runs.PREDICTED / f"picture-{path.stem}.{format}")
    print(f"\nwritten to {written}", flush=True)
    return table


def _all_windows(
    cfg: DictConfig,
    run: Run,
    maker: InputMaker,
    given: list[str],
    csv: str | None,
    *,
    engine: str,
    threshold: float | None,
) -> pd.DataFrame:
    """Stream what a run says of every window into a file; print and return how many windows each symbol has."""
    words = ["all", *([Path(csv).name.partition(".")[0]] if csv else []), *_period_words(cfg, given)]
    words += [*([] if engine == "torch" else [engine]), *([] if threshold is None else [f"threshold{threshold:g}"])]
    path = run.folder / runs.PREDICTED / f"{'-'.join(words)}.parquet"
    tapes = period_tapes(cfg, maker.recipe, given, csv, bars=maker.bars)
    table = every_window(run, maker, tapes, path, engine=engine, threshold=threshold)
    shown = table.assign(first=table["first"].map(iso), last=table["last"].map(iso))
    print(f"{shown.to_string(index=False)}\n\n{table.windows.sum():,} windows written to {path}", flush=True)
    return table


def _period_words(cfg: DictConfig, given: list[str]) -> list[str]:
    """Return what tells the file of one period and some symbols from another's."""
    asked = replacements(cfg, given)
    names = [str(name) for name in asked.get("symbols", [])]
    if len(names) > MOST_NAMES:
        names = [f"{len(names)}symbols", sha256(",".join(names).encode()).hexdigest()[:8]]
    dates = [str(asked[key]) for key in ("start", "end") if asked.get(key)]
    return [re.sub(r"[^\w.]", "", word) for word in [*names, *dates]]


def _check(max_stale: int | None) -> None:
    if max_stale is not None and max_stale < 0:
        raise ConfigError(f"task.max_stale is {max_stale}: give 0 or more missing bars, or null for any number")


def file_stamp(when: int) -> str:
    """Return a moment (ms UTC) as the beginning of a file's name."""
    return iso(when).replace(" ", "T").replace(":", "")


def _spelled(table: pd.DataFrame, run: Run, when: int) -> str:
    """Return the table for people, with what it must not be taken for; prices are rounded to five digits, the file has them all."""
    shown = table.assign(closed=[iso(t) if pd.notna(t) else "" for t in table.closed]).drop(
        columns=["time", "threshold_hash"]
    )
    shown = shown.drop(
        columns=[name for name in shown if shown[name].isna().all() or (name == "stale" and not shown.stale.any())]
    )
    shown = shown.rename(columns={"closed": "last bar closed", "class": "likeliest"})
    text = shown.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.5g}")
    kind = "signals" if run.preprocessing["kind"] == "forecast" else "charts recognised"
    late = [
        f"STALE: the last bar of {row.symbol} closed {iso(row.closed)}, {row.stale:,} bars ago"
        for row in table.itertuples()
        if row.stale
    ]
    told = [
        f"{kind} of {run.folder.name} at {iso(when)} UTC (not financial advice)",
        *left_out_of_signals(run.threshold),
    ]
    return "\n".join([*told, *late, "", text])


def write(table: pd.DataFrame, path: Path) -> Path:
    """Write the table as its name ends, .csv, .parquet or .json, atomically; return the path."""
    with files.atomic(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        elif path.suffix == ".json":
            table.to_json(temporary, orient="records", indent=1)
        else:
            neutral_table(table).to_csv(temporary, index=False)
    return path
