"""Lines of a diary: what a run said of a bar and when, each with the hash of the line before it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from candlelab.core.candles import Candles
from candlelab.core.columns import OHLCV
from candlelab.core.errors import UserError
from candlelab.core.forms import COUNT, LAST, NUMBER, a_name, a_share
from candlelab.core.hash_chain import HashChain
from candlelab.core.interval import INTERVALS
from candlelab.core.reading import objection

DIARY = "diary.jsonl"
FOLDER = "diary"  # of outputs, where nobody names another


def a_run(value: Any) -> bool:
    """Whether a text names a run as study/folder."""
    return a_name(value) and value.count("/") == 1 and not any(part.startswith(".") for part in value.split("/"))


def an_interval(value: Any) -> bool:
    """Whether a text is a length of bars."""
    return value in INTERVALS


MOMENT = range(LAST)  # ms UTC
HEAD = {"line": COUNT, "run": a_run, "weights": a_name, "engine": a_name, "symbol": a_name, "interval": an_interval}
WHEN = {"bar": MOMENT, "closed": MOMENT, "written": MOMENT, "ahead": (None, range(-LAST, LAST))}
SILENT = HEAD | WHEN | {"until?": MOMENT, "no_answer": str}
ANSWERED = HEAD | WHEN | {"bars": a_name, "p": {...: a_share}, "signal": {"LONG", "SHORT", "NONE"}, "forecast": NUMBER}
ANSWERED |= {"threshold": NUMBER, "confidence": NUMBER, "close": NUMBER}


def checked_lines(lines: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the lines of a diary; raises UserError, naming the first, if one is none: the diary of somebody else, or another log."""
    for number, line in enumerate(lines, 1):
        told = objection(line, SILENT if "no_answer" in line else ANSWERED)
        if told:
            raise UserError(f"line {number} is no line of a diary ({told}): name the folder of one as task.diary")
    return lines


def diary_in(folder: Path) -> HashChain:
    """Return the diary of a folder; several runs may share it."""
    return HashChain(folder / DIARY, "diary")


@dataclass(frozen=True)
class Author:
    """Who writes: the run (study/folder), the first 16 hex digits of its weights' SHA-256, and what computes."""

    run: str
    weights: str
    engine: str


@dataclass(frozen=True)
class Moment:
    """When a line is written: our clock, and how far it is ahead of the exchange's (None: the exchange did not say); ms."""

    written: int
    ahead: int | None

    @property
    def true(self) -> int:
        """The exchange's time as well as it is known, ms UTC."""
        return self.written - (self.ahead or 0)


def true_time(line: Mapping[str, Any]) -> int:
    """Return when a line was written by the exchange's time, ms UTC."""
    return Moment(line["written"], line["ahead"]).true


def told_line(
    author: Author, interval: str, said: Mapping[str, Any], classes: Sequence[str], *, bars: str, at: Moment
) -> dict[str, Any]:
    """Return the line of an answer; said: a row of `signals` whose `class` is known; bars: hash of the window."""
    number = {name: _number(said[name]) for name in ("confidence", "threshold", "close", "forecast")}
    return {
        **_head(author, said["symbol"], interval, int(said["time"])),
        "closed": int(said["closed"]),
        **_when(at),
        "bars": bars,
        "p": {name: _number(said[f"p_{name}"]) for name in classes},
        "signal": str(said["signal"]),
        **number,
        "threshold_hash": str(said["threshold_hash"]),
    }


def silent_line(
    author: Author, symbol: str, interval: str, opened: int, closed: int, because: str, *, at: Moment, until: int
) -> dict[str, Any]:
    """Return the line of a bar, or of all bars that open from `opened` to `until`, of which nothing was said.

    closed  of the last of them.
    """
    return {
        **_head(author, symbol, interval, opened),
        **({"until": until} if until > opened else {}),
        "closed": closed,
        **_when(at),
        "no_answer": f"no answer, because {' '.join(because.split())}",
    }


def _head(author: Author, symbol: str, interval: str, opened: int) -> dict[str, Any]:
    told = {"run": author.run, "weights": author.weights, "engine": author.engine}
    return told | {"symbol": str(symbol), "interval": interval, "bar": opened}


def _when(at: Moment) -> dict[str, Any]:
    return {"written": at.written, "ahead": at.ahead}


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def last_bar(line: Mapping[str, Any]) -> int:
    """Return when the last bar opened that a line speaks of, ms UTC."""
    return int(line.get("until", line["bar"]))


def same_series(line: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two lines are of one run, symbol and interval."""
    return all(line.get(name) == other.get(name) for name in ("run", "symbol", "interval"))


def is_written(line: Mapping[str, Any], there: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the diary speaks already of a bar that a line speaks of."""
    return any(
        same_series(old, line) and old["bar"] <= last_bar(line) and last_bar(old) >= line["bar"]
        for old in reversed(there)
        if "bar" in old
    )


def window_hash(candles: Candles, row: int, bars: int) -> str:
    """Return the SHA-256 of the times, prices and volumes of the `bars` bars that end at a row of the tape."""
    first = max(0, row + 1 - bars)
    digest = hashlib.sha256()
    for column in (candles.time, *(getattr(candles, name) for name in OHLCV)):
        kind = "<f8" if column.dtype.kind == "f" else "<i8"
        digest.update(column[first : row + 1].astype(kind).tobytes())
    return digest.hexdigest()
