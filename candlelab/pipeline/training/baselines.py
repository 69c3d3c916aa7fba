"""The simple rules and models that every net is measured against, on the same rows."""

from __future__ import annotations

import numpy as np

from candlelab.data.samples import SampleSet
from candlelab.evaluate.baselines import MOST_TRAINING_ROWS, Features, fit_baselines
from candlelab.pipeline.scores.predictions import EVALUATED

BLOCK = 1 << 15  # windows that are numbers at a time


def baseline_rows(data: SampleSet, *, seed: int) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Return {name: {part: (p (n, K), forecast (n,) all NaN)}} of every baseline for validation and test.

    At most 200,000 training windows and as many of validation, evenly thinned, are turned into numbers to fit; to answer, a block
    of windows at a time.
    """
    learnt = data.samples("train")
    learnt = learnt[:: max(1, -(-len(learnt) // MOST_TRAINING_ROWS))]
    samples = [data.traded(part) for part in EVALUATED]
    train, validation = (Features(**data.features(each)) for each in (learnt, _labelled(data, samples[0])))
    answers = fit_baselines(train, validation, classes=len(data.label.classes), seed=seed)
    del train, validation
    found: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {name: {} for name in answers}
    for part, each in zip(EVALUATED, samples, strict=True):
        p = {name: np.empty((len(each), len(data.label.classes))) for name in answers}
        for first in range(0, len(each), BLOCK):
            rows = Features(**data.features(each[first : first + BLOCK]))
            for name, answer in answers.items():
                p[name][first : first + BLOCK] = answer(rows)
        none = np.full(len(each), np.nan)
        for name in answers:
            found[name][part] = p[name], none
    return found


def _labelled(data: SampleSet, samples: np.ndarray) -> np.ndarray:
    """Return the samples with a label, evenly thinned to as many as boosting is stopped by."""
    rows = np.flatnonzero(data.prepared.labels.label[data.prepared.ends[samples]] >= 0)
    return samples[rows[:: max(1, -(-len(rows) // MOST_TRAINING_ROWS))]]
