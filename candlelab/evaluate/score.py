"""Everything that can be said about a table of predictions.

Reads nothing but the table: a change of fees is re-scored in seconds, without training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from candlelab.core.errors import UserError
from candlelab.evaluate import abstain, backtest, compare, curves, forecast, ledger, money, plausible, verdict
from candlelab.evaluate.classification import Scored, classify, forecast_scores
from candlelab.evaluate.flat_metrics import flatten
from candlelab.evaluate.instrument import Instrument
from candlelab.evaluate.rule.choice import Held, PositionRule
from candlelab.evaluate.rule.threshold import Threshold
from candlelab.evaluate.table import SPLITS, Kind, Part, Task, split_parts
from candlelab.evaluate.threshold.curve import Choice, Search, Trades, empty_like, settled_choice

Named = dict[str, Any]  # results by name, as they are written to json

NO_PERIODS: Mapping[str, tuple[int, int]] = MappingProxyType({})
JOINED = "folds that are joined are traded at their thresholds alone, without the sizes and holding times of the rule"
FUNDED = 8 * 3_600_000  # ms that funding_bps is paid for
NO_FORECAST = "the net makes no forecast: its confidence stands in for score=forecast"


@dataclass(frozen=True)
class Scores:
    """What an evaluation found.

    metrics     flat: test/…, val/…, baseline/<name>/…, bayes/…; intervals as <name>_low and <name>_high;
                None where not available. Sharpe ratios are per bar unless the name says annual
    threshold   for threshold.json: what was chosen on validation, how, and the thinned curve; {} for recognition
    curves      for plots: confusion, calibration, and unless recognition threshold {threshold, val, test: annualised
                Sharpe ratio} and equity {time, net, gross, buy_and_hold} as arrays, and what
                `record` says: fees, months, rolling, drawdowns
    models      one row per model on the test rows; per_symbol: the net, one row per symbol;
                per_period: the net, one row per period asked for
    verdict     the answers in words
    trades      what the net traded on the test rows, as `ledger.trade_list`; empty for recognition
    """

    metrics: dict[str, float | int | None]
    threshold: Named
    curves: Named
    models: pd.DataFrame
    per_symbol: pd.DataFrame
    per_period: pd.DataFrame
    verdict: verdict.Verdict
    trades: pd.DataFrame


class Evaluation:
    """Scores predictions: classification with intervals, trading after costs, verdict.

    fee_bps           per unit of position changed, in basis points
    slippage_bps      what an order moves the price, on top of the fee, in basis points
    spread_bps        between bid and ask, in basis points: half of it is paid for each change
    funding_bps       that a long position pays and a short one receives in eight hours, in basis points; may be negative
    threshold     how the confidence threshold is chosen on validation
    rule          how score and threshold become positions
    min_precision     recognition: share of names that must be right on validation; below that confidence the model abstains
    confidence_level  of the intervals, such as 0.95
    n_bins            of the calibration curve
    n_bootstrap       bootstrap draws for the intervals that need them
    n_permutations    random signals with the same turnover
    positive_control  whether a training run plants an edge on its bars to test its net: off, auto (a quarter of the
                  fit) or full; scoring only tells what was found
    sealed        whether a training run ends without reading a test label; scoring takes no notice
    """

    fee_bps: float
    slippage_bps: float
    spread_bps: float
    funding_bps: float
    threshold: Search
    rule: PositionRule
    confidence_level: float
    min_precision: float
    n_bins: int
    n_bootstrap: int
    n_permutations: int
    seed: int
    positive_control: Literal["off", "auto", "full"]
    sealed: bool

    def __init__(
        self,
        *,
        fee_bps: float,
        slippage_bps: float,
        spread_bps: float,
        funding_bps: float,
        threshold: Search,
        rule: PositionRule,
        min_precision: float,
        confidence_level: float,
        n_bins: int,
        n_bootstrap: int,
        n_permutations: int,
        seed: int,
        positive_control: Literal["off", "auto", "full"],
        sealed: bool,
    ):
        for name, value in (("fee_bps", fee_bps), ("slippage_bps", slippage_bps), ("spread_bps", spread_bps)):
            if not 0 <= value < 10_000:
                raise UserError(f"{name} was {value}; give basis points from 0 to below 10000")
        if not -10_000 < funding_bps < 10_000:
            raise UserError(f"funding_bps was {funding_bps}; give basis points in eight hours, from -10000 to 10000")
        if not 0 < min_precision <= 1:
            raise UserError(
                f"min_precision was {min_precision}; give the share of names that must be right, above 0 and up to 1"
            )
        if not 0.5 < confidence_level < 1:
            raise UserError(
                f"confidence_level was {confidence_level}; give a share above 0.5 and below 1, for example 0.95"
            )
        for name, value in (("n_bins", n_bins), ("n_bootstrap", n_bootstrap), ("n_permutations", n_permutations)):
            if value < 2:
                raise UserError(f"{name} was {value}; give at least 2")
        self.fee_bps, self.slippage_bps, self.threshold = fee_bps, slippage_bps, threshold
        self.spread_bps, self.funding_bps, self.rule = spread_bps, funding_bps, rule
        self.confidence_level, self.min_precision = confidence_level, min_precision
        self.n_bins, self.n_bootstrap, self.n_permutations, self.seed = n_bins, n_bootstrap, n_permutations, seed
        self.positive_control, self.sealed = positive_control, sealed

    @property
    def cost(self) -> float:
        """Per unit of position changed, as a fraction."""
        return (self.fee_bps + self.slippage_bps + self.spread_bps / 2) / 1e4

    def score(
        self,
        predictions: pd.DataFrame,
        *,
        horizon: int,
        interval: str,
        kind: Kind,
        classes: tuple[str, ...],
        bayes: float | None = None,
        net: str = "net",
        stride: int = 1,
        doubts: tuple[str, ...] = (),
        periods: Mapping[str, tuple[int, int]] = NO_PERIODS,
        instrument: Instrument | None = None,
    ) -> Scores:
        """Score the rows of model `net` beside those of every other model in the table.

        horizon  bars the label looks ahead, 0 for recognition
        bayes    best achievable accuracy where the market is simulated
        stride   bars between neighbouring rows, as data.stride
        instrument  what the run found out about its own net; None if nobody examined it
        doubts   what is wrong with the bars that the rows stem from and can change the verdict, in words
        periods  name: [start, end) in ms UTC of stretches of the test to be scored apart
        Raises UserError if the table lacks columns or rows, or if models stand on different rows.
        """
        task = Task(horizon, interval, kind, tuple(classes), bayes, stride)
        parts = split_parts(predictions, task)
        if net not in parts["test"]:
            raise UserError(f"the predictions hold no test rows of model {net!r}; they hold {sorted(parts['test'])}")
        found = {split: self._classified(parts[split], task) for split in SPLITS}
        tested = parts["test"][net]
        pictures = curves.of_classification(tested.predicted, task.classes, self.n_bins)
        if kind == "forecast":
            threshold, passive, made, drawn = self._money(found, parts, net)
            pictures |= drawn
        else:
            threshold, passive, made = self._abstained(found, parts, net), {}, pd.DataFrame(columns=ledger.COLUMNS)
        if net in parts["val"]:
            found["test"][net] |= forecast.coverage(parts["val"][net].predicted, tested.predicted)
        differences = self._paired(parts["test"], net)
        flat, own = flatten(found, net, task, passive, differences), found["test"][net]
        others = {m: s for m, s in found["test"].items() if m != net}
        answers = verdict.judge(own, others, differences, flat, threshold, task, self.describe())
        if kind == "forecast" and own.get("n", 0):
            answers = verdict.tested(answers, instrument)
        answers = replace(answers, missing_for_trust=(*doubts, *answers.missing_for_trust))
        by_symbol = {name: tested.of_symbol(code) for code, name in enumerate(tested.ground.symbols)}
        by_period = {name: tested.between(*ends) for name, ends in periods.items()}
        symbols, spans = (self._apart(each, task, threshold) for each in (by_symbol, by_period))
        return Scores(flat, threshold, pictures, one_row_each(found["test"]), symbols, spans, answers, made)

    def _money(self, found: Named, parts: Named, net: str) -> tuple[Named, Named, pd.DataFrame, Named]:
        """Return the threshold, what passive holders earned, the net's trades and its curves; adds money to `found`."""
        choices, trades = self.chosen(parts, drawn=net)
        self._trade(found, parts, choices, trades, net)
        own, choice = trades["test"][net], choices[net]
        signal = self.positions(parts["test"][net], own, choice.threshold, choice.held)
        made = ledger.trade_list(signal, own, parts["test"][net].ground.symbols)
        found["test"][net] |= ledger.trade_scores(made)
        drawn = curves.of_money(signal, choice, own, seed=self.seed)
        return self._threshold(choice, parts, trades, net), self._passive(own), made, drawn

    def _abstained(self, found: Named, parts: Named, net: str) -> Named:
        """Return the confidence below which a recogniser says nothing; adds how often it answers and is right."""
        threshold = abstain.chosen(parts["val"][net].predicted if net in parts["val"] else None, self.min_precision)
        tested, least = parts["test"][net].predicted, threshold["threshold"]
        found["test"][net] |= abstain.named_scores(tested, least, self.confidence_level)
        return threshold

    def describe(self) -> Named:
        """The settings a verdict has to name."""
        return self.costs | {"confidence_level": self.confidence_level}

    @property
    def costs(self) -> Named:
        """What a change of position and holding one cost, in basis points."""
        return {name: getattr(self, name) for name in ("fee_bps", "slippage_bps", "spread_bps", "funding_bps")}

    def positions(self, part: Part, could: Trades, threshold: float | None, held: Held) -> np.ndarray:
        """Return what is held of a part; (n,) in [-1, 1]. Rows that bring a threshold of their own are held whole."""
        if part.settled is not None:
            return money.signal_of(could, threshold)
        return self.rule.positions(could, threshold, held)

    def _classified(self, parts: dict[str, Part], task: Task) -> dict[str, Scored]:
        found = {}
        for model, part in parts.items():
            predicted = part.predicted
            scored = classify(
                predicted,
                task.classes,
                confidence_level=self.confidence_level,
                n_bins=self.n_bins,
                n_bootstrap=self.n_bootstrap,
                seed=self.seed,
            )
            scored |= forecast.against_naive(predicted, self.confidence_level)
            if task.kind == "forecast":
                scored |= forecast_scores(predicted, self.confidence_level)
            found[model] = scored
        return found

    def chosen(self, parts: Named, *, drawn: str = "") -> tuple[dict[str, Choice], dict[str, dict[str, Trades]]]:
        """The threshold of each model, found on its validation rows (only `drawn` keeps its curve), and what could be traded."""
        trades = {split: {model: self.trades(part) for model, part in own.items()} for split, own in parts.items()}
        choices = {}
        for model, part in parts["test"].items():
            if part.settled is not None:
                choices[model] = settled_choice(trades["test"][model])
                continue
            floor = money.smallest_score(money.score_used(self.threshold.score, part.forecast), part.p.shape[1])
            searched = trades["val"].get(model) or empty_like(trades["test"][model])
            found = self.rule.settled(self.threshold.search(searched, floor=floor), searched, floor=floor)
            choices[model] = found if model == drawn else found.without_curve()
        return choices, trades

    def trades(self, part: Part) -> Trades:
        """What could be traded of a part."""
        gain = part.ground.earned
        if self.funding_bps:
            gain = gain - self.funding_bps / 1e4 * part.rows.bar_ms * part.rows.step / FUNDED
        used = money.score_used(self.threshold.score, part.forecast)
        could = money.trades_of(part.p, part.forecast, gain, part.rows, self.cost, used)
        return could if part.settled is None else replace(could, score=could.score - part.settled)

    def thresholds(self, predictions: pd.DataFrame, task: Task) -> dict[str, float | None]:
        """The threshold of each model, chosen on the validation rows of a table; None where it trades nothing."""
        return {model: choice.threshold for model, choice in self.chosen(split_parts(predictions, task))[0].items()}

    def _trade(self, found: Named, parts: Named, choices: Named, trades: Named, net: str) -> None:
        """Add to `found` what each model earns at its own threshold."""
        for split, own in trades.items():
            for model, could in own.items():
                if model not in choices:
                    continue
                choice = choices[model]
                signal = self.positions(parts[split][model], could, choice.threshold, choice.held)
                test = backtest.run_backtest(signal, could.bar_return, could.rows, self.cost)
                scored = found[split][model]
                scored |= money.earnings(test, could.rows, confidence_level=self.confidence_level)
                returns = parts[split][model].ground.forward_return
                scored |= money.edges(returns, could.rows, self.cost, self.confidence_level)
                if (split, model) == ("test", net):
                    n_bootstrap, null = self.n_bootstrap, self.n_permutations
                    scored |= money.stress(signal, could, n_bootstrap=n_bootstrap, n_permutations=null, seed=self.seed)
                    scored |= money.against_holding(signal, could, confidence_level=self.confidence_level)
                    scored |= money.while_traded(signal, could)
                    label = parts[split][model].ground.label
                    scored |= plausible.earned_over_explained(
                        signal, could, label, parts[split][model].p.shape[1], self.confidence_level
                    )

    def _threshold(self, choice: Choice, parts: Named, trades: Named, net: str) -> Named:
        settings = {k: v for k, v in vars(self.threshold).items() if isinstance(v, (str, int, float))}
        traded, tested = trades["test"][net], parts["test"][net]
        year = math.sqrt(traded.rows.per_year)
        searched = choice.threshold is not None and net in trades["val"]
        optimism = self.threshold.optimism(trades["val"][net], seed=self.seed) if searched else None
        used = money.score_used(self.threshold.score, tested.forecast)
        swapped = [] if used == self.threshold.score else [NO_FORECAST]
        swapped += [] if tested.settled is None or isinstance(self.rule, Threshold) else [JOINED]
        corrected = None if choice.sharpe is None or optimism is None else (choice.sharpe - optimism) * year
        return {
            "rule": type(self.threshold).__name__.lower(),
            **settings,
            "score": used,
            "chosen_on": self.threshold.chosen_on,
            "threshold": choice.threshold,
            "flat": flat_because(choice, int(settings.get("min_trades", 1)), year),
            "trades": choice.entries,
            "candidates": choice.candidates,
            "best_validation_sharpe_annual": None if choice.best is None else choice.best * year,
            "validation_sharpe_annual": None if choice.sharpe is None else choice.sharpe * year,
            "optimism_annual": None if optimism is None else optimism * year,
            "corrected_sharpe_annual": corrected,
            **self.costs,
            "position": type(self.rule).__name__.lower(),
            "held": dict(choice.held),
            "warnings": [*swapped, *choice.warnings],
            "curve": curves.thinned(choice.curve, year),
            "test_at": money.at_thresholds(traded, tested.ground.label, tested.p.shape[1], telling(choice)),
        }

    def _passive(self, could: Trades) -> dict[str, Scored]:
        """Money-only baselines: always long, always flat."""
        ones = np.ones(len(could.rows), np.int8)
        runs = {"buy_and_hold": ones, "always_flat": 0 * ones}
        return {
            name: money.earnings(
                backtest.run_backtest(signal, could.bar_return, could.rows, self.cost),
                could.rows,
                confidence_level=self.confidence_level,
            )
            for name, signal in runs.items()
        }

    def _paired(self, parts: dict[str, Part], net: str) -> dict[str, dict[str, compare.Difference]]:
        """The net less each baseline on the same rows, by measure."""
        own = parts[net].predicted
        others = {model: part.predicted for model, part in parts.items() if model != net and len(own.label)}
        found = {}
        for model, other in others.items():
            few = min(own.cosines, other.cosines)
            found[model] = {
                "accuracy": compare.paired_accuracy(
                    own.right, other.right, own.rows, self.confidence_level, cosines=few
                ),
                "balanced_accuracy": compare.paired_balanced(
                    own.label, own.p, other.p, own.rows, self.confidence_level, cosines=few
                ),
                "auroc": compare.paired_auroc(own.label, own.p, other.p, own.rows, self.confidence_level, cosines=few),
                "auroc_direction": compare.paired_direction(
                    own.label, own.p, other.p, own.moved, own.rows, self.confidence_level
                ),
            }
        return found

    def _apart(self, parts: Mapping[str, Part], task: Task, threshold: Named) -> pd.DataFrame:
        """One row of scores per part of the test rows, all at the threshold that was chosen once; as in threshold.json."""
        found = {}
        for name, own in parts.items():
            scored = classify(
                own.predicted,
                task.classes,
                confidence_level=self.confidence_level,
                n_bins=self.n_bins,
                n_bootstrap=self.n_bootstrap,
                seed=self.seed,
            )
            if task.kind == "forecast" and len(own.rows):
                could = self.trades(own)
                signal = self.positions(own, could, threshold["threshold"], threshold["held"])
                test = backtest.run_backtest(signal, could.bar_return, own.rows, self.cost)
                scored |= money.earnings(test, own.rows, confidence_level=self.confidence_level)
            found[name] = scored
        return one_row_each(found)


def one_row_each(found: dict[str, Scored]) -> pd.DataFrame:
    """A table of scores, one row per name."""
    return pd.DataFrame.from_dict(found, orient="index")


def telling(choice: Choice) -> np.ndarray:
    """About a dozen thresholds worth a line in a report: deciles of the curve and the chosen one."""
    values = choice.curve.threshold
    deciles = values[curves.evenly(len(values), 11)]
    return np.unique(deciles if choice.threshold is None else np.append(deciles, choice.threshold))


def flat_because(choice: Choice, min_trades: int, year: float) -> str | None:
    """Why nothing is traded; None where something is."""
    if choice.threshold is not None:
        return None
    if choice.best is None:
        return f"no threshold trades {min_trades} times on validation"
    return (
        f"no threshold earns anything after fees on validation (best net Sharpe ratio {choice.best * year:.1f} a year)"
    )
