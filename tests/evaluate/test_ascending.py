"""Numbers shared out among stretches come out as NumPy's stable sort gives them."""

import numpy as np
import pytest

from candlelab.evaluate.threshold import ascending as sorting
from candlelab.evaluate.threshold.ascending import ascending

RNG = np.random.default_rng(5)
COUNT = 50_000  # several stretches
KINDS = {
    "even": RNG.random(COUNT),
    "tied": RNG.integers(0, 9, COUNT) / 8,
    "one value": np.full(COUNT, 0.5),
    "skewed": np.exp(RNG.normal(0, 3, COUNT)),
    "crowded beside an outlier": np.append(RNG.random(COUNT - 1) * 1e-9, 1e9),
    "wider than a float": np.append(RNG.normal(0, 1e307, COUNT - 2), [-1.7e308, 1.7e308]),
    "denormal": RNG.integers(0, 5, COUNT) * 5e-324,
    "neighbours": 0.5 + RNG.integers(0, 3, COUNT) * 2.0**-53,
    "signed zeros": RNG.choice([0.0, -0.0, 1.0], COUNT),
}


@pytest.mark.parametrize("kind", KINDS)
def test_long_columns_are_sorted_stably(kind):
    values, rows = KINDS[kind], np.arange(COUNT)
    order = np.argsort(values, kind="stable")
    found, found_rows = ascending(values, rows)
    np.testing.assert_array_equal(found_rows, order)
    np.testing.assert_array_equal(found, values[order])


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_short_columns_are_sorted_stably(count):
    values = KINDS["tied"][:count]
    np.testing.assert_array_equal(ascending(values, np.arange(count))[1], np.argsort(values, kind="stable"))


def test_stretches_are_short_whatever_the_distribution(monkeypatch):
    lengths = []
    monkeypatch.setattr(sorting, "_order", lambda values: lengths.append(len(values)) or np.argsort(values))
    ascending(KINDS["even"], np.arange(COUNT))
    assert sum(lengths) == COUNT and max(lengths) < 2 * sorting.STRETCH
