"""Backtest and prediction audit: repainting, same-close execution, delay, impossible trade counts, tuned thresholds, overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from candlelab.audit.record import Audit, AuditFinding, audit_of
from candlelab.core.errors import UserError
from candlelab.core.times import iso, to_ms
from candlelab.evaluate.intervals import wilson

KEYS = ("model", "symbol", "time")
SAID = ("position", "signal", "forecast")
TOO_GOOD = 0.62  # hit rate that no honest model of liquid markets reaches
LOST = 0.2  # share of the profit that may be left after one bar of delay
FEWEST = 100


def audit_predictions(
    table: pd.DataFrame,
    *,
    earlier: pd.DataFrame | None = None,
    trades: pd.DataFrame | None = None,
    threshold: float | None = None,
    horizon: int | None = None,
) -> Audit:
    """Return what is wrong with somebody's predictions or positions.

    table      columns time (ms or datetime) and, as far as there are: symbol, split (train, validation, test), label, p_0 …,
               position (-1 to 1, decided at the bar's close), close, return (what the author says the bar earned), bar_return
               (simple, from this close to the next).
    earlier    an older export of the same predictor.
    trades     one row per trade, columns entry_time and exit_time, optional symbol.
    threshold  confidence from which the author trades.
    horizon    bars the label looks ahead; needed to know which rows overlap training.
    Raises UserError without a column time.
    """
    if "time" not in table:
        raise UserError(f"the predictions have no column time: they have {', '.join(map(str, table.columns))}")
    table = _ordered(table)
    forecasts = ("split", "label", "p_0")
    asked: tuple[tuple[str, tuple[str, ...], Callable[[], Iterable[AuditFinding]] | None], ...] = (
        ("repainting", ("time",), None if earlier is None else partial(repainting, table, _ordered(earlier))),
        ("one bar of delay", ("position", "close"), partial(one_bar_of_delay, table)),
        ("execution", ("position", "close", "return"), partial(same_close, table)),
        ("number of trades", ("time",), None if trades is None else partial(trade_count, table, trades)),
        ("threshold", forecasts, None if threshold is None else partial(tuned_threshold, table, threshold)),
        ("overlap with training", forecasts, None if horizon is None else partial(overlapping, table, horizon)),
    )
    checks, unchecked = [], []
    for name, needed, check in asked:
        absent = [column for column in needed if column not in table]
        if absent or check is None:
            unchecked.append((name, f"needs {', '.join(absent)}" if absent else NEEDS[name]))
        else:
            checks.append((name, list(check())))
    return audit_of(f"{len(table):,} predictions", "these predictions prove nothing", checks, unchecked)


NEEDS = {
    "repainting": "needs an earlier export of the same predictor",
    "number of trades": "needs the list of trades",
    "threshold": "needs the threshold",
    "overlap with training": "needs the horizon of the label",
}


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(time=to_ms(table["time"]))
    names = [name for name in KEYS if name in table]
    return table.sort_values(names, kind="stable").reset_index(drop=True)


def _groups(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    keys = [name for name in ("model", "symbol") if name in table]
    yield from (part for _, part in table.groupby(keys, observed=True)) if keys else iter((table,))


def _at(row: pd.Series) -> str:
    return " ".join([*(str(row[name]) for name in ("model", "symbol") if name in row), "at", iso(int(row["time"]))])


def repainting(table: pd.DataFrame, earlier: pd.DataFrame) -> Iterator[AuditFinding]:
    """Yield a finding if two exports of one predictor disagree on rows that both have."""
    keys = [name for name in KEYS if name in table and name in earlier]
    said = [name for name in table if name in earlier and (name in SAID or str(name).startswith("p_"))]
    both = earlier.merge(table, on=keys, suffixes=(" then", " now"))
    apart = np.zeros(len(both), bool)
    for name in said:
        then, now = both[f"{name} then"].to_numpy(float), both[f"{name} now"].to_numpy(float)
        apart |= ~np.isclose(then, now, rtol=1e-5, atol=1e-8, equal_nan=True)
    if apart.any():
        row = both[apart].iloc[0]
        name = next(n for n in said if not np.isclose(row[f"{n} then"], row[f"{n} now"], rtol=1e-5, atol=1e-8))
        yield AuditFinding(
            "repainting",
            "leak",
            f"{name}, {_at(row)}",
            f"{apart.sum():,} of {len(both):,} old answers were changed afterwards: {name} was {row[f'{name} then']:.4g} and became "
            f"{row[f'{name} now']:.4g}",
            "judge only answers that were written down when their bar closed",
            value=float(apart.mean()),
        )


def _steps(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions (n - 2,), the return from their close to the next, and the one after that."""
    step = np.diff(np.log(part["close"].to_numpy(float)))
    return part["position"].to_numpy(float)[:-2], step[:-1], step[1:]


def one_bar_of_delay(table: pd.DataFrame) -> Iterator[AuditFinding]:
    """Yield a finding if positions are right too often about the next bar, and nothing is left one bar later."""
    parts = [_steps(part) for part in _groups(table) if len(part) > 2]
    held, following, late = (np.concatenate(each) for each in zip(*parts, strict=True))
    taken = (held != 0) & (following != 0)
    if taken.sum() < FEWEST:
        return
    right = int((held[taken] * following[taken] > 0).sum())
    low, high = wilson(right / float(taken.sum()), float(taken.sum()), 0.95)
    now, later = float((held * following).sum()), float((held * late).sum())
    if low > TOO_GOOD and later < LOST * now:
        yield AuditFinding(
            "profit vanishes with one bar of delay",
            "leak",
            f"position, {_at(table.iloc[0])}",
            f"{right / taken.sum():.1%} of the positions are right about the next bar ({low:.1%} to {high:.1%}), and one bar later "
            f"{max(0.0, later / now):.0%} of the profit is left: the positions were decided after the bar that they earn",
            "date each position by the moment at which everything it reads was known",
            value=right / float(taken.sum()),
            low=low,
            high=high,
            chance=0.5,
        )


def same_close(table: pd.DataFrame) -> Iterator[AuditFinding]:
    """Yield a finding if the returns told are those of the bar whose close the position was decided at."""
    for part in _groups(table):
        position, told = part["position"].to_numpy(float), part["return"].to_numpy(float)
        step = part["close"].to_numpy(float)[1:] / part["close"].to_numpy(float)[:-1] - 1
        honest, wrong = position[:-1] * step, position[1:] * step
        moved = np.abs(honest - wrong) > 1e-9
        if moved.sum() < 10:
            continue
        scale = np.abs(step).mean()
        as_wrong = np.abs(told[1:] - wrong)[moved] < 0.05 * scale
        as_honest = np.abs(told[1:] - honest)[moved] < 0.05 * scale
        if as_wrong.mean() > 0.8 and as_wrong.mean() > 2 * as_honest.mean():
            first = part.iloc[1 + int(np.flatnonzero(moved)[np.argmax(as_wrong)])]
            yield AuditFinding(
                "trades at the close it reads",
                "leak",
                f"return, {_at(first)}",
                f"{as_wrong.mean():.0%} of the returns are the position times the bar it was decided in, {as_honest.mean():.0%} the "
                "position of the bar before: the bar is earned after its close is known",
                "let a position decided at a close earn the next bar",
                value=float(as_wrong.mean()),
            )
            return


def trade_count(table: pd.DataFrame, trades: pd.DataFrame) -> Iterator[AuditFinding]:
    """Yield a finding if more trades are told than there are bars to trade at."""
    bars = table[[name for name in ("symbol", "time") if name in table]].drop_duplicates()
    entered = trades.assign(time=to_ms(trades["entry_time"]))
    keys = [name for name in ("symbol", "time") if name in bars and name in entered]
    per_bar = entered.groupby(keys, observed=True).size()
    if len(trades) > len(bars) or (per_bar > 1).mean() > 0.05:
        busy = per_bar[per_bar > 1]
        moment = busy.index[0] if len(busy) else per_bar.index[0]
        time = moment[-1] if isinstance(moment, tuple) else moment
        yield AuditFinding(
            "more trades than bars",
            "leak",
            f"trades, {iso(int(time))}",
            f"{len(trades):,} trades were entered at {len(bars):,} bars, {len(busy):,} bars were entered more than once: prices inside "
            "a bar are not known from bars",
            "trade once a bar at most, at its close or the next open",
            value=len(trades) / len(bars),
            chance=1.0,
        )


def _confident(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Highest probability of each row, and whether its class is the label."""
    p = table[sorted(name for name in table if str(name).startswith("p_"))].to_numpy(float)
    return p.max(1), p.argmax(1) == table["label"].to_numpy()


def gains(score: np.ndarray, right: np.ndarray, cuts: Sequence[float]) -> np.ndarray:
    """Right less wrong answers at or above each cut, in standard errors of a coin's."""
    found = []
    for cut in cuts:
        taken = score >= cut
        found.append((2.0 * right[taken] - 1.0).sum() / np.sqrt(max(1, taken.sum())))
    return np.array(found)


def tuned_threshold(table: pd.DataFrame, threshold: float) -> Iterator[AuditFinding]:
    """Yield a finding if a threshold is the best of all on test and nothing special on validation."""
    parts = {split: _confident(table[table["split"].astype(str) == split]) for split in ("validation", "test")}
    if min(len(score) for score, _ in parts.values()) < FEWEST:
        return
    every = np.quantile(np.concatenate([score for score, _ in parts.values()]), np.linspace(0, 0.99, 60))
    rank, own = {}, {}
    for split, (score, right) in parts.items():
        others = gains(score, right, every.tolist())
        own[split] = float(gains(score, right, [threshold])[0])
        rank[split] = float((others < own[split]).mean())
    if rank["test"] >= 0.95 and rank["validation"] < 0.8 and own["test"] - own["validation"] > 2.0:
        yield AuditFinding(
            "threshold fits test better than validation explains",
            "leak",
            f"threshold {threshold:.4g}, test",
            f"it beats {rank['test']:.0%} of all thresholds on test and {rank['validation']:.0%} on validation: it was chosen with the test "
            "rows in sight",
            "choose the threshold on validation, and score test once",
            value=rank["test"],
            chance=rank["validation"],
        )


def _near(times: np.ndarray, others: np.ndarray, reach: int) -> np.ndarray:
    """Return which times have one of the others, sorted, less than `reach` away; (n,) bool."""
    return np.searchsorted(others, times + reach, "left") > np.searchsorted(others, times - reach, "right")


def overlapping(table: pd.DataFrame, horizon: int) -> Iterator[AuditFinding]:
    """Yield a finding if test rows whose label shares bars with a training label are right more often than the others."""
    shared, correct, first = [], [], None
    for part in _groups(table):
        train, test = (part[part["split"].astype(str) == split] for split in ("train", "test"))
        if not len(train) or not len(test):
            continue
        reach = horizon * int(np.median(np.diff(np.unique(part["time"]))))
        near = _near(test["time"].to_numpy(), np.sort(train["time"].to_numpy()), reach)
        shared.append(near)
        correct.append(_confident(test)[1])
        first = test[near].iloc[0] if first is None and near.any() else first
    near = np.concatenate(shared) if shared else np.zeros(0, bool)
    if first is None or min(near.sum(), (~near).sum()) < FEWEST // 2:
        return
    right = np.concatenate(correct)
    one, two, both = right[near].mean(), right[~near].mean(), right.mean()
    error = np.sqrt(both * (1 - both) * (1 / near.sum() + 1 / (~near).sum()))
    if one - two > 4 * error:
        low, high = wilson(float(one), float(near.sum()), 0.95)
        yield AuditFinding(
            "accuracy sits on rows that overlap training",
            "leak",
            f"label, {_at(first)}",
            f"{one:.1%} of the {near.sum():,} test rows that share bars with a training label are right, {two:.1%} of the other {(~near).sum():,}",
            "cut by time, and drop training rows whose label reaches into the test",
            value=float(one),
            low=low,
            high=high,
            chance=float(two),
        )
