"""Leaderboard files: leaderboard.csv and leaderboard.md."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from candlelab.core import files
from candlelab.core.spreadsheet import neutral
from candlelab.evaluate.leaderboard import baselines_of, data_set, is_missing

# The columns of HF Benchmark, in its order, then what it left out. Recall is the mean recall of the classes.
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
    "AUROC_Direction": "test/auroc_direction",
    "AUROC_Direction_Low": "test/auroc_direction_low",
    "AUROC_Direction_High": "test/auroc_direction_high",
    "Sharpe_Net": "test/sharpe_net_annual",
    "Deflated_Sharpe": "test/deflated_sharpe",
    "Trials": "trials",
    "Kind": "kind",
    "Role": "role",
    "Pretrained": "pretrained",
    "Data": "data",
    "Trained": "trained",
    "Parameters": "net/parameters",
    "FLOPs": "net/flops",
    "Train_Seconds": "fit/seconds",
    "Epoch_Seconds": "fit/epoch_seconds",
    "Samples_Per_Second": "fit/samples_per_second",
    "Peak_Memory_MB": "fit/peak_memory_mb",
    "Load_Seconds": "net/load_seconds",
    "Latency_P50_MS": "latency/p50_ms",
    "Latency_P90_MS": "latency/p90_ms",
    "Throughput": "latency/throughput",
    "State": "state",
    "Reason": "reason",
}


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], months: Sequence[Mapping[str, Any]] = ()) -> None:
    """One line per run, failed ones included, one per baseline and data set, then one per run and test period (`months`)."""
    memory = io.StringIO(newline="")
    writer = csv.writer(memory)
    writer.writerow(COLUMNS)
    for row in (*_with_baselines(rows), *months):
        cells = {**row.get("metrics", {}), **row}
        writer.writerow(
            ["" if is_missing(cells.get(source)) else neutral(cells[source]) for source in COLUMNS.values()]
        )
    files.write_text(path, memory.getvalue())


def _with_baselines(rows: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """The runs, then each baseline once per data set as a row of the same shape."""
    yield from rows
    done = set()
    for row in rows:
        for name, scores in baselines_of(row.get("metrics", {})).items():
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
    lines = [
        f"# {_cell(title)}",
        "",
        _cell(sentence),
        "",
        "| " + " | ".join(map(_cell, head)) + " |",
        "|---|" + "---:|" * (len(head) - 1),
    ]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in body]
    files.write_text(path, "\n".join(lines) + "\n")


def _cell(text: str) -> str:
    """A word that cannot break out of its cell or become markup."""
    return str(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
