"""Batch inference: what a finished run says of every window of a period, streamed to Parquet one block of bars after another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from candlelab.config import build
from candlelab.core import files
from candlelab.core.blocks import blocks
from candlelab.core.candles import Candles
from candlelab.core.errors import DataTrouble
from candlelab.core.interval import next_open
from candlelab.core.signal import check_answers, confidences, signal_at
from candlelab.core.volatility import running_volatility
from candlelab.data.windows import valid_ends
from candlelab.export.rule import Rule, rule_at
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.pipeline.scores.signals import SIGNALS, UNSURE, Engine, answers_to, engine_of
from candlelab.run import Run

WINDOWS = 512  # asked at a time: no more of their inputs are in memory
GROUP = 1 << 16  # rows of a row group of the file
BARS = 1 << 20  # of a block; a longer segment is a block of its own


def every_window(
    run: Run,
    maker: InputMaker,
    tapes: Iterator[tuple[Candles, int | None]],
    path: Path,
    *,
    engine: str,
    threshold: float | None,
) -> pd.DataFrame:
    """Write one row per window into a Parquet file, atomically; return how many there are of each symbol, and from when to when.

    tapes      pairs of bars and the time (ms UTC) from which on their windows are asked for, None: all.
    threshold  as in `signals.signals`.
    Raises DataTrouble if there is no window at all.
    Columns: symbol, time (open of the last bar, ms UTC), closed, signal, class, confidence, p_<class>…, close, forecast (log
    return). Where an indicator is unknown in the window there is no answer: class empty, probabilities NaN.
    """
    rule = rule_at(run, threshold)
    ask, counts = engine_of(run, engine), dict[str, list[int]]()
    with files.atomic(path) as temporary, _Groups(temporary) as groups:
        for tape, first in tapes:
            for block in blocks(tape, BARS):
                for rows in _of_block(run, maker, tape.rows(block), first, ask, rule):
                    groups.add(rows)
                    _count(counts, rows)
        if not counts:
            raise DataTrouble(
                f"no window of {maker.bars} bars without a gap ends in the asked period: set data.start and data.end"
            )
    told = [(name, *found) for name, found in sorted(counts.items())]
    return pd.DataFrame(told, columns=["symbol", "windows", "first", "last", "signals"])


def _of_block(
    run: Run, maker: InputMaker, tape: Candles, first: int | None, ask: Engine, rule: Rule
) -> Iterator[pd.DataFrame]:
    """Yield the rows of some windows after another."""
    made = run.preprocessing
    ends = valid_ends(tape, window=made["window"], warmup=made["warmup"], stride=1)
    ends = ends if first is None else ends[tape.time[ends] >= first]
    if not len(ends):
        return
    read, sigma = maker.inputs.reader(tape), running_volatility(tape)
    theta = build(maker.recipe, "data.label")(tape, made["window"]).theta
    for start in range(0, len(ends), WINDOWS):
        some = ends[start : start + WINDOWS]
        p, returns, unknown = answers_to(
            made, ask, read(some), sigma=sigma[some], theta=partial(theta.__getitem__, some)
        )
        check_answers(p[~unknown])
        p[unknown], returns[unknown] = np.nan, np.nan
        yield _rows(tape, some, made, rule, p, returns)


def _rows(
    tape: Candles, ends: np.ndarray, made: dict[str, Any], rule: Rule, p: np.ndarray, returns: np.ndarray
) -> pd.DataFrame:
    names, known = np.array(made["classes"]), np.isfinite(p).all(1)
    words = np.where(known, names[np.nan_to_num(p, nan=-1.0).argmax(1)], None)
    if made["kind"] == "forecast":
        sure, side = confidences(p, returns, rule.score)
        signal = np.array([SIGNALS[k] for k in (-1, 0, 1)])[signal_at(sure, side, rule.threshold) + 1]
    else:
        sure = np.where(known, np.nan_to_num(p).max(1), 0.0)
        least = np.inf if rule.threshold is None else rule.threshold
        signal = np.where(known & (sure >= least), words, UNSURE)
    numbers = {f"p_{name}": p[:, k] for k, name in enumerate(made["classes"])}
    head = {"symbol": np.array(tape.symbols)[tape.symbol[ends]], "time": tape.time[ends], "closed": _closes(tape, ends)}
    told = head | {"signal": signal, "class": words, "confidence": np.where(known, sure, np.nan)}
    return pd.DataFrame(told | numbers | {"close": tape.close[ends], "forecast": returns})


def _closes(tape: Candles, ends: np.ndarray) -> np.ndarray:
    out = np.empty(len(ends), np.int64)
    for code in np.unique(tape.symbol[ends]).tolist():
        mine = tape.symbol[ends] == code
        out[mine] = next_open(tape.time[ends][mine], tape.intervals[code])
    return out


def _count(counts: dict[str, list[int]], rows: pd.DataFrame) -> None:
    for name, some in rows.groupby("symbol", sort=False):
        found = counts.setdefault(str(name), [0, int(some.time.min()), 0, 0])
        found[0] += len(some)
        found[1], found[2] = min(found[1], int(some.time.min())), max(found[2], int(some.time.max()))
        found[3] += int((~some.signal.isin([SIGNALS[0], UNSURE])).sum())


class _Groups:
    """Rows of a Parquet file, written a row group at a time."""

    def __init__(self, path: Path) -> None:
        self._path, self._rows, self._held = path, list[pd.DataFrame](), 0
        self._writer: Any = None

    def __enter__(self) -> _Groups:
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is None:
            self._write()
        if self._writer is not None:
            self._writer.close()

    def add(self, rows: pd.DataFrame) -> None:
        self._rows.append(rows)
        self._held += len(rows)
        if self._held >= GROUP:
            self._write()

    def _write(self) -> None:
        if not self._rows:
            return
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        table = pa.Table.from_pandas(pd.concat(self._rows, ignore_index=True), preserve_index=False)
        if self._writer is None:
            self._writer = ParquetWriter(self._path, _with_text(table.schema), compression="zstd")
        self._writer.write_table(table.cast(self._writer.schema))
        self._rows, self._held = [], 0


def _with_text(schema: Any) -> Any:
    """Return the schema with text where a first group happens to hold no answer at all."""
    import pyarrow as pa

    return pa.schema([field.with_type(pa.string()) if field.type == pa.null() else field for field in schema])
