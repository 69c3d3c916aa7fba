"""Simple rules and models every net has to beat on the same rows (METHODS 3.2 and 7).

Dimensions: n rows, F numbers per window, K classes; class 0 is down, class K-1 is up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST_TRAINING_ROWS = 200_000


@dataclass(frozen=True)
class Features:
    """The same windows as the net sees, told in numbers.

    numbers      (n, F) the window as numbers; NaN where unknown
    last_return  (n,) simple return of the window's last bar
    volatility   (n, 2) log mean |return| of the window, log range of its last bar
    label        (n,) int, -1 where the rule gives none
    """

    numbers: np.ndarray
    last_return: np.ndarray
    volatility: np.ndarray
    label: np.ndarray

    def labelled(self) -> Features:
        """The rows with a label, evenly thinned to at most 200,000."""
        rows = np.flatnonzero(self.label >= 0)
        rows = rows[:: max(1, -(-len(rows) // MOST_TRAINING_ROWS))]
        return Features(self.numbers[rows], self.last_return[rows], self.volatility[rows], self.label[rows])


def priors(label: np.ndarray, classes: int) -> np.ndarray:
    """(K,) shares of the classes, each counted once more than seen."""
    return (np.bincount(label, minlength=classes) + 1) / (len(label) + classes)


def majority(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) the shares of the training labels, on every row."""
    return np.tile(priors(train.label, classes), (len(rows.last_return), 1))


def _by_side(train: Features, rows: Features, classes: int, sign: int) -> np.ndarray:
    """The side `sign` times the last bar's; sure to the degree training was right, never below one half."""
    shares = priors(train.label, classes)
    up, train_up = sign * np.sign(rows.last_return), sign * np.sign(train.last_return)
    moved = train_up != 0
    right = train.label[moved] == np.where(train_up[moved] > 0, classes - 1, 0)
    sure = float(np.clip(right.mean(), 0.501, 0.999)) if moved.any() else 0.501
    p = np.tile(shares, (len(up), 1))
    for side, target in ((1, classes - 1), (-1, 0)):
        others = shares.copy()
        others[target] = 0
        answer = others / others.sum() * (1 - sure)
        answer[target] = sure
        p[up == side] = answer
    return p


def last_direction(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) the last bar's direction again; the training shares where it did not move."""
    return _by_side(train, rows, classes, 1)


def reversal(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) the opposite of the last bar's direction; the training shares where it did not move."""
    return _by_side(train, rows, classes, -1)


def _placed(model, x: np.ndarray, classes: int) -> np.ndarray:
    p = np.zeros((len(x), classes))
    p[:, model.classes_] = model.predict_proba(x)
    return p


def _logistic(train_x: np.ndarray, label: np.ndarray, x: np.ndarray, classes: int) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train_x, x = _finite(train_x, train_x), _finite(x, train_x)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train_x, label)
    return _placed(model, x, classes)


def _finite(x: np.ndarray, train_x: np.ndarray) -> np.ndarray:
    """Infinite logs and unknown numbers become the training column's mean of known ones."""
    known = np.isfinite(train_x)
    mean = np.where(known, train_x, 0).sum(0) / np.maximum(known.sum(0), 1)
    return np.where(np.isfinite(x), x, mean)


def volatility(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) logistic regression on two numbers that know only how much prices move."""
    return _logistic(train.volatility, train.label, rows.volatility, classes)


def logistic(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) logistic regression on the window as numbers, standardised on the training rows."""
    return _logistic(train.numbers, train.label, rows.numbers, classes)


def gradient_boosting(train: Features, rows: Features, classes: int, seed: int) -> np.ndarray:
    """(n, K) histogram gradient-boosted trees on the window as numbers."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(early_stopping=False, random_state=seed).fit(train.numbers, train.label)
    return _placed(model, rows.numbers, classes)


BASELINES: dict[str, Callable[[Features, Features, int, int], np.ndarray]] = {
    "majority": majority,
    "last_direction": last_direction,
    "reversal": reversal,
    "volatility": volatility,
    "logistic": logistic,
    "gradient_boosting": gradient_boosting,
}


def fit_predict(train: Features, rows: Features, *, classes: int, seed: int) -> dict[str, np.ndarray]:
    """Probabilities (n, K) of every baseline, fitted on the labelled training rows.

    Where training shows a single class, the fitted models answer with the training shares.
    Raises ValueError if no training row has a label.
    """
    train = train.labelled()
    if len(train.label) == 0:
        raise ValueError("the training part has no labelled row for the baselines; use more bars or another label")
    if len(np.unique(train.label)) == 1:
        rules = {name: BASELINES[name] for name in ("majority", "last_direction", "reversal")}
        return {name: rules.get(name, majority)(train, rows, classes, seed) for name in BASELINES}
    return {name: fit(train, rows, classes, seed) for name, fit in BASELINES.items()}
