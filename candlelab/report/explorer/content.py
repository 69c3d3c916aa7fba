"""What an explorer holds of a run: its bars, what was predicted and held at each row, and how money is counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from candlelab.core.candles import Candles
from candlelab.core.interval import interval_ms
from candlelab.evaluate.baselines import BASELINES
from candlelab.evaluate.rule.hysteresis import Hysteresis
from candlelab.evaluate.rule.proportional import Proportional
from candlelab.evaluate.rule.threshold import Threshold
from candlelab.evaluate.score import FUNDED, Evaluation
from candlelab.evaluate.table import Part, Task
from candlelab.report.explorer.packed import Pack

MOST_BARS = 200_000  # of a page: some 8 MB, and half a second of the browser's time
EXACT = 20_000  # bars up to which all prices are kept to the last bit; beyond, those that are no decimals are rounded
MOST_CAPTIONS = 20_000
PARTS_OF_P, PARTS_OF_RETURN = 10_000, 100_000  # what a shown probability and return are rounded to
PRICES = ("open", "high", "low")
KNOWN_RULES = (Threshold, Hysteresis, Proportional)  # scoring.js has them, too


@dataclass(frozen=True)
class Tested:
    """The test rows of a run as its backtest reads them.

    part       what the net says, sorted by symbol, segment, time
    held       positions of each model, (n,) in [-1, 1], at the thresholds of validation
    threshold  as in threshold.json: what was chosen for the net, how, and at which costs
    captions   from rows of the tape to the texts of the windows that end there; None where the net reads none
    """

    part: Part
    held: Mapping[str, np.ndarray]
    threshold: Mapping[str, Any]
    captions: Callable[[np.ndarray], list[str]] | None = None


@dataclass(frozen=True)
class Shown:
    """The rows and bars that fit into a page.

    rows   (n,) numbers among the test rows; bar: (n,) number of each row's bar among the page's
    bars   (N,) rows of the tape; symbols: name -> (first, stop) of its bars, and of its rows
    """

    rows: np.ndarray
    bar: np.ndarray
    bars: np.ndarray
    symbols: tuple[dict[str, Any], ...]


def shown_of(candles: Candles, part: Part, *, before: int, after: int) -> Shown:
    """Choose what a page shows: whole symbols, those with most rows first, the last one cut at its newest bars.

    before  bars that a window reads ahead of a row's bar; after: bars that its label and its return look ahead.
    """
    room, taken = MOST_BARS, []
    for code in np.argsort(-np.bincount(part.rows.symbol), kind="stable"):
        rows = np.flatnonzero(part.rows.symbol == code)
        tape = _places(candles, part.ground.symbols[code], part.rows.time[rows])
        kept = tape > tape.max(initial=0) + after + before - room
        if not kept.any() or room <= before + after:
            continue
        rows, tape = rows[kept], tape[kept]
        own = np.flatnonzero(candles.symbol == candles.symbol[tape[0]])
        bars = np.arange(max(own[0], tape.min() - before), min(own[-1], tape.max() + after) + 1)
        room -= len(bars)
        taken.append((part.ground.symbols[code], rows, tape, bars))
    return _joined(sorted(taken, key=lambda each: int(each[1][0])))


def _joined(taken: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]) -> Shown:
    symbols, rows, places, all_bars, row, bar = [], [], [], [], 0, 0
    for name, own, tape, bars in taken:
        symbols.append({"name": name, "rows": [row, row + len(own)], "bars": [bar, bar + len(bars)]})
        rows.append(own)
        places.append(tape - bars[0] + bar)
        all_bars.append(bars)
        row, bar = row + len(own), bar + len(bars)
    return Shown(np.concatenate(rows), np.concatenate(places), np.concatenate(all_bars), tuple(symbols))


def _places(candles: Candles, symbol: str, time: np.ndarray) -> np.ndarray:
    """Rows of the tape at some times of a symbol."""
    own = np.flatnonzero(candles.symbol == candles.symbols.index(symbol))
    return own[np.searchsorted(candles.time[own], time)]


def pack_bars(pack: Pack, candles: Candles, bars: np.ndarray) -> bool:
    """Add the bars' columns; return whether prices were rounded, which the page says."""
    pack.whole("time", candles.time[bars])
    gone = np.zeros(len(bars), bool) if candles.missing is None else candles.missing[bars]
    if gone.any():
        pack.whole("missing", gone)
    pack.exact("close", _filled(candles.close[bars]))
    columns = {name: _filled(getattr(candles, name)[bars]) for name in (*PRICES, "volume")}
    if len(bars) <= EXACT:
        for name, values in columns.items():
            pack.exact(name, values)
        return False
    stops = [
        *(np.flatnonzero(np.diff(candles.symbol[bars])) + 1).tolist(),
        len(bars),
    ]  # a symbol has prices of its own size
    changed = [pack.rounded(name, values, stops) for name, values in columns.items()]
    return any(changed)


def _filled(values: np.ndarray) -> np.ndarray:
    """The values, with the last known one in place of what is missing."""
    known = np.isfinite(values)
    if known.all():
        return values
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    return np.where(np.isfinite(values[last]), values[last], 0.0)


def pack_rows(pack: Pack, candles: Candles, tested: Tested, shown: Shown, settings: Evaluation) -> None:
    """Add the rows' columns: where they stand, how sure the net is of which side, what came, what simple rules held."""
    part, take = tested.part, shown.rows
    could, ground = settings.trades(part), part.ground
    starts = part.rows.starts[take] | np.append(True, np.diff(take) != 1)
    pack.whole("bar", shown.bar)
    pack.whole("start", starts)
    pack.exact("score", could.score[take])
    pack.whole("side", could.direction[take])
    for k in range(1, part.p.shape[1]):
        pack.whole(f"p_{k}", np.rint(part.p[take, k] * PARTS_OF_P), scale=PARTS_OF_P)
    pack.whole("label", ground.label[take])
    moved = np.nan_to_num(ground.forward_return[take], posinf=0.0, neginf=0.0)
    pack.whole("moved", np.rint(np.clip(moved, -1e6, 1e6) * PARTS_OF_RETURN), scale=PARTS_OF_RETURN)
    if np.isfinite(part.forecast[take]).any():
        pack.exact("forecast", part.forecast[take].astype(np.float32))
    gain = np.nan_to_num(ground.bar_return[take])
    if not np.array_equal(gain, told_by_closes(candles.close[shown.bars], shown.bar, starts)):
        pack.exact("gain", gain)
    stored = [] if _scores_again(tested, settings) else ["net"]
    for name in (*_rules(tested), *stored):
        pack.exact(f"held_{name}", tested.held[name][take])


def told_by_closes(close: np.ndarray, bar: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(n,) the return to the next row's close, at the end of a chain to the next bar's; what scripts compute where nothing else is told."""
    after = np.minimum(bar + 1, len(close) - 1)
    following = np.where(np.append(starts[1:], True), after, np.append(bar[1:], 0))
    return np.nan_to_num(close[following] / close[bar] - 1)


def _scores_again(tested: Tested, settings: Evaluation) -> bool:
    """Whether scripts can make the net's positions at other thresholds: of a rule of another package only what was held is told."""
    return tested.part.settled is not None or type(settings.rule) in KNOWN_RULES


def _rules(tested: Tested) -> list[str]:
    return [name for name in BASELINES if name in tested.held]


def facts_of(tested: Tested, shown: Shown, settings: Evaluation, task: Task) -> dict[str, Any]:
    """What the scripts have to know beside the columns; plain values."""
    rows, chosen = tested.part.rows, tested.threshold
    costs = settings.costs | {"bar_ms": rows.bar_ms, "step": rows.step, "funded_ms": FUNDED}
    told = (chosen.get("held") or {}).items()
    held: dict[str, float] = {name: value for name, value in told if value is not None and math.isfinite(value)}
    held |= {"steps": settings.rule.steps} if isinstance(settings.rule, Proportional) else {}
    settled = tested.part.settled is not None
    return {
        "classes": list(task.classes),
        "interval": task.interval,
        "bar_ms": interval_ms(task.interval),
        "horizon": task.horizon,
        "symbols": list(shown.symbols),
        "score": chosen.get("score", "confidence"),
        "threshold": chosen.get("threshold"),
        "flat": chosen.get("flat"),
        "rule": "threshold" if settled else type(settings.rule).__name__.lower(),
        "held": held,
        "settled": settled,
        "costs": costs,
        "per_year": float(rows.per_year),
        "rules": _rules(tested),
        "whole": len(shown.rows) == len(rows),
        "rows": len(rows),
    }


def pack_captions(pack: Pack, tested: Tested, shown: Shown) -> dict[str, Any]:
    """Add the number of each row's caption, and return the distinct captions and the first row that has one; {} without."""
    if tested.captions is None:
        return {}
    first = max(0, len(shown.rows) - MOST_CAPTIONS)
    seen: dict[str, int] = {}
    place = [seen.setdefault(text, len(seen)) for text in tested.captions(shown.bars[shown.bar[first:]])]
    pack.whole("caption", np.array(place, np.int64))
    return {"texts": list(seen), "first": first}
