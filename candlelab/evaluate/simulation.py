"""Coverage of the intervals, uniformity of the p-values and power of the verdict, over many simulated worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr
from scipy.stats import kstest

from candlelab.evaluate import backtest, compare, money, verdict, worlds
from candlelab.evaluate.classification import Predicted, Scored, direction_scores, formula_scores
from candlelab.evaluate.threshold.curve import Trades
from candlelab.evaluate.threshold.exact import Exact
from candlelab.evaluate.worlds import Sample, World

LEVEL = 0.95
COST = 0.0005
SEARCH = Exact(score="confidence", min_trades=20, smooth=0.0, n_bootstrap=0)
SCORES = {
    "direction": "auroc_direction",
    "accuracy": "accuracy",
    "balanced": "balanced_accuracy",
    "mcc": "mcc",
    "log_loss": "log_loss",
}
MEASURES = (*SCORES, "sharpe", "difference")
TRUTH = {"direction": 0.5, "difference": 0.0, "mcc": 0.0}


@dataclass(frozen=True)
class Cell:
    """What one kind of world showed; shares of the worlds.

    information, volatility, beyond, money  said yes (volatility: "volatility only") of a model that knows nothing
    coverage   of each interval
    ks         Kolmogorov-Smirnov p-value that the paired p-values of two know-nothing models are uniform, by test
    edge       mean of the smallest AUROC that the verdict names
    power      share of "yes" at that AUROC
    """

    world: World
    information: float
    volatility: float
    beyond: float
    money: float
    coverage: Mapping[str, float]
    ks: Mapping[str, float]
    edge: float
    power: float


def score_worlds(world: World, *, count: int, bars: int, seed: int) -> Cell:
    """Score `count` worlds of `bars` test bars each, once without and once with the edge that they could just show."""
    seeds = np.random.SeedSequence([seed, *world.key])
    chance = [score_world(world, bars, np.random.default_rng(one)) for one in seeds.spawn(count)]
    edge = float(np.nanmean([found["smallest"] for found in chance]))
    skill = worlds.skill_for(world, edge, np.random.default_rng(seeds.spawn(1)[0]))
    able = [finds_information(world, bars, skill, np.random.default_rng(one)) for one in seeds.spawn(count)]
    information, volatility, beyond, money = (
        float(np.mean([found[name] for found in chance])) for name in ("information", "volatility", "beyond", "money")
    )
    return Cell(
        world,
        information,
        volatility,
        beyond,
        money,
        coverage={name: covered([found[name] for found in chance], TRUTH.get(name)) for name in MEASURES},
        ks={
            name: float(kstest([found[f"{name}_p"] for found in chance], "uniform").pvalue)
            for name in ("direction", "accuracy")
        },
        edge=edge,
        power=float(np.mean(able)),
    )


def covered(found: list[tuple[float, float, float]], truth: float | None) -> float:
    """Share of intervals (value, low, high) that hold the truth, or the mean of the values where it has no formula."""
    value, low, high = np.array(found).T
    truth = np.nanmean(value) if truth is None else truth
    known = ~np.isnan(low)
    return float(np.mean((low <= truth) & (truth <= high), where=known))


def finds_information(world: World, bars: int, skill: float, rng: np.random.Generator) -> bool:
    """Whether the verdict finds information in a model of this skill."""
    sample = worlds.draw_world(world, bars, rng)
    return knows(direction_scores(predicted(sample, worlds.lean(sample, skill, rng), rng), LEVEL))


def knows(found: Scored) -> bool:
    """Whether the verdict says yes to the first question."""
    return (
        verdict.side_of(found["auroc_direction_low"], found["auroc_direction_high"], 0.5, verdict.WORTH_HAVING) == "yes"
    )


def predicted(sample: Sample, said: np.ndarray, rng: np.random.Generator) -> Predicted:
    """The labelled rows with the probabilities of what a model says."""
    bars = len(said) // sample.world.symbols
    stir = worlds.remembered(sample.world.symbols, bars, sample.world.memory, worlds.ANSWERED_TOGETHER, rng).ravel()
    p, keep = worlds.probabilities(sample, said, stir), sample.label >= 0
    none = np.full(int(keep.sum()), np.nan)
    return Predicted(sample.label[keep], p[keep], none, np.expm1(sample.forward[keep]), none, sample.rows.take(keep))


def score_world(world: World, bars: int, rng: np.random.Generator) -> dict[str, Any]:
    """What the verdict says of a model that knows nothing of one world, and every interval as (value, low, high)."""
    sample = worlds.draw_world(world, bars, rng)
    said = worlds.lean(sample, 0.0, rng)
    own, rival = predicted(sample, said, rng), predicted(sample, worlds.lean(sample, 0.0, rng), rng)
    found, few = formula_scores(own, LEVEL), min(own.cosines, rival.cosines)
    gap = compare.paired_direction(own.label, own.p, rival.p, own.moved, own.rows, LEVEL)
    return {
        "information": knows(found),
        "volatility": not knows(found) and found["auroc_move_low"] > 0.5,
        "beyond": gap.low > 0,
        "smallest": found["smallest_auroc"],
        "difference": (gap.value, gap.low, gap.high),
        "direction_p": gap.p_value,
        "accuracy_p": compare.paired_accuracy(own.right, rival.right, own.rows, LEVEL, cosines=few).p_value,
        **{name: tuple(found[score + end] for end in ("", "_low", "_high")) for name, score in SCORES.items()},
        **earned(sample, said, worlds.draw_world(world, bars // 2, rng), rng),
    }


def earned(sample: Sample, said: np.ndarray, before: Sample, rng: np.random.Generator) -> dict[str, Any]:
    """Whether trading at a threshold chosen on `before` is said to pay, and the Sharpe ratio of all sides, fees aside."""
    validation, test = tradable(before, worlds.lean(before, 0.0, rng)), tradable(sample, said)
    signal = money.signal_of(test, SEARCH.search(validation, floor=0.5).threshold)
    found = money.earnings(
        backtest.run_backtest(signal, test.bar_return, test.rows, test.cost), test.rows, confidence_level=LEVEL
    )
    found |= money.against_holding(signal, test, confidence_level=LEVEL)
    free = money.earnings(
        backtest.run_backtest(test.direction, test.bar_return, test.rows, 0.0), test.rows, confidence_level=LEVEL
    )
    return {
        "money": found["sharpe_net_low"] > 0 and found["sharpe_timing_annual_low"] > 0,
        "sharpe": tuple(free["sharpe_net" + end] for end in ("", "_low", "_high")),
    }


def tradable(sample: Sample, said: np.ndarray) -> Trades:
    """The bars with the side that the model takes on each and how sure it is."""
    side = np.sign(said).astype(np.int8)
    return Trades(ndtr(0.1 * np.abs(said)), side, sample.bar_return, sample.rows, COST)
