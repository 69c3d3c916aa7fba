"""Monte Carlo check of a study's verdict: p-values of the best of several models where nothing is to be found, and limits of detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import kstest, norm

from candlelab.core.candles import Candles
from candlelab.data.indicators.windowed import plain_numbers
from candlelab.data.source.mirrored import Mirrored
from candlelab.data.source.planted import Planted
from candlelab.evaluate.baselines import Features, logistic
from candlelab.evaluate.classification import Predicted, Scored, direction_scores
from candlelab.evaluate.compare import holm
from candlelab.evaluate.luck import luck_of, score_of
from candlelab.evaluate.rows import Rows
from candlelab.evaluate.sensitivity import Sensitivity

LEVEL = 0.95
TRAINED = 0.85  # share of the bars, as what lies before the test rows in the shipped split; the rest is tested
HISTORY = 100  # bars before the first window: volatility wants some
RULE = "reversal"  # what logistic regression can see all of


@dataclass(frozen=True)
class GivenTape:
    """A source that has a tape already."""

    tape: Candles

    def fetch(self, symbols: list[str], interval: str, start: int | None, end: int | None) -> Candles:
        """Return the tape."""
        return self.tape


@dataclass(frozen=True)
class NullStudies:
    """Studies of several models in markets without an edge.

    p_values  of the best of each study among its worlds; said_yes: share of studies with a model that is said to know something
    """

    p_values: np.ndarray
    said_yes: float
    worlds: int

    @property
    def uniform(self) -> float:
        """Kolmogorov-Smirnov p-value that the p-values are uniform; each is spread evenly over its step."""
        steps = np.random.default_rng(0).random(len(self.p_values)) / (1 + self.worlds)
        return float(kstest(self.p_values - steps, "uniform").pvalue)


def quiet_market(bars: int, seed: int) -> Candles:
    """Made-up hours without an edge."""
    source = Planted(seed=seed, bars=bars, volatility=0.005, world="none", auroc=0.5, feature_window=8)
    return source.fetch(["SIM"], "1h", 1_577_836_800_000, None)


def mirrored(tape: Candles, world: int, *, edge: float = 0.0) -> Candles:
    """The bars with directions drawn anew, with an edge of the rule where it is above 0."""
    rule = RULE if edge else "none"
    source = Mirrored(source=GivenTape(tape), world=world, block=1, rule=rule, edge=edge, feature_window=8)  # type: ignore[arg-type]
    return source.fetch([], "1h", None, None)


def tried(tape: Candles, windows: Sequence[int]) -> dict[str, Scored]:
    """Scores on the newest bars of logistic regressions on windows of some lengths, fitted on the older ones."""
    return {f"logistic {window}": _fitted(tape, window) for window in windows}


def _fitted(tape: Candles, window: int) -> Scored:
    ends = np.arange(HISTORY, len(tape) - 1)
    up = (tape.close[ends + 1] > tape.close[ends]).astype(np.int64)
    numbers, border, none = plain_numbers(tape, ends, window), int(TRAINED * len(ends)), np.zeros(len(ends))
    every = Features(numbers, none.astype(int), none[:, None], up)
    first, last = (
        Features(*(getattr(every, name)[part] for name in ("numbers", "last_class", "volatility", "label")))
        for part in (slice(border), slice(border, None))
    )
    return {f"test/{name}": value for name, value in _scored(tape, ends[border:], logistic(first, last, 2, 0)).items()}


def _scored(tape: Candles, ends: np.ndarray, p: np.ndarray) -> Scored:
    change = tape.close[ends + 1] / tape.close[ends] - 1
    none, same = np.full(len(ends), np.nan), np.zeros(len(ends), np.int64)
    rows = Rows(tape.time[ends], same, same, 1, "1h")
    return direction_scores(Predicted((change > 0).astype(np.int64), p, none, change, none, rows), LEVEL)


def null_studies(*, studies: int, worlds: int, bars: int, windows: Sequence[int], seed: int) -> NullStudies:
    """Judge so many studies of one model per window, each in a market of its own without an edge, beside its worlds."""
    p_values, yes = [], 0
    for k in range(studies):
        tape = quiet_market(bars, seed + k)
        own = tried(tape, windows)
        others = [tried(mirrored(tape, 1000 * k + world), windows) for world in range(worlds)]
        p_values.append(luck_of(own, others)[0].p_value)
        scores = np.array([score_of(found, "auroc_direction") for found in own.values()])
        yes += bool(((holm(2 * norm.sf(np.abs(scores))) < 0.05) & (scores > 0)).any())
    return NullStudies(np.array(p_values), yes / studies, worlds)


def limits(*, worlds: int, times: Sequence[float], bars: int, window: int, seed: int) -> Sensitivity:
    """Plant edges of graded size and let logistic regression look for them; sizes in units of what the test rows could show."""
    smallest = smallest_edge(bars, seed)
    counts = []
    for number, each in enumerate(times):
        found = 0
        for world in range(worlds):
            tape = mirrored(quiet_market(bars, seed + world), 1000 * number + world, edge=each * smallest)
            found += next(iter(tried(tape, [window]).values()))["test/auroc_direction_low"] > 0.5
        counts.append(int(found))
    sizes = tuple(
        each * smallest for each in times
    )  # of reversal, whose lean is 1 or -1, the AUROC is one half plus the edge
    return Sensitivity(f"logistic {window}", RULE, sizes, tuple(counts), (worlds,) * len(sizes), smallest)


@lru_cache
def smallest_edge(bars: int, seed: int) -> float:
    """The AUROC above one half that the test rows show with 80 % power to somebody who knows the rule."""
    tape = quiet_market(bars, seed)
    ends = np.arange(HISTORY, len(tape) - 1)
    ends = ends[int(TRAINED * len(ends)) :]
    lean = -np.sign(tape.close[ends] - tape.open[ends])
    p = np.stack([0.5 - 0.1 * lean, 0.5 + 0.1 * lean], 1)
    return float(_scored(tape, ends, p)["smallest_auroc"] - 0.5)
