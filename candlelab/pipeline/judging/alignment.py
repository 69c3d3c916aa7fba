"""Alignment of predictions with bars: which bar each was decided at, and whether it knows what came after."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from candlelab.config.words import hint
from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.core.interval import interval_ms, next_open
from candlelab.core.times import iso
from candlelab.data.label.outcomes import Labels
from candlelab.pipeline.judging.prediction_files import TRUTH, Told

Times = Literal["open", "close"]
UNMATCHED = 0.5  # share of rows without a bar from which the times must be wrong
TOO_GOOD = 0.10  # beyond an AUROC of 0.5 no honest model of liquid bars goes, about the next bar
BESIDE_RULES = 0.05  # more than what the best simple rule knows of it
FEWEST = 200
KNOWN = 20  # bars that what is new in an answer is told apart from
ROUNDING = 1e-6
CLOSE_TO = 1e-7  # relative: what a csv leaves of a float


def aligned(told: Told, candles: Candles, *, times: Times, horizon: int) -> pd.DataFrame:
    """Return the decisions with `row`, the tape row of each one's bar, sorted by row; decisions without a bar are left out.

    times  whether the table's times are opens or closes of the bar at whose close was decided; a forecast price's time is
           always the open of the bar that is forecast, `horizon` bars later.
    Raises UserError if most rows have no bar, or a bar has two.
    """
    table = _each_bar(told, candles) if told.what == "trades" else told.table
    code = _codes(table, candles)
    at = _grid(candles, "close" if times == "close" and told.what not in ("price", "trades") else "open")
    rows = _rows(candles, at, code, table["time"].to_numpy(np.int64))
    if told.what == "price":
        rows = np.where(rows >= 0, rows - horizon, -1)
        same = (rows >= 0) & (candles.segment[rows] == candles.segment[np.minimum(rows + horizon, len(candles) - 1)])
        rows = np.where(same, rows, -1)
    missed = rows < 0
    if missed.mean() > UNMATCHED:
        _refuse_times(int(table["time"].to_numpy()[missed.argmax()]), int(missed.sum()), len(rows), candles, times)
    found = table.assign(row=rows)[~missed].sort_values("row", kind="stable")
    twice = found["row"].duplicated()
    if twice.any():
        raise UserError(
            f"two predictions stand at {_where(candles, int(found.loc[twice, 'row'].iloc[0]))}: give one per bar and symbol"
        )
    return found


def _each_bar(told: Told, candles: Candles) -> pd.DataFrame:
    """Return one row per bar of the time that the trades span: the side that was held from its close on."""
    code, parts = _codes(told.table, candles), []
    for symbol in np.unique(code):
        trades = told.table[code == symbol].sort_values("opened")
        rows = np.flatnonzero(candles.symbol == symbol)
        decided = next_open(candles.time[rows], candles.intervals[symbol])
        inside = (decided >= trades["opened"].min()) & (decided < trades["closed"].max())
        rows, decided = rows[inside], decided[inside]
        place = np.searchsorted(trades["opened"].to_numpy(np.int64), decided, side="right") - 1
        held = decided < trades["closed"].to_numpy(np.int64)[place]
        side = np.where(held, trades["signal"].to_numpy(float)[place], 0.0)
        parts.append(pd.DataFrame({"symbol": candles.symbols[symbol], "time": candles.time[rows], "signal": side}))
    return pd.concat(parts, ignore_index=True)


def _codes(table: pd.DataFrame, candles: Candles) -> np.ndarray:
    if "symbol" not in table:
        if len(candles.symbols) > 1:
            raise UserError(
                f"the predictions name no symbol and the bars hold {', '.join(candles.symbols[:6])}: add a column symbol"
            )
        return np.zeros(len(table), np.int64)
    known = {_tidy(name): code for code, name in enumerate(candles.symbols)}
    names = table["symbol"].map(_tidy)
    strange = sorted(set(names) - set(known))
    if strange:
        raise UserError(f"the predictions are of {strange[0]}, of which there are no bars{hint(strange[0], known)}")
    return names.map(known).to_numpy(np.int64)


def _tidy(name: str) -> str:
    """Return BTC/USDT:USDT, btc-usdt and BTCUSDT as one name."""
    return re.sub(r"[^A-Z0-9]", "", str(name).upper().split(":")[0])


def _grid(candles: Candles, which: str) -> np.ndarray:
    """Return the moment each bar is known by; (N,) ms."""
    if which == "open":
        return candles.time
    moments = candles.time.copy()
    for code, interval in enumerate(candles.intervals):
        mine = candles.symbol == code
        moments[mine] = next_open(candles.time[mine], interval)
    return moments


def _rows(candles: Candles, at: np.ndarray, code: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Return the tape row of each (symbol, moment), -1 where there is none; a close a millisecond early is that close."""
    rows = np.full(len(time), -1)
    for symbol in np.unique(code):
        own, mine = np.flatnonzero(candles.symbol == symbol), code == symbol
        for early in (0, 1) if at is not candles.time else (0,):
            place = np.searchsorted(at[own], time[mine] + early)
            place = np.minimum(place, len(own) - 1)
            hit = at[own][place] == time[mine] + early
            rows[mine] = np.where(hit & (rows[mine] < 0), own[place], rows[mine])
    return rows


def _refuse_times(first: int, missed: int, count: int, candles: Candles, times: Times) -> None:
    step = interval_ms(candles.intervals[0]) if candles.interval != "mixed" else 0
    inside = int(candles.time.min()) <= first <= int(candles.time.max())
    cure = f"the bars run from {iso(int(candles.time.min()))} to {iso(int(candles.time.max()))}: give those of the predictions"
    if inside and step and (first + 1) % step == 0 and times == "open":
        cure = "that is a millisecond before a close: say that the times are closes (times=close)"
    elif inside:
        cure = f"check the interval ({candles.interval}) and the time zone (UTC is meant where none is named)"
    raise UserError(
        f"no bar {'opens' if times == 'open' else 'closes'} at {iso(first)} ({missed:,} of {count:,} rows have none): {cure}"
    )


def check_truth(found: pd.DataFrame, candles: Candles, labels: Labels, bar_return: np.ndarray) -> None:
    """Raise UserError where the table's own close or returns are not those of its bars, and say so where they are a later bar's."""
    row = found["row"].to_numpy()
    truth = {"close": candles.close, "forward_return": labels.forward_return, "bar_return": bar_return}
    for name in TRUTH:
        if name not in found:
            continue
        told = pd.to_numeric(found[name], errors="coerce").to_numpy(float)
        bad = _apart(told, truth[name][row])
        if not bad.any():
            continue
        following = truth[name][np.minimum(row + 1, len(candles) - 1)]
        first = int(row[bad.argmax()])
        if (~_apart(told, following))[bad].mean() > 0.5:
            raise UserError(
                f"the predictions look into the future: what stands at {_where(candles, first)} has the {name} of the bar after it: "
                "date each by the bar at whose close it was decided"
            )
        if name != "bar_return" and bad.mean() > 0.01:
            raise UserError(
                f"the {name} at {_where(candles, first)} is {told[bad.argmax()]:g} in the predictions and {truth[name][first]:g} in the "
                f"bars ({bad.sum():,} of {len(row):,} differ): judge them on the bars and the horizon that they were made for"
            )


def _apart(told: np.ndarray, own: np.ndarray) -> np.ndarray:
    both = np.isfinite(told) & np.isfinite(own)
    return both & (np.abs(told - own) > CLOSE_TO * np.maximum(1.0, np.abs(own)))


def knows_next_bar(
    candles: Candles, rows: np.ndarray, score: np.ndarray, rules: dict[str, np.ndarray], optimum: float | None
) -> str | None:
    """Return in a sentence why answers must know the bar that follows theirs, None where nothing says so.

    score    (n,) how much more up than down at the tape rows; rules: the same of every simple rule, on the same rows.
    optimum  best achievable AUROC where the market is simulated.
    The AUROC of the next bar's direction lies surely beyond what any honest model, and any simple rule here, reaches: that of
    the answers themselves, or that of what is new in them, which a model that reads one bar too many takes from that bar.
    """
    after = np.minimum(rows + 1, len(candles) - 1)
    step = np.where(candles.segment[after] == candles.segment[rows], candles.close[after] - candles.close[rows], 0.0)
    moved = np.isfinite(step) & (step != 0) & (after != rows)
    known = {name: _areas(candles, rows, values, step, moved) for name, values in rules.items()}
    simple = max((abs(area - 0.5) for areas in known.values() for area, _ in areas.values()), default=0.0)
    limit = max(TOO_GOOD, simple + BESIDE_RULES, 0.0 if optimum is None else abs(optimum - 0.5) + 0.02)
    for what, (area, sure) in _areas(candles, rows, score, step, moved).items():
        error = np.sqrt((moved.sum() + 1) / (12 * (step > 0).sum() * max(1, (step < 0).sum())))
        if abs(area - 0.5) - 1.96 * error > limit:
            return (
                f"the predictions look into the future: {what} tells the direction of the bar that follows theirs with AUROC "
                f"{area:.3f} where the best simple rule has {0.5 + simple:.3f} and no honest model is beyond {0.5 + limit:.2f}; the "
                f"first such bar is {_where(candles, sure)}: date each by the bar at whose close it was decided"
            )
    return None


def _areas(
    candles: Candles, rows: np.ndarray, score: np.ndarray, step: np.ndarray, moved: np.ndarray
) -> dict[str, tuple[float, int]]:
    """Return {what is told: (AUROC of the next step's direction, first row that is right)} where enough rows say it."""
    found = {}
    for what, told in (("what they say", score), ("what is new in them", _news(candles, rows, score))):
        there = moved & np.isfinite(told)
        if there.sum() < FEWEST:
            continue
        area = area_of_direction(told[there], step[there] > 0)
        right = there & (told * step * (1 if area > 0.5 else -1) > 0)
        found[what] = (area, int(rows[right.argmax()]))
    return found


def _news(candles: Candles, rows: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return what the two answers before and the bars up to each answer's own do not explain of it; (n,), NaN where unknown.

    Least squares on both answers and the last KNOWN log returns, with the sizes and signs of the newest: all of it known at the
    close. No function of the past tells more of the next bar than the market allows; the bar itself, read too early, does.
    """
    said = np.full(len(candles), np.nan)
    said[rows] = score
    move = np.full(len(candles), np.nan)
    same = candles.segment[1:] == candles.segment[:-1]
    move[1:][same] = np.diff(np.log(candles.close))[same]
    back = np.maximum(rows[:, None] - np.arange(KNOWN), 0)
    moves, before = move[back], said[np.maximum(rows[:, None] - [1, 2], 0)]
    told = np.column_stack([np.ones(len(rows)), before, moves, np.abs(moves[:, :3]), np.sign(moves[:, :3])])
    there = np.isfinite(told).all(1) & np.isfinite(score) & (rows >= KNOWN)
    news = np.full(len(rows), np.nan)
    if there.sum() >= FEWEST:
        weights = np.linalg.lstsq(told[there], score[there], rcond=None)[0]
        news[there] = score[there] - told[there] @ weights
        if np.std(news[there]) < ROUNDING * np.std(score[there]):
            return np.full(len(rows), np.nan)  # the bars tell everything: what is left are digits
    return news


def area_of_direction(score: np.ndarray, up: np.ndarray) -> float:
    """Return the probability that a rising row scores above a falling one; 0.5 without both."""
    rises, falls = int(up.sum()), int((~up).sum())
    if not rises or not falls:
        return 0.5
    return float((rankdata(score)[up].sum() - rises * (rises + 1) / 2) / (rises * falls))


def _where(candles: Candles, row: int) -> str:
    return f"{candles.symbols[candles.symbol[row]]} {iso(int(candles.time[row]))}"
