"""`candlelab.judge`: the verdict on a table of predictions beside a tape that is in memory already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from candlelab.config import build, compose, plain
from candlelab.core.candles import Candles
from candlelab.data.samples import SampleSet
from candlelab.pipeline.judging.alignment import Times
from candlelab.pipeline.judging.judged import Judgement, judge_predictions
from candlelab.pipeline.judging.prediction_files import Reader, Told, read_predictions
from candlelab.pipeline.library import label_rule, tape_from


@dataclass(frozen=True)
class How:
    """The settings of a judgement, as `candlelab.judge` documents them."""

    label: str | None
    label_settings: dict[str, Any]
    window: int
    times: Times
    test_start: str | None
    reader: Reader
    suspect: Literal["refuse", "tell"]


class Held:
    """A source of bars that are there already."""

    def __init__(self, tape: Candles) -> None:
        self.tape = tape

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the tape, whatever is asked."""
        return self.tape


def judge_table(
    predictions: str | Path | pd.DataFrame, candles: Candles | pd.DataFrame, how: How, evaluate: dict[str, Any]
) -> Judgement:
    """Return the verdict; settings of `evaluate` are checked like those of the config."""
    told, tape = read_predictions(predictions, how.reader), tape_from(candles)
    tree = plain(compose("data=simulated", "render=null", "model=logistic", f"data.window={int(how.window)}"))
    tree["evaluate"] |= evaluate
    data = build(tree, "data", None)
    assert isinstance(data, SampleSet)
    rule = label_rule(how.label or _label_for(told), how.label_settings)
    parts = {
        "source": Held(tape),
        "label": rule,
        "symbols": [],
        "intervals": [tape.interval],
        "start": None,
        "end": None,
    }
    return judge_predictions(
        told,
        data.having(**parts),
        build(tree, "evaluate"),
        times=how.times,
        test_start=how.test_start,
        suspect=how.suspect,
        seed=tree["seed"],
    )


def _label_for(told: Told) -> str:
    return "three_class" if "p_2" in told.table else "direction"
