"""What became of the lines of one run: outcomes, verdict, what the run had promised, and how many more lines an answer needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from candlelab.config import ConfigError, build
from candlelab.core.candles import Candles, concat
from candlelab.core.errors import UserError
from candlelab.core.times import iso
from candlelab.evaluate.score import Scores
from candlelab.export.rule import rule_of
from candlelab.pipeline.diary.feed import Feed
from candlelab.pipeline.diary.judge import FEWEST, Promise, diary_table, lines_needed, promises, scores_of_table
from candlelab.pipeline.diary.outcomes import MEANING, Truth, outcomes_of
from candlelab.run import Run


@dataclass(frozen=True)
class Review:
    """What is known of one run's lines at one interval.

    outcomes  as `outcomes_of`; scores: None where nothing was judged, and `why` says why not.
    needed    AUROC that is looked for, and the counted lines that would show it.
    """

    run: str
    interval: str
    outcomes: pd.DataFrame
    scores: Scores | None
    why: str | None
    promised: tuple[Promise, ...]
    needed: tuple[float, int]

    @property
    def counts(self) -> dict[str, int]:
        """How many bars have each status; those of which nothing was said count one by one."""
        sizes = self.outcomes.groupby("status")["bars"].sum()
        return {status: int(sizes[status]) for status in MEANING if status in sizes.index}

    @property
    def more(self) -> int:
        """How many more counted lines an answer is likely to need; 0 where there are enough."""
        return max(0, self.needed[1] - self.counts.get("counted", 0))

    def power(self) -> str:
        """What the counted lines can show, in a sentence."""
        area, lines = self.needed
        looked = (
            f"An AUROC of {area:.3f} of up against down is found in 80 of 100 cases by about {lines:,} counted lines"
        )
        return f"{looked}: {self.more:,} more are needed." if self.more else f"{looked}, which there are."

    def row(self) -> dict[str, Any]:
        """Return plain values for diary.json."""
        table = self.outcomes
        return {
            "run": self.run,
            "interval": self.interval,
            "symbols": sorted(set(table["symbol"])),
            "lines": len(table),
            "first": iso(table["bar"].min()),
            "last": iso(table["bar"].max()),
            "bars": self.counts,
            "restated": int(table["restated"].sum()),
            "verdict": None if self.scores is None else asdict(self.scores.verdict),
            "why_no_verdict": self.why,
            "metrics": None if self.scores is None else self.scores.metrics,
            "promises": [asdict(each) | {"word": each.word} for each in self.promised],
            "power": {"auroc": self.needed[0], "counted_lines": self.needed[1], "more": self.more},
        }


def review(
    run: Run, feed: Feed, lines: Sequence[Mapping[str, Any]], *, late: float | None, history: int, seed: int
) -> Review:
    """Return what became of the lines of one run at one interval.

    late     as in `outcomes_of`; history: bars before the first line on which the baselines learn.
    Raises ConfigError where the lines are of another interval than the feed, DataTrouble where the exchange does not answer.
    """
    if feed.interval != lines[0]["interval"]:
        raise ConfigError(
            f"the lines are of {lines[0]['interval']} bars and the run's are {feed.interval}: repeat what task=watch was "
            f"given, such as data.interval={lines[0]['interval']}"
        )
    classes = run.preprocessing["classes"]
    strange = next((line["line"] for line in lines if "p" in line and set(line["p"]) != set(classes)), None)
    if strange is not None:
        raise UserError(f"line {strange} names other classes than the run in '{run.folder}': name its own as task.run")
    now = feed.source.market_time()
    tape = _tape(feed, lines, feed.newest_close(now), history)
    rule = build(run.recipe, "data.label")
    made = run.preprocessing
    truth = Truth(tape, rule(tape, made["window"]), made["horizon"], feed.maker.bars)
    outcomes = outcomes_of(lines, truth, weights=rule_of(run).weights[:16], late=late, now=now)
    scores, why = _judged(run, lines, outcomes, tape, seed)
    told = None if scores is None else asdict(scores.verdict)
    counted = int((outcomes["status"] == "counted").sum())
    needed = lines_needed(run, counted, None if scores is None else scores.metrics)
    return Review(str(lines[0]["run"]), feed.interval, outcomes, scores, why, tuple(promises(run, told)), needed)


def _tape(feed: Feed, lines: Sequence[Mapping[str, Any]], until: int, history: int) -> Candles:
    first = {str(line["symbol"]): int(line["bar"]) for line in reversed(lines)}
    tapes = [feed.tape(symbol, opened, until, before=history) for symbol, opened in sorted(first.items())]
    return tapes[0] if len(tapes) == 1 else concat(tapes)


def _judged(
    run: Run, lines: Sequence[Mapping[str, Any]], outcomes: pd.DataFrame, tape: Candles, seed: int
) -> tuple[Scores | None, str | None]:
    """Return (scores, None), or (None, why nothing is judged)."""
    chosen = np.flatnonzero(outcomes["status"] == "counted")
    if len(chosen) < FEWEST:
        return None, f"{len(chosen)} lines count yet, and fewer than {FEWEST} are not judged"
    rows = outcomes["row"].to_numpy()[chosen]
    try:
        table = diary_table(run, [lines[int(k)] for k in chosen], rows, tape, seed=seed)
    except UserError as error:  # such as too little history for the baselines
        return None, str(error)
    return scores_of_table(run, table, tape.interval), None
