"""Gather what the explorer of a finished run shows, and write it beside the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from candlelab import run as runs
from candlelab.config import build
from candlelab.core.agreement import GIVEN
from candlelab.core.candles import Candles
from candlelab.core.errors import UserError
from candlelab.data.samples import SampleSet
from candlelab.evaluate.holdings import holdings
from candlelab.evaluate.score import Evaluation
from candlelab.evaluate.table import Part, Task, split_parts
from candlelab.pipeline.scores.looks import SCORED
from candlelab.pipeline.scores.scoring import own_scores, own_settings, score_and_report
from candlelab.report.explorer.content import Tested
from candlelab.report.explorer.run_page import Seen, write_run_explorer
from candlelab.report.results import ReportData
from candlelab.report.run_report import headline_of, subtitle_of


def has_explorer(run: runs.Run) -> bool:
    """Whether a run has bars and positions to look at: a forecast, and not from pictures of others."""
    made = run.preprocessing
    return made["kind"] == "forecast" and (made["renderer"] or {}).get("style") != GIVEN


def why_no_explorer(run: runs.Run) -> str:
    """One sentence on a run that has none."""
    if run.preprocessing["kind"] != "forecast":
        return f"the run in '{run.folder}' recognises what is drawn and trades nothing, so there is nothing to explore: its report shows its charts"
    return f"the run in '{run.folder}' learnt from given pictures, which lie on no bars: its report shows some of them"


def write_explorer(run: runs.Run, data: SampleSet) -> Path:
    """Write the explorer of a run from the data it was trained on; return its path.

    Raises UserError for a run without positions, and where the bars are not those of the run.
    """
    if not has_explorer(run):
        raise UserError(why_no_explorer(run))
    settings: Evaluation = build({"evaluate": own_settings(run)}, "evaluate")
    task, scores = task_of(run), own_scores(run)
    results = ReportData(run.metrics, run.card, "forecast")
    return write_run_explorer(
        run.folder / runs.EXPLORER,
        title=run.folder.name,
        subtitle=subtitle_of(results),
        headline=headline_of(results, scores.verdict)[0],
        candles=data.prepared.candles,
        tested=tested_of(run, data, settings, task),
        seen=seen_of(run),
        settings=settings,
        task=task,
    )


def score_and_explore(
    run: runs.Run, cfg: DictConfig, *, extra: dict[str, Any], data: SampleSet, state: str = SCORED
) -> tuple[dict[str, Any], str]:
    """Give a run its own score, its report and, for a forecast, its explorer; return as `score_and_report`."""
    metrics, words = score_and_report(run, cfg, extra=extra, data=data, state=state)
    scored = run.scored_anew()
    page = f"\n\npage to look at it: {write_explorer(scored, data)}" if has_explorer(scored) else ""
    return metrics, words + page


def task_of(run: runs.Run) -> Task:
    """What the labels of a run's table mean."""
    made = run.preprocessing
    return Task(
        made["horizon"], made["interval"], made["kind"], tuple(made["classes"]), stride=int(run.recipe.data.stride)
    )


def tested_of(run: runs.Run, data: SampleSet, settings: Evaluation, task: Task) -> Tested:
    """The test rows of a run with what each model holds, and the captions of the net's windows."""
    parts = split_parts(run.predictions, task)
    part = parts["test"]["net"]
    _check_bars(run, data, part)
    return Tested(
        part,
        holdings(settings, parts),
        run.threshold,
        _captions(data) if "caption" in run.preprocessing["reads"] else None,
    )


def _captions(data: SampleSet) -> Callable[[np.ndarray], list[str]]:
    return lambda ends: data.caption(data.prepared.candles, ends, data.window)


def _check_bars(run: runs.Run, data: SampleSet, part: Part) -> None:
    """Raise UserError unless every row of the table has its bar, and the bars are those that the run was trained on."""
    candles, stored = data.prepared.candles, run.preprocessing["data_hash"]
    if data.fingerprint != stored:
        raise UserError(
            f"the bars of the run in '{run.folder}' have changed since ({stored} then, {data.fingerprint} now): "
            "its page would show other prices than the net saw; train it again with resume=never"
        )
    for code, symbol in enumerate(part.ground.symbols):
        time = part.rows.time[part.rows.symbol == code]
        own = times_of(candles, symbol)
        if not np.isin(time, own).all():
            raise UserError(
                f"the predictions of the run in '{run.folder}' stand on bars of {symbol} that its data lack"
            )


def times_of(candles: Candles, symbol: str) -> np.ndarray:
    """Open times (n,) of a symbol's bars, ms UTC; none where the tape does not hold it."""
    if symbol not in candles.symbols:
        return np.empty(0, np.int64)
    return candles.time[candles.symbol == candles.symbols.index(symbol)]


def seen_of(run: runs.Run) -> Seen:
    """What the run's net reads, and the heat maps of task=explain."""
    made = run.preprocessing
    return Seen(made["reads"], made["renderer"], made["window"], made["warmup"], _maps(run))


def _maps(run: runs.Run) -> list[tuple[str, int, Any, str]]:
    pack = run.explained
    if not pack:
        return []
    rows = run.test.iloc[pack["rows"]]
    told = zip(rows.symbol, rows.time, pack["learnt"], pack["words"], strict=True)
    return [(str(symbol), int(time), picture, str(words)) for symbol, time, picture, words in told]
