"""Gather the runs of a study into its leaderboard and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import plain
from candlelab.core.errors import UserError
from candlelab.evaluate.image_or_numbers import Decomposition
from candlelab.evaluate.study_verdict import StudyVerdict
from candlelab.pipeline.scores.looks import looks_at
from candlelab.pipeline.studies.kept import read_luck, read_sensitivity
from candlelab.pipeline.studies.ladder import decompositions
from candlelab.pipeline.studies.periods import experiment_name, period_words
from candlelab.pipeline.studies.records import study_models, study_verdicts
from candlelab.pipeline.studies.varied import flat, settings_of, tell_apart
from candlelab.report.study_report import write_study_report

VERDICTS = "verdicts.json"  # beside the leaderboard
SHOWN = 6  # models whose verdict is printed
CONTROLS = ("logistic", "cnn_1d", "cnn_small")


def write_study(folder: Path, cfg: DictConfig) -> Path:
    """Write leaderboard.csv, leaderboard.md and report.html of every run in the folder; failed ones are rows with a reason."""
    found = runs.runs_in(folder) + [
        p.parent for p in folder.glob(f"*/{runs.FAILED}") if not (p.parent / runs.CONFIG).exists()
    ]
    rows = [row for path in sorted(set(found)) for row in readable_rows_of(path)]
    tell_apart(rows)
    months = [month for row in rows for month in months_of(row)]
    finished = [
        runs.Run(path) for path in sorted({row["scores"] for row in rows if row["state"] == "finished"} & set(found))
    ]
    tables = {run.folder.name: run.predictions for run in finished}
    logs = {run.folder.name: run.epochs for run in finished}
    models = study_models(rows)
    verdicts, ladders = study_verdicts(folder, models), decompositions(folder, models)
    path = write_study_report(
        folder,
        rows=rows,
        predictions_by_run=tables,
        logs=logs,
        title=folder.name,
        months=months,
        verdicts=verdicts,
        ladders=ladders,
        luck=read_luck(folder),
        edges=read_sensitivity(folder),
    )
    runs.write_json(folder / VERDICTS, [_told(each) for each in verdicts])
    _say(folder, verdicts, ladders)
    _count(folder, [row["state"] for row in rows], path)
    return path


def _count(folder: Path, states: Sequence[str], path: Path) -> None:
    print(
        f"\nstudy {folder.name}: {states.count('finished')} finished, {states.count('failed')} failed, "
        f"{len(states) - states.count('finished') - states.count('failed')} unfinished\nreport {path}",
        flush=True,
    )


def _say(folder: Path, verdicts: Sequence[StudyVerdict], ladders: Mapping[str, Decomposition]) -> None:
    """Print what a study has shown."""
    for each in verdicts[:SHOWN]:
        print("\n" + "\n".join(each.lines()), flush=True)
    if len(verdicts) > SHOWN:
        print(f"\n… and {len(verdicts) - SHOWN} more models: see the report", flush=True)
    for data, ladder in ladders.items():
        print(f"\nImage or numbers? {data}: {ladder.sentence()}", flush=True)
    said = [each.sentence() for each in read_luck(folder)] + [each.sentence() for each in read_sensitivity(folder)]
    print("".join(f"\n{sentence}" for sentence in said), flush=True)


def _told(found: StudyVerdict) -> dict[str, Any]:
    """What verdicts.json says of one model."""
    return {
        "model": found.model,
        "data": found.data,
        "tried": asdict(found.tried),
        "verdict": asdict(found.verdict) | {"lines": found.lines()},
        "metrics": found.means,
        "regimes": found.regimes,
    }


def readable_rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of one run; one that is damaged is a row with its reason, and the study goes on without it."""
    try:
        rows = leaderboard_rows(folder)
        if rows[0]["state"] == "finished":
            run = runs.Run(folder)
            assert run.predictions is not None and run.epochs is not None  # read now, so that a damage shows here
        return rows
    except UserError as error:
        return [
            {
                "run": folder.name,
                "model": folder.name,
                "state": "unreadable",
                "metrics": {},
                "role": "model",
                "scores": folder,
                "reason": str(error),
            }
        ]


def leaderboard_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the leaderboard rows of one run: its own, and one per other evaluation it was scored with."""
    own = row_of(folder)
    if own["state"] != "finished" or not (folder / runs.SCORES).is_dir():
        return [own]
    again = [path.parent for path in sorted((folder / runs.SCORES).glob(f"*/{runs.METRICS}"))]
    return [
        own,
        *(
            own
            | {
                "scores": path,
                "metrics": runs.read_part(path, runs.METRICS),
                "settings": own["settings"] | flat({"evaluate": runs.read_part(path, runs.EVALUATE)}),
            }
            for path in again
        ),
    ]


def months_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per test period of a run that names several: its scores there, everything else as for all of them."""
    table = runs.Run(row["scores"]).per_period if row["state"] == "finished" else None
    if table is None:
        return []
    costs = {name: value for name, value in row["metrics"].items() if name.startswith(("net/", "fit/", "latency/"))}
    return [
        row | {"month": str(month), "metrics": costs | {f"test/{name}": value for name, value in scores.items()}}
        for month, scores in table.iterrows()
    ]


def row_of(folder: Path) -> dict[str, Any]:
    """Return what the leaderboard says of one run."""
    state = runs.state(folder)
    row: dict[str, Any] = {
        "run": folder.name,
        "model": folder.name,
        "state": state,
        "metrics": {},
        "role": "model",
        "scores": folder,
        "reason": _reason(folder) if state != "finished" else None,
    }
    if not (folder / runs.CONFIG).exists():
        return row
    cfg = runs.Run(folder).recipe
    card = runs.Run(folder).card if (folder / runs.DATA).exists() else None
    settings = settings_of(plain(cfg))
    row |= _words(cfg) | period_words(cfg.data, card) | {"settings": settings}
    if state == "finished":
        row |= _scored(runs.Run(folder))
        row["settings"] |= flat({"evaluate": runs.Run(folder).evaluated})
    return row


def _scored(run: runs.Run) -> dict[str, Any]:
    made = run.preprocessing
    return {
        "metrics": run.metrics,
        "kind": made["kind"],
        "horizon": made["horizon"],
        "classes": len(made["classes"]),
        "interval": made["interval"],  # of the test rows; the config may say auto, or several
        "pretrained": made["weights_origin"],
        "coin": " ".join(made["symbols"]),
        "looks": looks_at(run)[0],
    }


def _words(cfg: DictConfig) -> dict[str, Any]:
    net = cfg.model.net
    module = str(net.get("_target_", "")).split(".")[2]
    mode = net.get("mode") if module == "cnn_lstm_attn" else None
    name = net.get("backbone") or module
    parts = [str(name), *(k for k in ("use_cnn", "use_attention") if net.get(k)), *([str(mode)] if mode else [])]
    return {
        "model": " ".join(parts),
        "role": "control" if module in CONTROLS else "model",
        "seed": cfg.seed,
        "data": data_name(cfg.data),
        "interval": intervals_of(cfg.data),
        "window": cfg.data.window,
        "experiment": experiment_name(cfg.data),
    }


def intervals_of(data: DictConfig) -> str:
    """Return the interval of a data set in words; of several the first is tested."""
    return data.interval if isinstance(data.interval, str) else "+".join(data.interval)


def data_name(data: DictConfig) -> str:
    """Return the words that tell one data set of a study from another: coins, interval, window, dates, holes, split."""
    split = data.split
    parts = ["+".join(data.symbols) or _place(data.source), intervals_of(data), f"w{data.window}"]
    parts += [str(day) for day in (data.start, data.end) if day is not None]
    parts += [f"thin {data.thin:g}"] if data.thin else []
    parts += [f"{name} {split[name]}" for name in ("fold", "combination") if name in split]
    parts += [f"{split.train} {split.train_days} d to {split.test_days} d"] if "train_days" in split else []
    return " ".join(parts)


def _place(source: DictConfig) -> str:
    """Return the name of the files that say themselves which symbols they hold."""
    places = source.get("path") or source.get("repo") or source._target_.rsplit(".", 1)[-1]
    return "+".join(Path(place).name for place in ([places] if isinstance(places, str) else places))


def _reason(folder: Path) -> str:
    if runs.state(folder) == "sealed":
        return f"sealed; task=unseal task.run={folder} scores it"
    return runs.failure(folder) or "not finished; the same command goes on with it"
