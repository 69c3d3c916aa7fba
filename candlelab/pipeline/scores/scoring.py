"""Score a run's predictions, once and with its own settings, and write its report."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import build, plain
from candlelab.core import files, forms
from candlelab.core.contracts import KnowsOptimum
from candlelab.core.reading import json_of
from candlelab.core.signal import sides_of, threshold_hash
from candlelab.core.spreadsheet import neutral_table
from candlelab.data.samples import SampleSet
from candlelab.evaluate.instrument import Instrument
from candlelab.evaluate.ledger import COLUMNS
from candlelab.evaluate.score import Scores
from candlelab.evaluate.verdict import Answer, Verdict
from candlelab.pipeline.scores.conduct import conduct_of
from candlelab.pipeline.scores.looks import SCORED, looks_at, looks_in_words, note_look, years_asked
from candlelab.pipeline.scores.passport import renew_page, write_passport
from candlelab.pipeline.scores.trust import doubts, leaks
from candlelab.pipeline.studies.periods import test_periods
from candlelab.report import answer_sections
from candlelab.report.run_report import write_report

PICTURES = 12  # charts the report shows
OWN = (runs.EVALUATE, runs.THRESHOLD, runs.CURVES, runs.VERDICT, runs.PER_SYMBOL, runs.METRICS)


def score_and_report(
    run: runs.Run, cfg: DictConfig, *, extra: dict[str, Any], data: SampleSet | None, state: str = SCORED
) -> tuple[dict[str, Any], str]:
    """Give a run its own score, which stays; return the metrics and the verdict's lines. state: of the ledger's line."""
    if data is not None and data.renderer is not None:
        _keep_charts(run, data)
    settings = plain(cfg)["evaluate"]
    scores = score_run(run, settings)
    scores = replace(scores, metrics=scores.metrics | extra)
    scores = with_conduct(run, scores, settings, line=note_look(run, settings, scores.metrics, state=state))
    with runs.rewriting(run.folder, *OWN):
        write_scores(run, scores, run.folder, settings)
    write_passport(run, scores, run.folder)
    return scores.metrics, "\n".join([*lines_of(scores), *looks_in_words(run)])


def with_conduct(run: runs.Run, scores: Scores, settings: dict[str, Any], *, line: int | None) -> Scores:
    """Return the score with what the ledger says of how its test was conducted; line: that of this score."""
    told = conduct_of(run, settings, asdict(scores.verdict), before=line)
    return replace(scores, verdict=replace(scores.verdict, conduct=told))


def lines_of(scores: Scores) -> list[str]:
    """Return what a terminal says of a score: the verdict, and what the net says beside its classes."""
    more = (
        answer_sections.forecast_sentence(scores.metrics),
        answer_sections.named_sentence(scores.metrics, scores.threshold),
    )
    return [*scores.verdict.lines(), *filter(None, more)]


def score_run(run: runs.Run, settings: dict[str, Any]) -> Scores:
    """Return what an evaluation with some settings says of a run's predictions; nothing is written."""
    made, card = run.preprocessing, run.card
    scores = build({"evaluate": settings}, "evaluate").score(
        run.predictions,
        horizon=made["horizon"],
        interval=made["interval"],
        kind=made["kind"],
        classes=tuple(made["classes"]),
        bayes=run.bayes.get("accuracy"),
        stride=run.cfg.data.stride,
        doubts=doubts(card),
        instrument=instrument_of(run),
        periods=test_periods(plain(run.cfg)["data"]),
    )
    first = (*leaks(card), *scores.verdict.suspicions)  # what the audit found weighs more than an unlikely number
    return replace(scores, verdict=replace(scores.verdict, suspicions=first))


def write_scores(
    run: runs.Run, scores: Scores, folder: Path, settings: dict[str, Any], *, about: dict[str, Any] | None = None
) -> None:
    """Write settings, threshold, curves, verdict, report and, last of all, metrics.json into a folder.

    about  further facts for the head of the report.
    """
    runs.write_json(folder / runs.EVALUATE, settings)
    rule = threshold_hash(scores.threshold)
    runs.write_json(folder / runs.THRESHOLD, scores.threshold | {"hash": rule})
    runs.write_json(folder / runs.CURVES, as_lists(scores.curves))
    runs.write_json(folder / runs.VERDICT, asdict(scores.verdict) | {"lines": lines_of(scores), "threshold_hash": rule})
    files.write_text(folder / runs.PER_SYMBOL, neutral_table(scores.per_symbol).to_csv())
    if len(scores.per_period):
        files.write_text(folder / runs.PER_PERIOD, neutral_table(scores.per_period).to_csv())
    if scores.verdict.kind == "forecast":
        runs.write_text(folder / runs.TRADES, neutral_table(scores.trades).to_csv(index=False, float_format="%.8g"))
    write_run_page(run, scores, folder, about or {})
    runs.finish(folder, scores.metrics)


def write_page_again(run: runs.Run, scores: Scores) -> None:
    """Write the page of a run's own score anew, and its hash into the passport; a run of before gets a passport."""
    write_run_page(run, scores, run.folder, {})
    if (run.folder / runs.PASSPORT).exists():
        renew_page(run.folder)
    else:
        write_passport(run, scores, run.folder)


def write_run_page(run: runs.Run, scores: Scores, folder: Path, about: dict[str, Any]) -> None:
    """Write report.html into a folder: nothing is computed but pictures."""
    looks, faults = looks_at(run)
    card = run.card | {"title": run.folder.name, "directions": sides_of(run.preprocessing)} | about
    counted: dict[str, Any] = {"looks at these test rows": looks} if looks else {}
    if looks > 1 and run.preprocessing["kind"] == "forecast":
        counted["record that so many looks ask for"] = f"{years_asked(looks)}, for a Sharpe ratio of 1"
    card["about"] = card.get("about", {}) | counted
    scores = replace(scores, verdict=replace(scores.verdict, suspicions=(*scores.verdict.suspicions, *faults)))
    provenance = run.environment | {
        "data_hash": run.preprocessing["data_hash"],
        "weights": run.preprocessing["weights_origin"],
        "config": run.config_text,
    }
    write_report(
        folder / runs.REPORT,
        scores=scores,
        predictions=run.predictions,
        card=card,
        charts=_charts(run),
        provenance=provenance,
        explained=_explained(run),
        difficulty=run.difficulty,
        epochs=run.epochs,
    )


def has_own_score(run: runs.Run) -> bool:
    """Return whether everything that scoring writes is there."""
    return all((run.folder / name).exists() for name in OWN)


def own_settings(run: runs.Run) -> dict[str, Any]:
    """Return the evaluate settings of the run's own score."""
    return run.evaluated if run.has(runs.EVALUATE) else plain(run.cfg)["evaluate"]


def instrument_of(run: runs.Run) -> Instrument | None:
    """What the run found out about its own net; None for recognition and for runs of before."""
    if not run.has(runs.INSTRUMENT):
        return None
    return Instrument.of_dict(json_of(run.file(runs.INSTRUMENT), forms.INSTRUMENT, cure=runs.CURE))


def own_scores(run: runs.Run) -> Scores:
    """Return the run's own score as it was written."""
    told = {name: _arrays(value) for name, value in run.curves.items()}
    return Scores(
        metrics=run.metrics,
        threshold=run.threshold,
        curves=told,
        models=pd.DataFrame(),
        per_symbol=run.per_symbol,
        per_period=pd.DataFrame() if run.per_period is None else run.per_period,
        verdict=_verdict(run.verdict),
        trades=pd.DataFrame(columns=COLUMNS) if run.trades is None else run.trades,
    )


def _verdict(tree: dict[str, Any]) -> Verdict:
    known = {field.name for field in fields(Verdict)}
    parts: dict[str, Any] = {
        name: Answer(**value) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
        for name, value in tree.items()
        if name in known
    }
    return Verdict(**parts)


def as_lists(node: Any) -> Any:
    """Return nested dicts with every array as a list."""
    if isinstance(node, dict):
        return {name: as_lists(value) for name, value in node.items()}
    return node.tolist() if isinstance(node, np.ndarray) else node


def _arrays(node):
    """Return nested dicts with every list of numbers as an array, NaN for what was not available."""
    if isinstance(node, dict):
        return {name: _arrays(value) for name, value in node.items()}
    numbers = isinstance(node, list) and all(isinstance(value, (int, float, type(None))) for value in node)
    return np.array(node, dtype=float) if numbers else node


def _charts(run: runs.Run) -> list[tuple[np.ndarray, dict[str, Any]]]:
    """Return (chart (C, H, W), caption) of test windows: the surest right and the surest wrong answers in turn."""
    pack = run.charts
    return (
        [(image, _caption(run, run.test.iloc[row])) for image, row in zip(pack["images"], pack["rows"], strict=True)]
        if pack
        else []
    )


def _explained(run: runs.Run) -> dict[str, Any]:
    """Return the heat maps of task=explain: learnt and random as (chart, caption) pairs, and their likeness; {} without."""
    pack = run.explained
    if not pack:
        return {}
    captions = [_caption(run, run.test.iloc[row]) for row in pack["rows"]]
    told = [caption | {"words": str(words)} for caption, words in zip(captions, pack["words"], strict=True)]
    pairs = {
        name: list(zip(pack[name], words, strict=True)) for name, words in (("learnt", told), ("random", captions))
    }
    return pairs | {"likeness": float(pack["likeness"].mean())}


def _keep_charts(run: runs.Run, data) -> None:
    test = run.test
    p = test.filter(regex=r"^p_\d+$").to_numpy()
    right, sure = p.argmax(1) == test.label.to_numpy(), p.max(1)
    order = np.argsort(-sure, kind="stable")
    ends = data.prepared.ends[data.samples("test")]
    rows = np.concatenate(
        [disjoint_windows(order[hit], ends, data.window, PICTURES // 2) for hit in (right[order], ~right[order])]
    )
    runs.write_arrays(run.folder / runs.CHARTS, images=data.charts(ends[rows]), rows=rows)


def disjoint_windows(order: np.ndarray, ends: np.ndarray, window: int, most: int) -> np.ndarray:
    """Return the first rows of an order whose windows share no bar with one before them, at most so many; int64.

    ends  (N,) row of each window's last bar on the tape. Neighbouring windows look alike, so that four would be one picture.
    """
    chosen: list[int] = []
    for row in order:
        if len(chosen) < most and all(abs(int(ends[row]) - int(ends[other])) >= window for other in chosen):
            chosen.append(int(row))
    return np.array(chosen, dtype=np.int64)


def _caption(run: runs.Run, row) -> dict[str, Any]:
    classes = run.preprocessing["classes"]
    p = [row[f"p_{k}"] for k in range(len(classes))]
    answer = classes[int(np.argmax(p))]
    return {
        "label": classes[int(row.label)],
        "answer": answer,
        "confidence": float(max(p)),
        "direction": sides_of(run.preprocessing).get(answer),
        "symbol": str(row.symbol),
        "time": int(row.time),
    }


def bayes_of(data: SampleSet) -> dict[str, Any]:
    """Return the best achievable accuracy and AUROC on the test rows, {} where the market does not know it."""
    if (
        not isinstance(data.source, KnowsOptimum)
        or data.label.kind != "forecast"
        or data.label.horizon != 1
        or len(data.label.classes) != 2
    ):
        return {}
    made = data.prepared
    return data.source.optimum(made.candles, made.ends[data.samples("test")])
