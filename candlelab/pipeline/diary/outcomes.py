"""What happened after each line of a diary, and which lines count: those written before their outcome could be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from candlelab.core.candles import Candles
from candlelab.core.contracts import Labels
from candlelab.core.interval import interval_ms, next_open
from candlelab.data.label.outcomes import forward_returns
from candlelab.pipeline.diary.lines import last_bar, true_time, window_hash

Status = Literal["counted", "late", "early", "no answer", "waiting", "no bar", "other weights"]
MEANING: dict[str, str] = {
    "counted": "written in time, and its outcome is known",
    "late": "written too late after its bar closed: shown, not judged",
    "early": "written before its bar had closed, by the exchange's time: not judged",
    "no answer": "the line says why there is none",
    "waiting": "its outcome is not known yet",
    "no bar": "the exchange has no such bar now",
    "other weights": "written by other weights than the run has now",
}


@dataclass(frozen=True)
class Truth:
    """The bars as the exchange gives them at the time of judging, and the labels of the run's own rule."""

    tape: Candles
    labels: Labels
    horizon: int
    bars: int  # of a window with its warm-up


def outcomes_of(
    lines: Sequence[Mapping[str, Any]], truth: Truth, *, weights: str, late: float | None, now: int
) -> pd.DataFrame:
    """Return one row per line, in their order.

    late  bars after the close within which a line must have been written; None: up to the outcome.
    now   the exchange's time, ms UTC: an outcome is known once its last bar has closed.
    Columns line, symbol, bar, bars (how many a line speaks of), written (exchange's time), delay (s after the close), signal,
    status, restated (the window's bars are not those that were predicted on), row (of the tape, -1 without), label,
    forward_return.
    """
    place = _places(truth.tape)
    forward = forward_returns(truth.tape, truth.horizon)
    made = [_outcome(line, truth, place, forward, weights=weights, late=late, now=now) for line in lines]
    return pd.DataFrame(made, columns=COLUMNS)


COLUMNS = (
    *("line", "symbol", "bar", "bars", "written", "delay", "signal", "status", "restated", "row", "label"),
    "forward_return",
)


def _places(tape: Candles) -> dict[tuple[str, int], int]:
    return {(tape.symbols[code], int(time)): row for row, (code, time) in enumerate(zip(tape.symbol, tape.time))}


def _outcome(
    line: Mapping[str, Any],
    truth: Truth,
    place: Mapping[tuple[str, int], int],
    forward: np.ndarray,
    *,
    weights: str,
    late: float | None,
    now: int,
) -> dict[str, Any]:
    row = place.get((line["symbol"], line["bar"]), -1)
    written = true_time(line)
    told = {"line": line["line"], "symbol": line["symbol"], "bar": line["bar"], "written": written}
    told |= {"bars": _bars(line), "delay": (written - line["closed"]) / 1000, "signal": line.get("signal", "")}
    known = row >= 0 and "p" in line
    told |= {"restated": known and window_hash(truth.tape, row, truth.bars) != line["bars"], "row": row}
    told |= {"label": int(truth.labels.label[row]) if known else -1}
    told |= {"forward_return": float(forward[row]) if known else np.nan}
    return told | {"status": _status(line, written, row, truth, told["forward_return"], weights, late, now)}


def _bars(line: Mapping[str, Any]) -> int:
    return 1 + round((last_bar(line) - line["bar"]) / interval_ms(line["interval"]))


def _status(
    line: Mapping[str, Any],
    written: int,
    row: int,
    truth: Truth,
    forward: float,
    weights: str,
    late: float | None,
    now: int,
) -> Status:
    if "p" not in line:
        return "no answer"
    if line["weights"] != weights:
        return "other weights"
    if written < line["closed"]:
        return "early"
    horizon = truth.horizon if late is None else min(late, truth.horizon)
    if written > line["closed"] + horizon * (line["closed"] - line["bar"]):
        return "late"
    if row < 0:
        return "no bar"
    end = max(int(truth.labels.label_end[row]), row)
    known = int(next_open(truth.tape.time[end : end + 1], line["interval"])[0])
    return "counted" if np.isfinite(forward) and known <= now else "waiting"
