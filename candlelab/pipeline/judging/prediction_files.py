"""Readers of predictions that were made elsewhere: plain tables, freqtrade trades, position series, Kronos forecasts, Qlib scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from candlelab.config.words import hint
from candlelab.core.errors import UserError
from candlelab.core.reading import size_of
from candlelab.core.times import to_ms

Reader = Literal["auto", "plain", "freqtrade", "positions", "kronos", "qlib"]
What = Literal["probabilities", "signal", "forecast", "score", "price", "trades"]
LARGEST = 2 << 30  # bytes
TIME = (
    "time",
    "open_time",
    "close_time",
    "datetime",
    "date",
    "timestamp",
    "timestamps",
    "y_timestamp",
    "unnamed: 0",
    "index",
    "",
)
SYMBOL = ("symbol", "pair", "instrument", "ticker", "asset", "coin")
FORECAST = ("forecast", "forecast_return", "predicted_return", "expected_return", "y_hat", "prediction")
TRUTH = ("close", "forward_return", "bar_return")  # of the row's own bars: what a shifted table betrays itself by
KINDS = (".csv", ".gz", ".zip", ".txt", ".tsv", ".json", ".parquet", ".pq")
CLASSES = ("p_down", "p_neutral", "p_up")


@dataclass(frozen=True)
class Told:
    """What a table says: one row per decision.

    table   time (ms UTC), symbol where it names one, and the columns of `what`: p_0 … p_K-1, signal, forecast (log return),
            score, price (of the bar at `time`), or opened, closed and signal of trades; and TRUTH where the table has it.
    what    which of them.
    reader  who read it.
    """

    table: pd.DataFrame
    what: What
    reader: str


def read_predictions(source: str | Path | pd.DataFrame, reader: Reader = "auto") -> Told:
    """Return what a csv, json or parquet file or a DataFrame says. Raises UserError if it holds no predictions."""
    table, name = (source, "the table") if isinstance(source, pd.DataFrame) else (_read(Path(source)), f"'{source}'")
    named = list(getattr(table.index, "names", [None]))
    if named != [None] or isinstance(table.index, pd.DatetimeIndex):
        table = table.reset_index()
    table = table.rename(columns=lambda column: str(column).strip().lower())
    if not len(table):
        raise UserError(f"{name} has no rows: give one per decision")
    asked = _guess(table, name) if reader == "auto" else reader
    return READERS[asked](table, name)


def _read(path: Path) -> pd.DataFrame:
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UserError(
            f"'{path}' is no table that is read here ({', '.join(KINDS)}): write the table as csv or parquet"
        )
    size_of(path, most=LARGEST)
    try:
        if kind in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if kind == ".json":
            return _trades_of(json.loads(path.read_text(encoding="utf-8")), path)
        return pd.read_csv(path, sep="\t" if kind == ".tsv" else ",")
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise UserError(
            f"'{path}' cannot be read as a table ({' '.join(str(error).split())[:120]}): write csv or parquet"
        ) from None


def _trades_of(tree: Any, path: Path) -> pd.DataFrame:
    """Return the trades of freqtrade's result file, or a list of records."""
    if isinstance(tree, dict) and isinstance(tree.get("strategy"), dict) and len(tree["strategy"]) == 1:
        tree = next(iter(tree["strategy"].values()))
    if isinstance(tree, dict) and "trades" in tree:
        tree = tree["trades"]
    if not isinstance(tree, list):
        raise UserError(f"'{path}' holds no list of trades of one strategy: export the trades, or write csv")
    return pd.DataFrame(tree)


def _guess(table: pd.DataFrame, name: str) -> str:
    have = set(table.columns)
    if {"pair", "open_date", "close_date"} <= have:
        return "freqtrade"
    if {"instrument", "score"} <= have:
        return "qlib"
    if have & {"p_up", "p_0", "signal", *FORECAST}:
        return "plain"
    if {"open", "high", "low", "close"} <= have:
        return "kronos"
    if len(have) == 2 and have & set(TIME):
        return "positions"
    wanted = ("p_up", "signal", "forecast")
    raise UserError(
        f"{name} has no predictions among its columns {', '.join(sorted(have)[:12])}{hint(sorted(have)[0], wanted)}: name "
        "them p_up; p_down, p_neutral, p_up; signal; or forecast, beside a time"
    )


def _base(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return time, symbol where there is one, and what can be held against the bars."""
    time = next((column for column in TIME if column in table), None)
    if time is None:
        raise UserError(
            f"{name} has no column of times: name it time; it has {', '.join(map(str, table.columns[:12]))}"
        )
    try:
        made = pd.DataFrame({"time": to_ms(table[time])})
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(
            f"{name}: its {time or 'first column'} cannot be read as times ({str(error)[:80]}): write ISO text or ms"
        ) from None
    symbol = next((column for column in SYMBOL if column in table), None)
    if symbol is not None:
        made["symbol"] = table[symbol].astype(str).to_numpy()
    return made


def _numbers(table: pd.DataFrame, column: str, name: str) -> np.ndarray:
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    bad = ~np.isfinite(values)
    if bad.any():
        raise UserError(
            f"{name}: {column} is {table[column].iloc[int(bad.argmax())]!r} in row {int(bad.argmax())}: give numbers"
        )
    return values


def _plain(table: pd.DataFrame, name: str) -> Told:
    if "model" in table and table["model"].nunique() > 1:
        table = table[table["model"].astype(str) == "net"]
        if not len(table):
            raise UserError(f"{name} holds several models and none is called net: keep the rows of one")
    made, what = _base(table, name), _what(table)
    if what == "probabilities":
        for place, values in enumerate(_probabilities(table, name)):
            made[f"p_{place}"] = values
    elif what == "signal":
        made["signal"] = _signals(_numbers(table, "signal", name), name)
    forecast = next((column for column in FORECAST if column in table), None)
    if forecast is not None and (what == "forecast" or table[forecast].notna().all()):
        values = _numbers(table, forecast, name)
        made["forecast"] = values if forecast == "forecast" else np.log1p(np.maximum(values, -0.999999))
    for column in {*TRUTH, "split"} & set(table.columns):
        made[column] = table[column].to_numpy()
    return Told(made, what, "plain")


def _what(table: pd.DataFrame) -> What:
    if {"p_up", "p_0"} & set(table.columns):
        return "probabilities"
    return "signal" if "signal" in table else "forecast"


def _probabilities(table: pd.DataFrame, name: str) -> list[np.ndarray]:
    """Return the columns of two or three classes, the first one down, the last one up."""
    if "p_0" in table:
        columns = [f"p_{k}" for k in range(3) if f"p_{k}" in table]
        found = [_numbers(table, column, name) for column in columns]
    else:
        found = [_numbers(table, column, name) for column in CLASSES if column in table]
        if len(found) == 1:
            found = [1 - found[0], found[0]]
    whole = np.stack(found)
    bad = (whole < -1e-9).any(0) | (whole > 1 + 1e-9).any(0) | (np.abs(whole.sum(0) - 1) > 1e-3)
    if bad.any():
        row = int(bad.argmax())
        raise UserError(
            f"{name}: the probabilities of row {row} are {', '.join(f'{p:g}' for p in whole[:, row])}: they must lie in 0 to 1 and add up to 1"
        )
    return found


def _signals(values: np.ndarray, name: str) -> np.ndarray:
    bad = np.abs(values) > 1 + 1e-9
    if bad.any():
        raise UserError(f"{name}: the signal of row {int(bad.argmax())} is {values[bad.argmax()]:g}: give -1 to 1")
    return np.sign(values)


def _freqtrade(table: pd.DataFrame, name: str) -> Told:
    absent = [column for column in ("pair", "open_date", "close_date") if column not in table]
    if absent:
        raise UserError(f"{name} has no column {', '.join(absent)}: export freqtrade's trades")
    short = table["is_short"].astype(bool) if "is_short" in table else pd.Series(False, index=table.index)
    made = pd.DataFrame(
        {"symbol": table["pair"].astype(str), "opened": to_ms(table["open_date"]), "closed": to_ms(table["close_date"])}
    )
    made["signal"] = np.where(short, -1.0, 1.0)
    made["time"] = made["opened"]
    return Told(made, "trades", "freqtrade")


def _positions(table: pd.DataFrame, name: str) -> Told:
    """A position per bar, held from its close on: what vectorbt and pandas back-tests call position."""
    values = [column for column in table.columns if column not in (*TIME, *SYMBOL)]
    if len(values) == 1:
        made = _base(table, name)
        held = _numbers(table, values[0], name)
        if ((held > 0) & (held < 1)).all():
            raise UserError(
                f"{name}: every number of '{values[0]}' lies between 0 and 1: if it is a probability, name it p_up"
            )
        made["signal"] = _signals(held, name)
        return Told(made, "signal", "positions")
    time = next((column for column in TIME if column in table), None)
    if time is None or not values:
        raise UserError(f"{name} holds no series of positions: give a column of times and one of positions per symbol")
    long = table.melt(id_vars=[time], value_vars=values, var_name="symbol", value_name="position")
    return _positions(long, name)


def _kronos(table: pd.DataFrame, name: str) -> Told:
    """Forecast bars: the time is the bar that is forecast, the price its forecast close."""
    made = _base(table, name)
    made["price"] = _numbers(table, "close", name)
    return Told(made, "price", "kronos")


def _qlib(table: pd.DataFrame, name: str) -> Told:
    made = _base(table, name)
    made["score"] = _numbers(table, "score", name)
    return Told(made, "score", "qlib")


READERS: dict[str, Callable[[pd.DataFrame, str], Told]] = {
    "plain": _plain,
    "freqtrade": _freqtrade,
    "positions": _positions,
    "kronos": _kronos,
    "qlib": _qlib,
}
