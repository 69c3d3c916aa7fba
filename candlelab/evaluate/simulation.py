"""Coverage of the intervals, uniformity of the p-values and power of the verdict, over many simulated worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kstest, norm

from candlelab.evaluate import backtest, compare, intervals, metrics, money, verdict, worlds
from candlelab.evaluate.classification import Predicted, direction_scores
from candlelab.evaluate.threshold.curve import Trades
from candlelab.evaluate.threshold.exact import Exact
from candlelab.evaluate.worlds import Sample, World

LEVEL = 0.95
COST = 0.0005
SEARCH = Exact(score="confidence", min_trades=20, smooth=0.0, draws=0)
MEASURES = ("direction", "accuracy", "balanced", "mcc", "log_loss", "sharpe", "difference")
TRUTH = {"direction": 0.5, "difference": 0.0}


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


def run(world: World, *, count: int, bars: int, seed: int) -> Cell:
    """Score `count` worlds of `bars` test bars each, once without and once with the edge that they could just show."""
    seeds = np.random.SeedSequence([seed, *world_key(world)])
    chance = [score(world, bars, 0.0, np.random.default_rng(one)) for one in seeds.spawn(count)]
    edge = float(np.nanmean([found["smallest"] for found in chance]))
    skill = worlds.skill_for(world, edge, np.random.default_rng(seeds.spawn(1)[0]))
    able = [informed(world, bars, skill, np.random.default_rng(one)) for one in seeds.spawn(count)]
    return Cell(
        world,
        *(
            float(np.mean([found[name] for found in chance]))
            for name in ("information", "volatility", "beyond", "money")
        ),
        coverage={name: covered([found[name] for found in chance], TRUTH.get(name)) for name in MEASURES},
        ks={
            name: float(kstest([found[f"{name}_p"] for found in chance], "uniform").pvalue)
            for name in ("direction", "accuracy")
        },
        edge=edge,
        power=float(np.mean(able)),
    )


def world_key(world: World) -> Sequence[int]:
    """Numbers that tell one world from another."""
    return [world.horizon, world.symbols, int(1000 * world.memory), sum(map(ord, world.market)), world.two_valued]


def covered(found: Sequence[tuple[float, float, float]], truth: float | None) -> float:
    """Share of intervals (value, low, high) that hold the truth, or the mean of the values where it has no formula."""
    value, low, high = np.array(found).T
    truth = np.nanmean(value) if truth is None else truth
    known = ~np.isnan(low)
    return float(np.mean((low <= truth) & (truth <= high), where=known))


def informed(world: World, bars: int, skill: float, rng: np.random.Generator) -> bool:
    """Whether the verdict finds information in a model of this skill."""
    sample = worlds.draw(world, bars, rng)
    found = direction_scores(predicted(sample, worlds.lean(sample, skill, rng), rng), LEVEL)
    return (
        verdict.side_of(found["auroc_direction_low"], found["auroc_direction_high"], 0.5, verdict.WORTH_HAVING) == "yes"
    )


def predicted(sample: Sample, said: np.ndarray, rng: np.random.Generator) -> Predicted:
    """The labelled rows with the probabilities of what a model says."""
    bars = len(said) // sample.world.symbols
    stir = worlds.remembered(sample.world.symbols, bars, sample.world.memory, worlds.ANSWERED_TOGETHER, rng).ravel()
    p, keep = worlds.probabilities(sample, said, stir), sample.label >= 0
    none = np.full(int(keep.sum()), np.nan)
    forward = np.expm1(sample.forward[keep])
    return Predicted(
        sample.label[keep], p[keep], none, forward, none, sample.rows if keep.all() else sample.rows.take(keep)
    )


def score(world: World, bars: int, skill: float, rng: np.random.Generator) -> dict:
    """What the verdict says of one world, and every interval as (value, low, high)."""
    sample = worlds.draw(world, bars, rng)
    said = worlds.lean(sample, skill, rng)
    own, rival = predicted(sample, said, rng), predicted(sample, worlds.lean(sample, 0.0, rng), rng)
    found = direction_scores(own, LEVEL)
    area = tuple(found["auroc_direction" + end] for end in ("", "_low", "_high"))
    gap = compare.paired_direction(own.label, own.p, rival.p, own.moved, own.rows, LEVEL)
    knows = verdict.side_of(*area[1:], 0.5, verdict.WORTH_HAVING) == "yes"
    return {
        "information": knows,
        "volatility": not knows and moves(own),
        "beyond": gap.low > 0 and area[1] > 0.5,
        "smallest": found["smallest_auroc"],
        "direction": area,
        "difference": (gap.value, gap.low, gap.high),
        "direction_p": gap.p_value,
        "accuracy_p": compare.paired_accuracy(own.right, rival.right, own.rows, LEVEL).p_value,
        **of_classes(own),
        **earned(sample, said, worlds.draw(world, bars // 2, rng), rng),
    }


def moves(own: Predicted) -> bool:
    """Whether the size of moves is shown to be known."""
    if own.p.shape[1] == 2:
        return False
    change, far = own.label != 1, own.p[:, 0] + own.p[:, -1]
    return intervals.of_mean(metrics.auroc_parts(change, far), own.rows, LEVEL, memory=own.memory)[0] > 0.5


def of_classes(own: Predicted) -> dict:
    """Accuracy, balanced accuracy, Matthews correlation and log loss as (value, low, high)."""
    answered, classes = own.p.argmax(1), own.p.shape[1]
    parts = {
        "balanced": metrics.balanced_parts(own.label, answered, classes),
        "mcc": metrics.mcc_parts(own.label, answered, classes),
        "log_loss": metrics.log_losses(own.label, own.p),
    }
    found = {
        name: (values.mean(), *intervals.of_mean(values, own.rows, LEVEL, memory=own.memory))
        for name, values in parts.items()
    }
    return found | {"accuracy": (own.right.mean(), *intervals.of_share(own.right, own.rows, LEVEL, memory=own.memory))}


def earned(sample: Sample, said: np.ndarray, before: Sample, rng: np.random.Generator) -> dict:
    """Whether trading at a threshold chosen on `before` is said to pay, and the Sharpe ratio of all sides, fees aside."""
    validation, test = tradable(before, worlds.lean(before, 0.0, rng)), tradable(sample, said)
    signal = money.signal_of(test, SEARCH.search(validation, floor=0.5).threshold)
    found = money.earnings(backtest.run(signal, test.bar_return, test.rows, test.cost), test.rows, level=LEVEL)
    found |= money.against_holding(signal, test, level=LEVEL)
    free = money.earnings(backtest.run(test.direction, test.bar_return, test.rows, 0.0), test.rows, level=LEVEL)
    return {
        "money": found["sharpe_net_low"] > 0 and found["sharpe_timing_annual_low"] > 0,
        "sharpe": tuple(free["sharpe_net" + end] for end in ("", "_low", "_high")),
    }


def tradable(sample: Sample, said: np.ndarray) -> Trades:
    """The bars with the side that the model takes on each and how sure it is."""
    side = np.sign(said).astype(np.int8)
    return Trades(norm.cdf(0.1 * np.abs(said)), side, sample.bar_return, sample.rows, COST)
