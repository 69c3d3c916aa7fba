"""The simple rules and models that every net is measured against, on the same rows."""

from __future__ import annotations

import numpy as np

from candlelab.data.samples import SampleSet
from candlelab.evaluate.baselines import MOST_TRAINING_ROWS, Features, fit_predict
from candlelab.pipeline.scores.predictions import EVALUATED


def baseline_rows(data: SampleSet, *, seed: int) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Return {name: {part: (p (n, K), forecast (n,) all NaN)}} of every baseline for validation and test.

    At most 200,000 training windows, evenly thinned, are turned into numbers.
    """
    learnt = data.samples("train")
    learnt = learnt[:: max(1, -(-len(learnt) // MOST_TRAINING_ROWS))]
    samples = [data.traded(part) for part in EVALUATED]
    train, validation, rows = (
        Features(**data.features(each)) for each in (learnt, samples[0], np.concatenate(samples))
    )
    fitted = fit_predict(train, validation, rows, classes=len(data.label.classes), seed=seed)
    border = len(samples[0])
    none = [np.full(len(part), np.nan) for part in samples]
    return {
        name: {EVALUATED[0]: (p[:border], none[0]), EVALUATED[1]: (p[border:], none[1])} for name, p in fitted.items()
    }
