"""All classification scores of one model on one split, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import rankdata, spearmanr

from candlelab.evaluate import intervals, mean_error, metrics
from candlelab.evaluate.mean_error import FEWEST_COSINES, MeanError
from candlelab.evaluate.rows import Rows

Scored = dict[str, float]


@dataclass(frozen=True)
class Predicted:
    """One model's rows of one split that have a label.

    label (n,) int64; p (n, K); forecast (n,) predicted log return or NaN; forward_return, sigma (n,)
    """

    label: np.ndarray
    p: np.ndarray
    forecast: np.ndarray
    forward_return: np.ndarray
    sigma: np.ndarray
    rows: Rows

    @cached_property
    def answered(self) -> np.ndarray:
        """(n,) the likeliest class."""
        return self.p.argmax(1)

    @cached_property
    def right(self) -> np.ndarray:
        """(n,) 1 where the likeliest class is the label."""
        return (self.answered == self.label).astype(float)

    @cached_property
    def cosines(self) -> int:
        """How many cosines tell the spread of a share of these rows: few where answers last, or classes do as calm and lively times."""
        lasts = max(mean_error.lasting_time(column, self.rows) for column in self.p.T[1:])
        known = mean_error.cosines_for(self.rows.longest, lasts)
        return min(known, FEWEST_COSINES) if self.p.shape[1] > 2 and self.rows.horizon else known

    @property
    def moved(self) -> np.ndarray:
        """(n,) True where the price moved: only there is a direction to know."""
        return metrics.direction_rows(self.label, self.p.shape[1], self.forward_return)


def put(into: Scored, name: str, value: float, interval: intervals.Interval) -> None:
    """Write a value and its interval under name, name_low, name_high."""
    into[name], into[f"{name}_low"], into[f"{name}_high"] = value, *interval


def classify(
    given: Predicted, classes: tuple[str, ...], *, confidence_level: float, n_bins: int, n_bootstrap: int, seed: int
) -> Scored:
    """Every score of the class probabilities; NaN where not available. No rows give n = 0 and nothing else."""
    size = len(given.label)
    if size == 0:
        return {"n": 0, "n_eff": 0.0}
    table = metrics.confusion(given.label, given.answered, len(classes))
    effective = given.rows.effective_size(given.right)
    found: Scored = {"n": size, "n_eff": effective}
    found |= formula_scores(given, confidence_level)
    boot = intervals.BlockBootstrap(given.rows, n_bootstrap, seed, cosines=given.cosines)
    _bootstrapped(found, given, n_bins, boot, confidence_level)
    _per_class(found, table, classes)
    return found


def formula_scores(given: Predicted, confidence_level: float) -> Scored:
    """The scores whose intervals have a formula."""
    found: Scored = {}
    put(
        found,
        "accuracy",
        float(given.right.mean()),
        intervals.of_share(given.right, given.rows, confidence_level, cosines=given.cosines),
    )
    _of_table(found, given, confidence_level)
    _of_ranks(found, given, confidence_level)
    _of_probabilities(found, given, confidence_level)
    return found


def _of_table(found: Scored, given: Predicted, confidence_level: float) -> None:
    answered, classes = given.answered, given.p.shape[1]
    scores = {
        "balanced_accuracy": (metrics.balanced_parts, 0),
        "f1_macro": (metrics.f1_parts, 0),
        "mcc": (metrics.mcc_parts, -1),
    }
    for name, (parts_of, lowest) in scores.items():
        parts = parts_of(given.label, answered, classes)
        put(
            found,
            name,
            float(parts.mean()),
            intervals.of_mean(parts, given.rows, confidence_level, lowest, 1, cosines=given.cosines),
        )


def _of_ranks(found: Scored, given: Predicted, confidence_level: float) -> None:
    label, p, rows = given.label, given.p, given.rows
    each = [
        metrics.auroc_with_parts(label == k, p[:, k]) for k in (range(1, 2) if p.shape[1] == 2 else range(p.shape[1]))
    ]
    put(
        found,
        "auroc",
        float(metrics.mean_known(np.array([value for value, _ in each]))),
        intervals.of_auroc_classes([parts for _, parts in each], label, rows, confidence_level, cosines=given.cosines),
    )
    found |= direction_scores(given, confidence_level)
    change, far = (label == 0) | (label == p.shape[1] - 1), p[:, 0] + p[:, -1]
    parts = metrics.auroc_parts(change, far) if p.shape[1] > 2 else np.array([np.nan])
    put(
        found,
        "auroc_move",
        metrics.auroc_move(label, p),
        intervals.of_mean(parts, rows, confidence_level, 0, 1, cosines=given.cosines),
    )


def direction_scores(given: Predicted, confidence_level: float) -> Scored:
    """AUROC of up against down where the price moved, and the smallest edge that its interval would tell from chance.

    n_direction        independent rows, as many up as down, that these are worth
    smallest_auroc     found in 80 % of samples by scores like these
    smallest_accuracy  found in 80 % of samples by answers that are only up or down
    """
    moved = given.moved
    rows, up = given.rows.take(moved), given.label[moved] == given.p.shape[1] - 1
    parts = metrics.auroc_parts(up, metrics.direction_score(given.p[moved]))
    value = float(parts.mean()) if len(parts) else np.nan
    found: Scored = dict.fromkeys(("n_direction", "smallest_auroc", "smallest_accuracy"), np.nan)
    put(found, "auroc_direction", value, intervals.of_auroc_parts(parts, int(up.sum()), rows, confidence_level))
    if np.isnan(value):
        return found
    spread, balanced = mean_error.error_of_mean(parts, rows), 4 / (1 / up.sum() + 1 / (~up).sum())
    quantile = intervals.quantile(confidence_level, spread.freedom)
    found["n_direction"] = float(balanced * rows.effective_size(parts) / len(rows))
    found["smallest_accuracy"] = metrics.smallest_accuracy(found["n_direction"], quantile)
    of_score = metrics.smallest_area(spread.error, value, quantile)
    found["smallest_auroc"] = of_score if spread.error > 0 else found["smallest_accuracy"]
    return found


def _of_probabilities(found: Scored, given: Predicted, confidence_level: float) -> None:
    for name, losses in (("brier", metrics.brier_losses), ("log_loss", metrics.log_losses)):
        values = losses(given.label, given.p)
        put(
            found,
            name,
            float(values.mean()),
            intervals.of_loss(values, given.rows, confidence_level, cosines=given.cosines),
        )


def _bootstrapped(
    found: Scored, given: Predicted, n_bins: int, boot: intervals.BlockBootstrap, confidence_level: float
) -> None:
    value = metrics.over_classes(metrics.auprc, given.label, given.p)
    error = intervals.auprc_error(given.label, given.p, boot)
    put(found, "auprc", value, intervals.around(value, error, confidence_level, 0, 1, freedom=boot.freedom))
    error = intervals.ece_error(given.label, given.p, n_bins, boot)
    value = float(metrics.ece(*metrics.calibration_bins(given.label, given.p, n_bins)))
    put(found, "ece", value, intervals.around(value, error, confidence_level, 0, 1, freedom=boot.freedom))


def _per_class(found: Scored, table: np.ndarray, classes: tuple[str, ...]) -> None:
    parts = {"precision": metrics.precision, "recall": metrics.recall, "f1": metrics.f1}
    for name, score in parts.items():
        found |= {f"{name}/{word}": float(v) for word, v in zip(classes, score(table), strict=True)}
    found |= {f"predicted_share/{word}": float(v) for word, v in zip(classes, table.sum(0) / table.sum(), strict=True)}
    found |= {f"class_share/{word}": float(v) for word, v in zip(classes, table.sum(1) / table.sum(), strict=True)}


def forecast_scores(given: Predicted, confidence_level: float) -> Scored:
    """Scores of the predicted log return, empty where the model makes none.

    forecast_mse in units of sigma², forecast_r2 against predicting 0, rank_correlation (Spearman, all rows).
    """
    known = np.isfinite(given.forecast) & np.isfinite(given.forward_return) & (given.sigma > 0)
    if known.sum() < 3:
        return {}
    forecast, sigma = given.forecast[known], given.sigma[known]
    actual = np.log1p(given.forward_return[known])
    rows = given.rows.take(known)
    losses = ((forecast - actual) / sigma) ** 2
    found: Scored = {}
    put(
        found,
        "forecast_mse",
        float(losses.mean()),
        intervals.of_loss(losses, rows, confidence_level, cosines=FEWEST_COSINES),
    )
    found["forecast_r2"] = float(1 - losses.mean() / np.mean((actual / sigma) ** 2))
    constant = np.ptp(forecast) == 0 or np.ptp(actual) == 0
    ranks = np.stack([rankdata(v) for v in (forecast, actual)])
    rank = np.nan if constant else float(np.corrcoef(ranks)[1, 0])
    first, second = (_standard_ranks(own) for own in ranks)
    parts = first * second - rank / 2 * (first**2 + second**2)
    error = MeanError(np.nan, np.inf) if constant else mean_error.error_of_mean(parts, rows)
    put(
        found,
        "rank_correlation",
        rank,
        intervals.around(rank, error.error, confidence_level, -1, 1, freedom=error.freedom),
    )
    return found | _cross_section(forecast, actual, rows)


def _standard_ranks(ranks: np.ndarray) -> np.ndarray:
    """(n,) ranks with mean 0 and variance 1; 0 where all are equal."""
    ranks = ranks - (len(ranks) + 1) / 2
    spread = ranks.std()
    return ranks / spread if spread > 0 else ranks


def _cross_section(forecast: np.ndarray, actual: np.ndarray, rows: Rows, fewest: int = 5) -> Scored:
    """Mean rank correlation across symbols per instant, over instants a horizon apart; needs five symbols."""
    crowded = np.flatnonzero(np.bincount(rows.instant) >= fewest)[:: rows.lags + 1]
    if len(crowded) < 2:
        return {}
    order = np.argsort(rows.instant, kind="stable")
    edge = np.searchsorted(rows.instant[order], crowded)
    until = np.searchsorted(rows.instant[order], crowded, side="right")
    correlations = [
        spearmanr(forecast[order[a:b]], actual[order[a:b]]).statistic
        for a, b in zip(edge.tolist(), until.tolist(), strict=True)
    ]
    each = np.array([v for v in correlations if np.isfinite(v)])
    if len(each) < 2:
        return {}
    return {
        "rank_correlation_mean": float(each.mean()),
        "rank_correlation_ratio": float(each.mean() / each.std(ddof=1)),
        "rank_correlation_dates": len(each),
    }
