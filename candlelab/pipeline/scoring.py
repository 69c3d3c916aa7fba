"""Score a run's predictions and write its report."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import build, plain
from candlelab.report.run_report import write_report

PICTURES = 12  # charts the report shows
CHARTS, EXPLAINED = "figures/charts.npz", "figures/explained.npz"


def score_and_report(run: runs.Run, cfg: DictConfig, *, extra: dict, data) -> tuple[dict, str]:
    """Write threshold.json, report.html and, last of all, metrics.json; return the metrics and the verdict's lines."""
    folder, made = run.folder, run.preprocessing
    scores = build(cfg, "evaluate").score(
        run.predictions, horizon=made["horizon"], interval=made["interval"], kind=made["kind"],
        classes=tuple(made["classes"]), bayes=_optimum(folder).get("accuracy"), stride=run.cfg.data.stride)
    metrics = scores.metrics | extra
    scores = replace(scores, metrics=metrics)
    runs.write_json(folder / "evaluate.json", plain(cfg)["evaluate"])
    runs.write_json(folder / "threshold.json", scores.threshold)
    runs.write_json(folder / "curves.json", _lists(scores.curves))
    runs.write_json(folder / "verdict.json", asdict(scores.verdict) | {"lines": scores.verdict.lines()})
    scores.per_symbol.to_csv(folder / "per_symbol.csv")
    card = runs.read_json(folder / "data.json") | {"title": folder.name}
    provenance = run.environment | {"data_hash": made["data_hash"], "weights": made["weights_origin"],
                                    "config": (folder / runs.CONFIG).read_text()}
    write_report(folder / "report.html", scores=scores, predictions=run.predictions, card=card,
                 charts=_charts(run, data), provenance=provenance, explained=_explained(run), difficulty=_difficulty(folder))
    runs.write_json(folder / runs.METRICS, metrics)
    return metrics, "\n".join(scores.verdict.lines())


def _lists(node):
    """Return nested dicts with every array as a list."""
    if isinstance(node, dict):
        return {name: _lists(value) for name, value in node.items()}
    return node.tolist() if isinstance(node, np.ndarray) else node


def rescore(run: runs.Run, cfg: DictConfig) -> dict:
    """Score a finished run with other evaluate settings and keep the metrics beside its own, in scores/<8 hex>.json."""
    settings = plain(cfg)["evaluate"]
    made = run.preprocessing
    scores = build(cfg, "evaluate").score(
        run.predictions, horizon=made["horizon"], interval=made["interval"], kind=made["kind"],
        classes=tuple(made["classes"]), bayes=_optimum(run.folder).get("accuracy"), stride=run.cfg.data.stride)
    metrics = scores.metrics | costs_of(run.metrics)
    name = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    path = run.folder / "scores" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    runs.write_json(path, {"evaluate": settings, "metrics": metrics, "candidates": scores.threshold.get("candidates"),
                           "verdict": scores.verdict.lines()})
    print("\n".join(["", *scores.verdict.lines(), "", f"scores {path}"]), flush=True)
    return metrics


def _optimum(folder: Path) -> dict:
    path = folder / "bayes.json"
    return runs.read_json(path) if path.exists() else {}


def _difficulty(folder: Path) -> list[dict]:
    path = folder / "difficulty.json"
    return runs.read_json(path) if path.exists() else []


def costs_of(metrics: dict) -> dict:
    """Return what a new score cannot know: cost of the fit and size of the net."""
    return {name: value for name, value in metrics.items() if name.split("/")[0] in ("fit", "net", "latency")}


def _charts(run: runs.Run, data) -> list[tuple[np.ndarray, dict]]:
    """Return (chart (C, H, W), caption) of test windows: the surest right and the surest wrong answers in turn."""
    stored = run.folder / CHARTS
    if data is not None and data.renderer is not None:
        _keep_charts(run, data, stored)
    if not stored.exists():
        return []
    with np.load(stored, allow_pickle=False) as pack:
        images, rows = pack["images"], pack["rows"]
    test = _net_test(run)
    return [(image, _caption(run, test.iloc[row])) for image, row in zip(images, rows, strict=True)]


def _explained(run: runs.Run) -> dict:
    """Return the heat maps of task=explain: learnt and random as (chart, caption) pairs, and their likeness; {} without."""
    if not (run.folder / EXPLAINED).exists():
        return {}
    with np.load(run.folder / EXPLAINED, allow_pickle=False) as pack:
        captions = [_caption(run, _net_test(run).iloc[row]) for row in pack["rows"]]
        pairs = {name: list(zip(pack[name], captions, strict=True)) for name in ("learnt", "random")}
        return pairs | {"likeness": float(pack["likeness"].mean())}


def _net_test(run: runs.Run):
    """Return the net's labelled test rows, in the order of the data's test samples."""
    table = run.predictions
    return table[(table.model == "net") & (table.split == "test") & (table.label >= 0)].reset_index(drop=True)


def _keep_charts(run: runs.Run, data, path: Path) -> None:
    test = _net_test(run)
    p = test.filter(regex=r"^p_\d+$").to_numpy()
    right, sure = p.argmax(1) == test.label.to_numpy(), p.max(1)
    order = np.argsort(-sure, kind="stable")
    good, bad = order[right[order]][:PICTURES // 2], order[~right[order]][:PICTURES // 2]
    rows = np.concatenate([good, bad]).astype(np.int64)
    path.parent.mkdir(exist_ok=True)
    ends = data.prepared.ends[data.samples("test")]
    np.savez_compressed(path, images=data.charts(ends[rows]), rows=rows)


def _caption(run: runs.Run, row) -> dict:
    classes = run.preprocessing["classes"]
    p = [row[f"p_{k}"] for k in range(len(classes))]
    return {"label": classes[int(row.label)], "answer": classes[int(np.argmax(p))], "confidence": float(max(p)),
            "symbol": str(row.symbol), "time": int(row.time)}


def bayes_of(data) -> dict:
    """Return the best achievable accuracy and AUROC on the test rows, {} where the market does not know it."""
    optimum = getattr(data.source, "optimum", None)
    if optimum is None or data.label.kind != "forecast" or data.label.horizon != 1 or len(data.label.classes) != 2:
        return {}
    made = data.prepared
    return optimum(made.candles, made.ends[data.samples("test")])
