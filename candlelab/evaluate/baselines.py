"""Simple rules and models every net has to beat on the same rows.

Dimensions: n rows, F numbers per window, K classes; class 0 is down, class K-1 is up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from candlelab.core.errors import UserError

MOST_TRAINING_ROWS = 200_000
ROUNDS = 100  # of boosting at most; weak signals want a dozen


@dataclass(frozen=True)
class Features:
    """The same windows as the net sees, told in numbers.

    numbers      (n, F) the window as numbers; NaN where unknown
    last_class   (n,) int: what the label rule says of the window's last bars, -1 where it says nothing
    volatility   (n, 2) log mean |return| of the window, log range of its last bar
    label        (n,) int, -1 where the rule gives none
    """

    numbers: np.ndarray
    last_class: np.ndarray
    volatility: np.ndarray
    label: np.ndarray

    def labelled(self) -> Features:
        """The rows with a label, evenly thinned to at most 200,000."""
        rows = np.flatnonzero(self.label >= 0)
        rows = rows[:: max(1, -(-len(rows) // MOST_TRAINING_ROWS))]
        return Features(self.numbers[rows], self.last_class[rows], self.volatility[rows], self.label[rows])


Answer = Callable[[Features], np.ndarray]
Rule = Callable[[Features, Features, int, int], np.ndarray]


def priors(label: np.ndarray, classes: int) -> np.ndarray:
    """(K,) shares of the classes, each counted once more than seen."""
    return (np.bincount(label, minlength=classes) + 1) / (len(label) + classes)


def majority(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) the shares of the training labels, on every row."""
    return np.tile(priors(train.label, classes), (len(rows.last_class), 1))


def _by_class(train: Features, rows: Features, classes: int, target: np.ndarray) -> np.ndarray:
    """The class `target[k]` after class k; sure to the degree training was right, never below one half."""
    shares = priors(train.label, classes)
    known = train.last_class >= 0
    right = train.label[known] == target[train.last_class[known]]
    sure = float(np.clip(right.mean(), 0.501, 0.999)) if known.any() else 0.501
    p = np.tile(shares, (len(rows.last_class), 1))
    for last, answered in enumerate(target):
        others = shares.copy()
        others[answered] = 0
        answer = others / others.sum() * (1 - sure)
        answer[answered] = sure
        p[rows.last_class == last] = answer
    return p


def last_direction(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) the class of the last bars again; the training shares where they have none."""
    return _by_class(train, rows, classes, np.arange(classes))


def reversal(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) the opposite of the last bars' class, neutral after neutral; the training shares where they have none."""
    return _by_class(train, rows, classes, np.arange(classes)[::-1])


def _placed(model, x: np.ndarray, classes: int) -> np.ndarray:
    p = np.zeros((len(x), classes))
    p[:, model.classes_] = model.predict_proba(x)
    return p


def _logistic(train_x: np.ndarray, label: np.ndarray, classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return what gives (n, K) for (n, F), standardised on the training rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = np.isfinite(train_x)
    mean = np.where(known, train_x, 0).sum(0) / np.maximum(known.sum(0), 1)
    model = make_pipeline(StandardScaler(copy=False), LogisticRegression(max_iter=1000))  # of an array of our own
    model.fit(_finite(train_x, mean), label)
    return lambda x: _placed(model, _finite(x, mean), classes)


def _finite(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return x, in double precision, with infinite logs and unknown numbers replaced by the training column's mean of known ones."""
    return np.where(np.isfinite(x), x, mean)


def _volatility_only(train: Features, classes: int) -> Answer:
    """Logistic regression on two numbers that know only how much prices move."""
    answer = _logistic(train.volatility, train.label, classes)
    return lambda rows: answer(rows.volatility)


def _of_numbers(train: Features, classes: int) -> Answer:
    answer = _logistic(train.numbers, train.label, classes)
    return lambda rows: answer(rows.numbers)


def logistic(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) logistic regression on the window as numbers, standardised on the training rows."""
    return _of_numbers(train, classes)(rows)


def gradient_boosting(train: Features, validation: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) histogram gradient-boosted trees on the window as numbers, stopped where the validation loss is lowest."""
    return _boosted(train, validation, classes, seed)(rows)


def _boosted(train: Features, validation: Features, classes: int, seed: int) -> Answer:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(early_stopping=False, learning_rate=0.05, max_iter=ROUNDS, random_state=seed)
    model.fit(train.numbers, train.label)
    known = validation.labelled()
    losses = [_log_loss(model.classes_, known.label, p) for p in model.staged_predict_proba(known.numbers)]
    best = int(np.argmin(losses)) if len(known.label) else ROUNDS - 1

    def answer(rows: Features) -> np.ndarray:
        p = np.zeros((len(rows.numbers), classes))
        p[:, model.classes_] = next(islice(model.staged_predict_proba(rows.numbers), best, None))
        return p

    return answer


def _log_loss(known: np.ndarray, label: np.ndarray, p: np.ndarray) -> float:
    """Mean log loss over the rows whose class training knew; p (n, classes known)."""
    seen = np.isin(label, known)
    place = np.searchsorted(known, label[seen])
    return float(-np.log(np.maximum(p[seen, place], 1e-15)).mean()) if seen.any() else 0.0


RULES: dict[str, Rule] = {
    "majority": majority,
    "last_direction": last_direction,
    "reversal": reversal,
}
BASELINES = (*RULES, "volatility", "logistic", "gradient_boosting")


def fit_predict(
    train: Features, validation: Features, rows: Features, *, classes: int, seed: int
) -> dict[str, np.ndarray]:
    """Probabilities (n, K) of every baseline on some rows, fitted as by `fit_baselines`."""
    answers = fit_baselines(train, validation, classes=classes, seed=seed)
    return {name: answer(rows) for name, answer in answers.items()}


def fit_baselines(train: Features, validation: Features, *, classes: int, seed: int) -> dict[str, Answer]:
    """Return every baseline, fitted on the labelled training rows; validation rows only stop the boosting.

    Each gives (n, K) probabilities for any rows, one row whatever the others are: many can be answered a block at a time.
    Where training shows a single class, the fitted models answer with the training shares.
    Raises UserError if no training row has a label.
    """
    train = train.labelled()
    if len(train.label) == 0:
        raise UserError("the training part has no labelled row for the baselines; use more bars or another label")
    rules = {name: partial(_by_rule, rule, train, classes, seed) for name, rule in RULES.items()}
    if len(np.unique(train.label)) == 1:
        return {name: rules.get(name, rules["majority"]) for name in BASELINES}
    fitted = {"volatility": _volatility_only(train, classes), "logistic": _of_numbers(train, classes)}
    return {**rules, **fitted, "gradient_boosting": _boosted(train, validation, classes, seed)}


def _by_rule(rule: Rule, train: Features, classes: int, seed: int, rows: Features) -> np.ndarray:
    return rule(train, rows, classes, seed)
