"""Every model of a study against every other on the same rows, and what the best of many trials is worth."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from candlelab.core.signal import confidences
from candlelab.evaluate import compare, metrics, sharpe
from candlelab.evaluate.leaderboard import baseline_name, data_set
from candlelab.evaluate.overfit import backtest_overfitting
from candlelab.evaluate.rows import Rows

BLOCKS, FEWEST_INSTANTS = 10, 200  # of time, for the probability of backtest overfitting: 252 ways to halve them
KEY = ["symbol", "segment", "time"]


@dataclass(frozen=True)
class Pair:
    """What the verdict goes by, of the first minus the second: 95 % interval, p-value and the p-value after Holm."""

    first: str
    second: str
    value: float
    low: float
    high: float
    p_value: float
    adjusted: float


@dataclass(frozen=True)
class Deflated:
    """The best Sharpe ratio of a study after counting how often one looked.

    sharpe per bar; trials counted and what they are worth when correlated; probabilities that the true ratio
    exceeds zero, and the best of that many trials without skill.
    years   length of the record; needed: years before the best of so many trials without skill is not expected to show such a
            ratio (minimum backtest length, Bailey et al. 2014); NaN where not known
    overfit how often the model that was best on one half of the time ended in the lower half on the other (probability of
            backtest overfitting), by what unfiltered signals earned before fees; None below two models
    """

    name: str
    sharpe: float
    trials: int
    effective: float | None
    above_zero: float
    above_luck: float
    above_luck_effective: float | None
    years: float = np.nan
    needed: float = np.nan
    overfit: float | None = None


@dataclass(frozen=True)
class Answers:
    """What each model's rows add to the score that decides, in one data set.

    parts  model -> (n,) whose mean is the AUROC of up against down where the price moved, or the balanced accuracy of a
           recognition, on the rows `rows` that the models share
    gains  model -> what its unfiltered signals earned on all shared rows, before fees
    time   (m,) ms UTC of all shared rows
    """

    rows: Rows
    parts: Mapping[str, np.ndarray]
    gains: Mapping[str, np.ndarray]
    time: np.ndarray


def shared_answers(
    runs: Sequence[Mapping[str, Any]], tables: Mapping[str, pd.DataFrame], baseline: str | None
) -> list[Answers]:
    """One per data set, from each model's lowest seed, on the test rows that all its models share."""
    sets: dict[str, dict[str, Mapping[str, Any]]] = {}
    for run in sorted(runs, key=lambda run: (run.get("seed") is None, run.get("seed"))):
        if run.get("state", "finished") == "finished" and run["run"] in tables:
            sets.setdefault(data_set(run), {}).setdefault(run["model"], run)
    found = []
    for chosen in sets.values():
        rule = next(iter(chosen.values())).get("rule")
        found.append(
            _aligned(chosen, tables, None if baseline is None else (baseline, baseline_name(baseline, runs, rule)))
        )
    return found


def _aligned(
    chosen: Mapping[str, Mapping[str, Any]], tables: Mapping[str, pd.DataFrame], baseline: tuple[str, str] | None
) -> Answers:
    """The models of one data set, and one baseline (name in the table, name in words), on their common rows."""
    frames = {name: _test(tables[run["run"]], "net") for name, run in chosen.items()}
    first = next(iter(chosen.values()))
    if baseline is not None:
        frames[baseline[1]] = _test(tables[first["run"]], baseline[0])
    frames = {name: frame for name, frame in frames.items() if len(frame)}
    common = _test(tables[first["run"]], "net").index
    for frame in frames.values():
        common = common.intersection(frame.index)
    common = common.sort_values()
    frames = {name: frame.loc[common] for name, frame in frames.items()}
    rows = Rows.of(
        common.to_frame(index=False), horizon=int(first.get("horizon", 1)), interval=str(first.get("interval", "1h"))
    )
    said = {name: probabilities_of(frame) for name, frame in frames.items()}
    gains = {
        name: confidences(said[name], None, "confidence")[1] * _bar_return(frame) for name, frame in frames.items()
    }
    label, forward = (frames[next(iter(frames))][name].to_numpy() for name in ("label", "forward_return"))
    classes = next(iter(said.values())).shape[1]
    if first.get("kind", "forecast") == "recognition":
        parts = {name: metrics.balanced_parts(label, p.argmax(1), classes) for name, p in said.items()}
        return Answers(rows, parts, gains, rows.time)
    moved = metrics.direction_rows(label, classes, forward)
    return Answers(
        rows.take(moved), {name: metrics.direction_parts(label, p, moved) for name, p in said.items()}, gains, rows.time
    )


def probabilities_of(frame: pd.DataFrame) -> np.ndarray:
    """(n, K) class probabilities of a table of predictions."""
    return frame[
        sorted((column for column in frame if column.startswith("p_")), key=lambda column: int(column[2:]))
    ].to_numpy()


def _bar_return(frame: pd.DataFrame) -> np.ndarray:
    return frame["bar_return"].to_numpy() if "bar_return" in frame else np.zeros(len(frame))


def _test(table: pd.DataFrame, model: str) -> pd.DataFrame:
    """Labelled test rows of one model, indexed by symbol, segment and time."""
    kept = table[(table["model"] == model) & (table["split"] == "test") & (table["label"] >= 0)]
    return kept.astype({"symbol": str}).set_index(KEY)


def paired(sets: Sequence[Answers]) -> list[Pair]:
    """All pairs of models that share a data set, Holm over all of them; data sets weigh the same."""
    names = list(dict.fromkeys(name for each in sets for name in each.parts))
    found = []
    for first, second in combinations(names, 2):
        parts = [
            compare.of_means(each.parts[first] - each.parts[second], each.rows, 0.95)
            for each in sets
            if first in each.parts and second in each.parts
        ]
        parts = [part for part in parts if np.isfinite(part.value)]
        if parts:
            found.append((first, second, _joined(parts)))
    adjusted = compare.holm(np.array([part.p_value for _, _, part in found]))
    return [
        Pair(first, second, part.value, part.low, part.high, part.p_value, float(after))
        for (first, second, part), after in zip(found, adjusted, strict=True)
    ]


def _joined(parts: Sequence[compare.Difference]) -> compare.Difference:
    """Mean difference over independent data sets, errors added in quadrature."""
    if len(parts) == 1:
        return parts[0]
    value = float(np.mean([part.value for part in parts]))
    half = float(np.sqrt(np.sum([((part.high - part.low) / 2) ** 2 for part in parts]))) / len(parts)
    error = half / norm.ppf(0.975)
    p_value = float(2 * norm.sf(abs(value) / error)) if error > 0 else float(value == 0)
    return compare.Difference(value, value - half, value + half, p_value)


def deflate(runs: Sequence[Mapping[str, Any]], trials: int, sets: Sequence[Answers]) -> Deflated | None:
    """What the best Sharpe ratio is worth after `trials` scorings of test rows; None where fewer than two runs have one."""
    known = _ratios(runs)
    if len(known) < 2:
        return None
    ratio, psr, name = max((*found, runs[place]["model"]) for place, found in known.items())
    deviation = _deviation(known)
    correlation = _mean_correlation(sets)
    effective = None if correlation is None else sharpe.effective_trials(trials, max(correlation, 0.0))
    above = _above_luck(ratio, psr, deviation, trials)
    return Deflated(
        name,
        ratio,
        trials,
        effective,
        psr,
        above,
        None if effective is None else _above_luck(ratio, psr, deviation, effective),
        *_lengths(next(run for run in runs if run["model"] == name and _has(run, ratio)), ratio, trials),
        _overfit(sets),
    )


def _has(run: Mapping[str, Any], ratio: float) -> bool:
    return bool(run.get("metrics", {}).get("test/sharpe_net") == ratio)


def _lengths(run: Mapping[str, Any], ratio: float, trials: int) -> tuple[float, float]:
    """Years of a run's record, and the minimum backtest length for its ratio after so many trials."""
    annual, bars = (run["metrics"].get(f"test/{name}") for name in ("sharpe_net_annual", "bars"))
    if annual is None or bars is None or not annual > 0:
        return np.nan, np.nan
    return float(bars * (ratio / annual) ** 2), sharpe.minimum_backtest_years(trials, annual)


def _overfit(sets: Sequence[Answers]) -> float | None:
    """Probability of backtest overfitting in the data set that most models share; None where it cannot be told."""
    if not sets:
        return None
    each = max(sets, key=lambda found: len(found.gains))
    instants, place = np.unique(each.time, return_inverse=True)
    if len(each.gains) < 2 or len(instants) < FEWEST_INSTANTS:
        return None
    mean = np.bincount(place)
    returns = [np.bincount(place, np.nan_to_num(gain)) / mean for gain in each.gains.values()]
    return backtest_overfitting(np.stack(returns, 1), blocks=BLOCKS).pbo


def deflated_each(runs: Sequence[Mapping[str, Any]]) -> dict[int, tuple[float, int]]:
    """The deflated Sharpe ratio of each run that has a ratio, and the scorings on the same bars that it counts, by place.

    Every run on the same data is a trial, whatever its model, seed, label or evaluation, failed ones too; thresholds are not:
    they are tried on validation rows. Where a run's `looks` say that its test rows were scored more often, that many count.
    Empty where fewer than two runs have a ratio.
    """
    known = _ratios(runs)
    if len(known) < 2:
        return {}
    trials = Counter(run.get("data") for run in runs)
    found = {}
    for place, ratio in known.items():
        data = runs[place].get("data")
        beside = {other: ratios for other, ratios in known.items() if runs[other].get("data") == data}
        deviation = _deviation(beside if len(beside) > 1 else known)
        tried = max(trials[data], runs[place].get("looks", 0))
        found[place] = _above_luck(*ratio, deviation, tried), tried
    return found


def _ratios(runs: Sequence[Mapping[str, Any]]) -> dict[int, tuple[float, float]]:
    """Net Sharpe ratio per bar and its PSR of the finished runs whose spread can be read back from them, by place."""
    found = {}
    for place, run in enumerate(runs):
        ratio, psr = (run.get("metrics", {}).get(f"test/{name}") for name in ("sharpe_net", "psr"))
        finished = run.get("state", "finished") == "finished" and None not in (ratio, psr)
        if finished and np.isfinite(ratio) and ratio != 0 and 1e-12 < psr < 1 - 1e-12:
            found[place] = (ratio, psr)
    return found


def _deviation(known: Mapping[int, tuple[float, float]]) -> float:
    return float(np.std([ratio for ratio, _ in known.values()], ddof=1))


def _above_luck(ratio: float, psr: float, deviation: float, trials: float) -> float:
    """Deflated Sharpe ratio: its spread is read back from the run's own PSR, so no returns are needed."""
    return float(norm.cdf(norm.ppf(psr) * (1 - deviation * sharpe.expected_maximum(trials) / ratio)))


def _mean_correlation(sets: Sequence[Answers]) -> float | None:
    """Mean correlation between what the models' unfiltered signals earned, before fees."""
    found = []
    for each in sets:
        moving = [gain for gain in each.gains.values() if np.nanstd(gain) > 0]
        if len(moving) > 1:
            table = np.corrcoef(np.nan_to_num(np.stack(moving)))
            found.append(table[np.triu_indices(len(moving), 1)].mean())
    return float(np.mean(found)) if found else None
