"""What a finished run says of the newest candles: long, none or short, or the class it recognises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import ConfigError, build
from candlelab.core import files
from candlelab.core.batch import answers_of
from candlelab.core.candles import Candles
from candlelab.core.errors import DataTrouble, UserError
from candlelab.core.signal import (
    check_answers,
    checked_threshold,
    confidences,
    normal_probabilities,
    recipe_hash,
    sides_of,
)
from candlelab.core.spreadsheet import neutral_table
from candlelab.core.times import iso
from candlelab.core.volatility import volatility_at
from candlelab.export.predict import Predictor
from candlelab.export.rule import Rule, check_export, left_out_of_signals, rule_of
from candlelab.pipeline.inputs.new_candles import (
    NOW,
    Latest,
    fetch_new_candles,
    has_a_present,
    latest,
    moment,
    newest_close,
)
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.overrides import overridden
from candlelab.run import Run

SIGNALS = {-1: "SHORT", 0: "NONE", 1: "LONG"}
UNSURE = "-"  # in place of a class that is not sure enough
FILES = {"onnx": "model.onnx", "int8": "model.int8.onnx"}


def predict(
    cfg: DictConfig,
    *,
    run: str,
    engine: Literal["torch", "onnx", "int8"],
    csv: str | None,
    at: str | None,
    threshold: float | None,
    max_stale: int | None,
    format: Literal["csv", "parquet", "json"],
) -> pd.DataFrame:
    """Print and return one row per symbol, and write it into the run's predict/ folder.

    engine      torch, or the exported model: then torch is never imported.
    csv         candles to look at; None: data/source=… of the command, else the run's own source, open at its end.
    at          moment to look at (UTC); None or `now`: the present; `newest`: when the newest bar closed.
    threshold   confidence to ask for; None: the one chosen on validation.
    max_stale  missing bars up to which a signal is given; None: however many, and said.
    Raises UserError for a run, a model file or candles that cannot be used, DataTrouble if no symbol could be answered.
    """
    _check(max_stale)
    found = load_or_download(run)
    maker, given = InputMaker.of(found), overridden() or []
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


def _check(max_stale: int | None) -> None:
    if max_stale is not None and max_stale < 0:
        raise ConfigError(f"task.max_stale is {max_stale}: give 0 or more missing bars, or null for any number")


def signals(
    run: Run,
    maker: InputMaker,
    candles: Candles,
    when: int | None,
    *,
    engine: str,
    threshold: float | None,
    max_stale: int | None,
) -> pd.DataFrame:
    """Return one row per symbol of the tape: what the model says at a moment (ms UTC), and why it says nothing.

    when  as in `new_candles.latest`.
    Columns symbol, time (open of the last closed bar, ms UTC), closed, stale (bars that are missing since), signal, class,
    direction (of a chart pattern), confidence, threshold, threshold_hash (of the one chosen on validation, empty for another),
    p_<class>…, close, forecast (log return), forecast_close with forecast_low and forecast_high (95 %), reason.
    """
    made = run.preprocessing
    bars = latest(candles, when, window=made["window"], warmup=made["warmup"], max_stale=max_stale)
    ready = [bar for bar in bars if bar.trouble is None]
    answers = dict.fromkeys((bar.symbol for bar in ready), None)
    if ready:
        ends = np.array([bar.row for bar in ready])
        p, returns, unknown = answer(run, maker, candles, ends, engine)
        check_answers(p[~unknown])
        closes = expected_closes(made, candles, ends, returns)
        answers = {bar.symbol: (p[k], returns[k], unknown[k], closes[k]) for k, bar in enumerate(ready)}
    rule = rule_of(run) if threshold is None else replace(rule_of(run), threshold=checked_threshold(threshold), hash="")
    return pd.DataFrame([_row(bar, answers.get(bar.symbol), made, rule) for bar in bars])


def answer(
    run: Run, maker: InputMaker, candles: Candles, ends: np.ndarray, engine: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (probabilities (n, K), forecast log returns (n,) or NaN, whether an indicator is unknown (n,)) at some rows."""
    inputs = maker.arrays(candles, ends)
    series = inputs.get("series")
    unknown = np.zeros(len(ends), bool) if series is None else ~np.isfinite(series).all((1, 2))
    inputs = {name: np.nan_to_num(value) if value.dtype == np.float32 else value for name, value in inputs.items()}
    made = run.preprocessing
    said = _with_torch(run, inputs) if engine == "torch" else _with_onnx(run, inputs, FILES[engine])
    sigma = volatility_at(candles, ends)
    learnt = (
        "forecast" in said and made.get("forecast_range", ()) is not None
    )  # a label without a coming close teaches no forecast
    returns = said["forecast"] * sigma if learnt else np.full(len(ends), np.nan)
    if "probabilities" in said:
        return said["probabilities"], returns, unknown
    theta = build(maker.recipe, "data.label")(candles, made["window"]).theta[ends]
    error, classes = made["forecast_error"], len(made["classes"])
    return normal_probabilities(said["forecast"], error, sigma, theta, classes), returns, unknown


def expected_closes(made: dict[str, Any], candles: Candles, ends: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Return close, predicted close, and the low and high end of where it is expected (95 %); (n, 4), NaN without a forecast.

    The range is that of the errors on validation, in volatilities: as wide on both sides as they were.
    """
    close, sigma = candles.close[ends], volatility_at(candles, ends)
    low, high = made.get("forecast_range") or (np.nan, np.nan)
    coming = [close * np.exp(returns + error * sigma) for error in (0.0, low, high)]
    return np.stack([close, *coming], 1)


def _with_torch(run: Run, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise UserError(
            "torch is not installed here: ask the exported model with task.engine=onnx, or pip install 'candlelab[train]'"
        ) from error

    with torch.inference_mode():
        said = answers_of(run.model({name: torch.from_numpy(value) for name, value in inputs.items()}))
    return {name: value.numpy() for name, value in said.items()}


def _with_onnx(run: Run, inputs: dict[str, np.ndarray], file: str) -> dict[str, np.ndarray]:
    model = Predictor(run.folder / runs.EXPORTS / file, recipe=recipe_hash(run.preprocessing))
    check_export(model.path, model.card, rule_of(run))
    return {name: value.astype(np.float64) for name, value in model(inputs).items()}


def _row(bar: Latest, said: tuple[Any, ...] | None, made: dict[str, Any], rule: Rule) -> dict[str, Any]:
    head = {"symbol": bar.symbol, "time": bar.opened, "closed": bar.closed, "stale": bar.stale}
    forecasts = made["kind"] == "forecast"
    trouble = bar.trouble or ("gap: an indicator is unknown in the window" if said is not None and said[2] else None)
    if trouble or said is None:
        p, returns, sure, closes = np.full(len(made["classes"]), np.nan), np.nan, np.nan, [np.nan] * 4
        signal, word, reason = SIGNALS[0] if forecasts else UNSURE, None, trouble
    else:
        p, returns, _, closes = said
        signal, word, sure, reason = _decided(p, returns, made["classes"], forecasts, rule)
    numbers = {f"p_{name}": float(value) for name, value in zip(made["classes"], p, strict=True)}
    direction = {"direction": _direction(made, signal)} if made.get("directions") else {}
    coming = dict(zip(("forecast_close", "forecast_low", "forecast_high"), map(float, closes[1:]), strict=True))
    head |= {"signal": signal, "class": word} | direction
    return (
        head
        | {"confidence": float(sure), "threshold": rule.threshold, "threshold_hash": rule.hash}
        | numbers
        | {"close": float(closes[0]), "forecast": float(returns)}
        | coming
        | {"reason": "; ".join(filter(None, _reasons(bar, reason)))}
    )


def _reasons(bar: Latest, reason: str | None) -> list[str | None]:
    return [reason] if reason and reason == bar.staleness else [bar.staleness, reason]


def _direction(made: dict[str, Any], signal: str) -> str:
    """Return what the textbook expects after the pattern that is named; empty where none is."""
    return sides_of(made).get(signal, "") if signal != "none" else ""


def _decided(p: np.ndarray, returns: float, classes: list[str], forecasts: bool, rule: Rule) -> tuple[Any, ...]:
    """Return (signal, likeliest class, how sure, why there is no signal)."""
    score, least = rule.score, rule.threshold
    word = classes[int(p.argmax())]
    if not forecasts:
        if least is None:
            return UNSURE, word, p.max(), "no confidence was high enough on validation; task.threshold=… sets one"
        unsure = p.max() < least
        return UNSURE if unsure else word, word, p.max(), f"below the threshold {least:.3g}" if unsure else None
    sure, side = (value[0] for value in confidences(p[None], np.array([returns]), score))
    if least is None:
        return (
            SIGNALS[0],
            word,
            sure,
            "no threshold earned anything after fees on validation; task.threshold=… sets one",
        )
    if sure < least:
        return SIGNALS[0], word, sure, f"below the threshold {least:.3g}"
    return SIGNALS[int(side)], word, sure, None if side else f"the model says {word}"


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
