"""All runs of a study as one table: seeds averaged, intervals kept, controls and baselines among the models."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from candlelab.evaluate import formats

# The columns of system 002, in its order, then what it left out. Recall is the mean recall of the classes.
COLUMNS: dict[str, str] = {
    "Coin": "coin",
    "Experiment": "experiment",
    "Window_Size": "window",
    "Period": "period",
    "Month": "month",
    "Model": "model",
    "Accuracy": "test/accuracy",
    "F1": "test/f1_macro",
    "Recall": "test/balanced_accuracy",
    "AUROC": "test/auroc",
    "AUPRC": "test/auprc",
    "Seed": "seed",
    "N": "test/n",
    "N_Eff": "test/n_eff",
    "Accuracy_Low": "test/accuracy_low",
    "Accuracy_High": "test/accuracy_high",
    "Sharpe_Net": "test/sharpe_net_annual",
    "Deflated_Sharpe": "test/deflated_sharpe",
    "Trials": "trials",
    "Kind": "kind",
    "Role": "role",
    "Pretrained": "pretrained",
    "Data": "data",
    "Parameters": "net/parameters",
    "FLOPs": "net/flops",
    "Train_Seconds": "fit/seconds",
    "Samples_Per_Second": "fit/samples_per_second",
    "Peak_Memory_MB": "fit/peak_memory_mb",
    "Load_Seconds": "net/load_seconds",
    "Latency_P50_MS": "latency/p50_ms",
    "Latency_P90_MS": "latency/p90_ms",
    "Throughput": "latency/throughput",
    "State": "state",
    "Reason": "reason",
}


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


def gather(rows: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """One entry per model and per baseline, best accuracy first.

    rows  as `write_study_report` takes them; failed runs are left out.
    """
    runs: dict[tuple[str, str], list] = defaultdict(list)
    for row in rows:
        if row.get("state", "finished") != "finished":
            continue
        runs[row["model"], row.get("role", "model")].append((row, _own(row["metrics"])))
        for name, metrics in _baselines(row["metrics"]).items():
            named = baseline_name(name, rows, row.get("rule"))
            if data_set(row) not in {data_set(other) for other, _ in runs[named, "baseline"]}:
                runs[named, "baseline"].append((row, metrics))
    entries = [_entry(name, role, found) for (name, role), found in runs.items()]
    return sorted(entries, key=lambda entry: -(entry.get("accuracy") or 0.0))


def _own(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The model's test scores without their prefix, costs under their full name."""
    own = {name.removeprefix("test/"): value for name, value in metrics.items() if name.startswith("test/")}
    return own | {name: value for name, value in metrics.items() if name.startswith(("net/", "fit/", "latency/"))}


def _baselines(metrics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Scores per baseline that has an accuracy."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in metrics.items():
        if name.startswith("baseline/"):
            _, baseline, metric = name.split("/", 2)
            found[baseline][metric] = value
    return {name: scores for name, scores in found.items() if not formats.missing(scores.get("accuracy"))}


def _entry(name: str, role: str, found: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Entry:
    """Seeds averaged inside each data set, data sets averaged with equal weight."""
    sets: dict[str, list] = defaultdict(list)
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
        values = [run[metric] for run in runs if isinstance(run.get(metric), (int, float)) and not formats.missing(run[metric])]
        if not values:
            continue
        means.append(np.mean(values))
        widths = [
            run[f"{metric}_high"] - run[f"{metric}_low"]
            for run in runs
            if not formats.missing(run.get(f"{metric}_low")) and not formats.missing(run.get(f"{metric}_high"))
        ]
        halves.append(np.mean(widths) / 2 if widths else np.nan)
        if len(values) > 1:
            deviations.append(np.std(values, ddof=1))
    if not means:
        return None
    mean, half = float(np.mean(means)), float(np.sqrt(np.sum(np.square(halves))) / len(halves))
    sd = float(np.mean(deviations)) if deviations else None
    return Spread(mean, sd, *((mean - half, mean + half) if np.isfinite(half) else (None, None)))


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line per run, failed ones included, and one per baseline and data set."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in _with_baselines(rows):
            cells = {**row.get("metrics", {}), **row}
            writer.writerow(["" if formats.missing(cells.get(source)) else cells[source] for source in COLUMNS.values()])


def _with_baselines(rows: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The runs, then each baseline once per data set as a row of the same shape."""
    yield from rows
    done = set()
    for row in rows:
        for name, scores in _baselines(row.get("metrics", {})).items():
            if (data_set(row), name) not in done:
                done.add((data_set(row), name))
                shared = {key: row["metrics"].get(f"test/{key}") for key in ("n", "n_eff")}
                yield {
                    **row,
                    "model": name,
                    "role": "baseline",
                    "seed": None,
                    "pretrained": None,
                    "metrics": {f"test/{key}": value for key, value in (shared | scores).items()},
                }


def write_markdown(path: Path, title: str, sentence: str, head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """The leaderboard as a table that reads well as plain text."""
    lines = [f"# {_cell(title)}", "", _cell(sentence), "", "| " + " | ".join(map(_cell, head)) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in body]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(text: str) -> str:
    """A word that cannot break out of its cell or become markup."""
    return str(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
