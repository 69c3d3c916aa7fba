"""Score a run's predictions, once and with its own settings, and write its report."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import build, plain
from candlelab.core.signal import threshold_hash
from candlelab.core.spreadsheet import neutral_table
from candlelab.evaluate.ledger import COLUMNS
from candlelab.evaluate.score import Scores
from candlelab.evaluate.verdict import Answer, Verdict
from candlelab.pipeline.trust import doubts
from candlelab.report.run_report import write_report

PICTURES = 12  # charts the report shows
CHARTS, EXPLAINED = "figures/charts.npz", "figures/explained.npz"
OWN = (runs.EVALUATE, runs.THRESHOLD, runs.CURVES, runs.VERDICT, runs.PER_SYMBOL, runs.METRICS)


def score_and_report(run: runs.Run, cfg: DictConfig, *, extra: dict, data) -> tuple[dict, str]:
    """Give a run its own score, which stays; return the metrics and the verdict's lines."""
    if data is not None and data.renderer is not None:
        _keep_charts(run, data, run.folder / CHARTS)
    settings = plain(cfg)["evaluate"]
    scores = score(run, settings)
    scores = replace(scores, metrics=scores.metrics | extra)
    write_scores(run, scores, run.folder, settings)
    return scores.metrics, "\n".join(scores.verdict.lines())


def score(run: runs.Run, settings: dict) -> Scores:
    """Return what an evaluation with some settings says of a run's predictions; nothing is written."""
    made, card = run.preprocessing, runs.read_json(run.folder / "data.json")
    return build({"evaluate": settings}, "evaluate").score(
        run.predictions, horizon=made["horizon"], interval=made["interval"], kind=made["kind"], classes=tuple(made["classes"]),
        bayes=_optimum(run.folder).get("accuracy"), stride=run.cfg.data.stride, doubts=doubts(card))


def write_scores(run: runs.Run, scores: Scores, folder: Path, settings: dict, *, about: dict | None = None) -> None:
    """Write settings, threshold, curves, verdict, report and, last of all, metrics.json into a folder.

    about  further facts for the head of the report.
    """
    runs.write_json(folder / runs.EVALUATE, settings)
    rule = threshold_hash(scores.threshold)
    runs.write_json(folder / runs.THRESHOLD, scores.threshold | {"hash": rule})
    runs.write_json(folder / runs.CURVES, _lists(scores.curves))
    runs.write_json(folder / runs.VERDICT, asdict(scores.verdict) | {"lines": scores.verdict.lines(), "threshold_hash": rule})
    neutral_table(scores.per_symbol).to_csv(folder / runs.PER_SYMBOL)
    if scores.verdict.kind == "forecast":
        runs.write_text(folder / runs.TRADES, neutral_table(scores.trades).to_csv(index=False, float_format="%.8g"))
    write_page(run, scores, folder, about or {})
    runs.write_json(folder / runs.METRICS, scores.metrics)


def write_page(run: runs.Run, scores: Scores, folder: Path, about: dict) -> None:
    """Write report.html into a folder: nothing is computed but pictures."""
    card = runs.read_json(run.folder / "data.json") | {"title": run.folder.name} | about
    provenance = run.environment | {"data_hash": run.preprocessing["data_hash"], "weights": run.preprocessing["weights_origin"],
                                    "config": (run.folder / runs.CONFIG).read_text()}
    write_report(folder / runs.REPORT, scores=scores, predictions=run.predictions, card=card, charts=_charts(run),
                 provenance=provenance, explained=_explained(run), difficulty=_difficulty(run.folder))


def has_own_score(run: runs.Run) -> bool:
    """Return whether everything that scoring writes is there."""
    return all((run.folder / name).exists() for name in OWN)


def own_settings(run: runs.Run) -> dict:
    """Return the evaluate settings of the run's own score."""
    path = run.folder / runs.EVALUATE
    return runs.read_json(path) if path.exists() else plain(run.cfg)["evaluate"]


def own_scores(run: runs.Run) -> Scores:
    """Return the run's own score as it was written."""
    folder = run.folder
    told = {name: _arrays(value) for name, value in runs.read_json(folder / runs.CURVES).items()}
    symbols = pd.read_csv(folder / runs.PER_SYMBOL, index_col=0)
    return Scores(metrics=run.metrics, threshold=runs.read_json(folder / runs.THRESHOLD), curves=told, models=pd.DataFrame(),
                  per_symbol=symbols, verdict=_verdict(runs.read_json(folder / runs.VERDICT)),
                  trades=pd.DataFrame(columns=COLUMNS) if run.trades is None else run.trades)


def _verdict(tree: dict) -> Verdict:
    known = {field.name for field in fields(Verdict)}
    return Verdict(**{name: Answer(**value) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
                      for name, value in tree.items() if name in known})


def _lists(node):
    """Return nested dicts with every array as a list."""
    if isinstance(node, dict):
        return {name: _lists(value) for name, value in node.items()}
    return node.tolist() if isinstance(node, np.ndarray) else node


def _arrays(node):
    """Return nested dicts with every list of numbers as an array, NaN for what was not available."""
    if isinstance(node, dict):
        return {name: _arrays(value) for name, value in node.items()}
    numbers = isinstance(node, list) and all(isinstance(value, (int, float, type(None))) for value in node)
    return np.array(node, dtype=float) if numbers else node


def _optimum(folder: Path) -> dict:
    path = folder / "bayes.json"
    return runs.read_json(path) if path.exists() else {}


def _difficulty(folder: Path) -> list[dict]:
    path = folder / "difficulty.json"
    return runs.read_json(path) if path.exists() else []


def costs_of(metrics: dict) -> dict:
    """Return what a new score cannot know: cost of the fit and size of the net."""
    return {name: value for name, value in metrics.items() if name.split("/")[0] in ("fit", "net", "latency")}


def _charts(run: runs.Run) -> list[tuple[np.ndarray, dict]]:
    """Return (chart (C, H, W), caption) of test windows: the surest right and the surest wrong answers in turn."""
    stored = run.folder / CHARTS
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
