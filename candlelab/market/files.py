"""Files of bars as one tape: which files, which symbol, which interval serves what was asked."""

from __future__ import annotations

import difflib
import re
import time as clock
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.core.candles import Candles, concat
from candlelab.core.errors import UserError
from candlelab.core.interval import AUTO, check_interval, infer_interval, interval_ms
from candlelab.market.quality import Quality, break_at_relistings, clean_bars
from candlelab.market.reading import SUFFIXES
from candlelab.market.resample import resample
from candlelab.market.symbols import EXCHANGES, tidy_symbol
from candlelab.market.table import BarTable, Reading, read_tables

LENGTH_OR_DATE = re.compile(
    r"\d+|\d+(?:S|SEC|M|MIN|H|HR|HOUR|D|DAY|W|WEEK|MO|MONTH)S?|[MHDW]\d+|MN1?|(?:HOUR|DAI|WEEK|MONTH)LY|MINUTES?"
)


def load_files(
    paths: list[Path],
    symbols: list[str],
    interval: str,
    start: int | None,
    end: int | None,
    *,
    misaligned: str,
    last_bar: str,
    reading: Reading,
) -> tuple[Candles, list[Quality]]:
    """Return (tape, quality per symbol) of the bars with start <= open time < end, ms UTC.

    symbols   empty: all the files hold.
    interval  the files' own or a coarser one, which is then built from them; auto: the finest all the symbols have.
    last_bar  keep, or drop (the file was made while the market ran).
    A range that leaves out bars of the files is a note of the quality. Raises UserError if a file, a symbol or the interval is
    not there, DataTrouble if the bars cannot be trusted.
    """
    parts = split_by_symbol(
        [table for path in paths for table in read_tables(path, reading)], [tidy_symbol(s) for s in symbols]
    )
    interval = finest(parts) if interval == AUTO else check_interval(interval)
    quality, tapes = [], []
    for name, pieces in parts.items():
        own, whole = choose_interval(name, pieces, interval)
        record = Quality(name, own)
        quality.append(record)
        bars = _cut(name, whole, start, end, last_bar)
        if len(bars["time"]) < len(whole["time"]) - (last_bar == "drop"):
            record.notes.append(
                f"data.start and data.end leave out {len(whole['time']) - len(bars['time']):,} of the {len(whole['time']):,} bars "
                f"of the files, which hold {span_text(whole['time'])}"
            )
        bars = clean_bars(bars, record, now=int(clock.time() * 1000), misaligned=misaligned)
        tape = Candles.build(symbols=(name,), intervals=(own,), symbol=np.zeros(len(bars["time"]), np.int32), **bars)
        tapes.append(tape if own == interval else resample(tape, interval, start=start))
    return break_at_relistings(tapes[0] if len(tapes) == 1 else concat(tapes)), quality


def finest(parts: dict[str, list[dict[str, Any]]]) -> str:
    """Return the finest interval that every symbol's files can serve: the coarsest of what each has finest."""
    own = [
        min((own_interval(piece, "1d", name) for piece in pieces), key=interval_ms) for name, pieces in parts.items()
    ]
    return max(own, key=interval_ms)


def source_lines(tape: Candles, paths: list[Path], quality: list[Quality]) -> list[str]:
    """Return the lines that say what was taken from files: symbols, interval, span, and what was left out."""
    shown = ", ".join(tape.symbols[:8]) + (f" and {len(tape.symbols) - 8} more" if len(tape.symbols) > 8 else "")
    names = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
    left = [f"{row.symbol}: {note}" for row in quality for note in row.notes if note.startswith("data.start")]
    return [f"{names}: {shown}, {tape.interval} bars, {span_text(tape.time)}, {len(tape):,} bars", *left]


def _cut(
    name: str, bars: dict[str, np.ndarray], start: int | None, end: int | None, last_bar: str
) -> dict[str, np.ndarray]:
    """Return the raw bars inside [start, end), the file's newest left out if asked; raises UserError if none is left."""
    time = bars["time"]
    keep = (time >= (start or 0)) & (time < (end or np.iinfo(np.int64).max))
    if last_bar == "drop":
        keep &= time != time.max()
    if not keep.any():
        raise UserError(
            f"{name} has no bar in the asked range: the files hold {span_text(time)}, set data.start and data.end"
        )
    return bars if keep.all() else {k: v[keep] for k, v in bars.items()}


def find_files(text: str) -> list[Path]:
    """Return the files a path, folder or glob means, sorted; raises UserError naming the nearest one if none does."""
    path = Path(text).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        hits = sorted(p for p in path.iterdir() if p.name.endswith(SUFFIXES))
    else:
        hits = [Path(p) for p in sorted(glob(str(path), recursive=True)) if Path(p).is_file()]
    if hits:
        return hits
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*") if p.name != path.name], n=1)
    hint = f", did you mean {path.parent / near[0]}" if near else ""
    raise UserError(f"no csv, json, parquet, feather or zip file at '{text}'{hint}: set data.source.path")


def split_by_symbol(tables: list[BarTable], asked: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the pieces of each asked symbol (of all, if none is asked), raising ValueError for one that is not there.

    A file that names no symbol belongs to the only asked one.
    """
    parts: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        names = table.symbol
        if names is None:
            if len(asked) > 1:
                raise UserError(
                    f"{table.path.name} does not say which symbol it holds, and {len(asked)} are asked: "
                    "name it like BTCUSDT_1h.csv or give it a symbol column"
                )
            name = asked[0] if asked else stem(table.path.name)
            names = np.full(len(table), name, object)
        for name in dict.fromkeys(names.tolist()):
            rows = names == name
            piece = {k: v[rows] for k, v in table.columns.items()} | {"table": table}
            parts.setdefault(name, []).append(piece)
    absent = [s for s in asked if s not in parts]
    if absent:
        raise UserError(f"the files hold {', '.join(sorted(parts)[:12])}, not {', '.join(absent)}: set data.symbols")
    return {name: parts[name] for name in (asked or sorted(parts))}


def stem(name: str) -> str:
    """Return what a file that names no symbol is called: its name in letters and digits, up to a word of dates or of a bar's length."""
    words = re.split(r"[^A-Z0-9]+", name.split(".")[0].upper())
    first = next((k for k, word in enumerate(words) if k and LENGTH_OR_DATE.fullmatch(word)), len(words))
    own = words[1:first] if first > 1 and re.fullmatch(EXCHANGES, words[0]) else words[:first]
    return "".join(own)[:30] or "OWN"


def choose_interval(name: str, pieces: list[dict[str, Any]], asked: str) -> tuple[str, dict[str, np.ndarray]]:
    """Return the interval and bars of those pieces that serve the asked interval: the asked itself, else the finest below."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for piece in pieces:
        groups.setdefault(own_interval(piece, asked, name), []).append(piece)
    fitting = [own for own in groups if interval_ms(own) <= interval_ms(asked)]
    if not fitting:
        have = ", ".join(sorted(groups, key=interval_ms))
        raise UserError(
            f"{name}: the files hold {have} bars, finer ones cannot be made: set data.interval={have.split(', ')[0]}"
        )
    own = asked if asked in fitting else min(fitting, key=interval_ms)
    chosen = groups[own]
    shared = [k for k in chosen[0] if k != "table" and all(k in piece for piece in chosen)]
    return own, {k: np.concatenate([piece[k] for piece in chosen]) for k in shared}


def own_interval(piece: dict[str, Any], asked: str, name: str) -> str:
    """Return the interval of one file: its commonest time step, or what its name says if it is too short to tell."""
    time, table = piece["time"], piece["table"]
    if len(np.unique(time)) > 1:
        return infer_interval(np.zeros(len(time), np.int8), time)
    return check_interval(table.interval) if table.interval else asked


def span_text(time: np.ndarray) -> str:
    """Return "2018-02-09 16:00 to 2025-03-31 17:00" for ms UTC times in any order."""
    first, last = np.array([time.min(), time.max()]).astype("datetime64[ms]").astype("datetime64[m]")
    return f"{first} to {last}".replace("T", " ")
