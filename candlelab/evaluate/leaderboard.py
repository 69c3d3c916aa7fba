"""All runs of a study as one table: seeds averaged, intervals kept, controls and baselines among the models."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from candlelab.evaluate.verdict import measure_of


def is_missing(value: Any) -> bool:
    """True for None, NaN and infinities."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


@dataclass(frozen=True)
class Spread:
    """A metric of one model: mean over data sets and seeds, SD over seeds, 95 % interval from the test rows."""

    mean: float
    sd: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard; role is model, control or baseline."""

    name: str
    role: str
    values: Mapping[str, Spread]
    seeds: int
    data: int
    pretrained: Any = None

    def known(self, metric: str) -> float:
        """A metric that was measured."""
        value = self.get(metric)
        assert value is not None, f"{metric} is not known"
        return value

    def get(self, metric: str) -> float | None:
        """The mean of a metric; None where it was not measured."""
        return self.values[metric].mean if metric in self.values else None


def data_set(row: Mapping[str, Any]) -> str:
    """What runs must share to be comparable: bars, label rule and horizon."""
    return " ".join(str(row[name]) for name in ("data", "experiment", "horizon") if row.get(name) is not None)


def baseline_name(name: str, rows: Sequence[Mapping[str, Any]], rule: str | None = None) -> str:
    """The baseline's name in words, told apart from a trained model of the same name and from itself under another label rule."""
    words = name.replace("_", " ") + (" (baseline)" if name in {row.get("model") for row in rows} else "")
    return f"{words} {rule}" if rule else words


def gather_entries(rows: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """One entry per model and per baseline, best first by what the verdict goes by.

    rows  as `write_study_report` takes them; failed runs are left out.
    """
    runs: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in rows:
        if row.get("state", "finished") != "finished":
            continue
        runs[row["model"], row.get("role", "model")].append((row, _own(row["metrics"])))
        for name, metrics in baselines_of(row["metrics"]).items():
            named = baseline_name(name, rows, row.get("rule"))
            if data_set(row) not in {data_set(other) for other, _ in runs[named, "baseline"]}:
                runs[named, "baseline"].append((row, metrics))
    entries = [_entry(name, role, found) for (name, role), found in runs.items()]
    measure = decisive(rows)
    return sorted(entries, key=lambda entry: -(entry.get(measure) or 0.0))


def decisive(rows: Sequence[Mapping[str, Any]]) -> str:
    """The score that the verdict goes by: balanced accuracy where every run recognises, else AUROC of up against down."""
    kinds = {row["kind"] for row in rows if row.get("kind")}
    return measure_of("recognition" if kinds == {"recognition"} else "forecast")


def _own(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The model's test scores without their prefix, costs under their full name."""
    own = {name.removeprefix("test/"): value for name, value in metrics.items() if name.startswith("test/")}
    return own | {name: value for name, value in metrics.items() if name.startswith(("net/", "fit/", "latency/"))}


def baselines_of(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Scores per baseline that has an accuracy."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in metrics.items():
        if name.startswith("baseline/"):
            _, baseline, metric = name.split("/", 2)
            found[baseline][metric] = value
    return {name: scores for name, scores in found.items() if not is_missing(scores.get("accuracy"))}


def _entry(name: str, role: str, found: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Entry:
    """Seeds averaged inside each data set, data sets averaged with equal weight."""
    sets: dict[str, list[Any]] = defaultdict(list)
    for row, metrics in found:
        sets[data_set(row)].append(metrics)
    names = {key for _, metrics in found for key in metrics if not key.endswith(("_low", "_high"))}
    values = {key: spread for key in names if (spread := _spread(key, list(sets.values()))) is not None}
    seeds = len({row.get("seed") for row, _ in found}) if role != "baseline" else 0
    return Entry(
        name,
        role,
        values,
        seeds,
        len(sets),
        found[0][0].get("pretrained") if role != "baseline" else None,
    )


def _spread(metric: str, sets: Sequence[Sequence[Mapping[str, Any]]]) -> Spread | None:
    """Half widths of different data sets add in quadrature; seeds share their rows, so theirs are averaged."""
    means, halves, deviations = [], [], []
    for runs in sets:
        values = [
            run[metric] for run in runs if isinstance(run.get(metric), (int, float)) and not is_missing(run[metric])
        ]
        if not values:
            continue
        means.append(np.mean(values))
        widths = [
            run[f"{metric}_high"] - run[f"{metric}_low"]
            for run in runs
            if not is_missing(run.get(f"{metric}_low")) and not is_missing(run.get(f"{metric}_high"))
        ]
        halves.append(np.mean(widths) / 2 if widths else np.nan)
        if len(values) > 1:
            deviations.append(np.std(values, ddof=1))
    if not means:
        return None
    mean, half = float(np.mean(means)), float(np.sqrt(np.sum(np.square(halves))) / len(halves))
    sd = float(np.mean(deviations)) if deviations else None
    return Spread(mean, sd, *((mean - half, mean + half) if np.isfinite(half) else (None, None)))
